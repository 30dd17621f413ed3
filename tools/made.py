"""Documents that are made from code: written, or only looked at."""

from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def keep(folder: Path, pages: Iterable[tuple[str, str]], arguments: Sequence[str]) -> int:
    """Names the pages (file name and text) of a folder that are stale, and writes them unless told
    ``--check``. Returns the command's exit status."""
    stale = False
    for name, text in pages:
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale = True
            print(path.relative_to(ROOT))
            if "--check" not in arguments:
                folder.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
    return 1 if stale and "--check" in arguments else 0
