"""The demo's last page: every message that the rules may send, in every language."""

import os
import sys
import webbrowser
from pathlib import Path

from rich.console import Console

from rapport.rules.draft import load_draft
from rapport.rules.gallery import PAGE, gallery


def show_gallery(console: Console, folder: Path) -> None:
    """Write it into ``folder``, say where it is and, for a person with a screen, open it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in gallery(load_draft(None, channels=["sms"])).items():
        (folder / name).write_text(text, encoding="utf-8")
    page = (folder / PAGE).resolve().as_uri()
    console.print("\n[bold]Every message, in every language[/bold], as `rapport rules gallery` writes it")
    console.print(f"  {page}", soft_wrap=True, highlight=False)
    if console.is_terminal and _has_screen():
        webbrowser.open(page)


def _has_screen() -> bool:
    named = os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}
    return sys.platform == "darwin" or bool(named)
