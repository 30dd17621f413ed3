"""The demo leaves every message to look at."""

import io
from pathlib import Path

from rich.console import Console

from rapport.demo.gallery import show_gallery


def test_the_gallery_is_written_and_named(tmp_path: Path) -> None:
    out = io.StringIO()
    show_gallery(Console(file=out, width=200), tmp_path / "gallery")
    page = tmp_path / "gallery" / "index.html"
    assert page.as_uri() in out.getvalue()
    assert "welcome" in page.read_text(encoding="utf-8")
    assert (tmp_path / "gallery" / "welcome.de.txt").exists()
