"""Writes the tables of the services' READMEs that come from code: ``python tools/readme.py [--check]``.

What stands between ``<!-- codes -->`` and ``<!-- /codes -->`` is made of ``services/<name>/errors.py``. With
``--check`` nothing is written: it names the files that are stale and exits 1.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from shared.http.errors import table
from shared.schemas.services import SERVICES

ROOT = Path(__file__).parents[1]
_CODES = re.compile(r"(?<=<!-- codes -->\n).*?(?=<!-- /codes -->)", re.DOTALL)


def rewritten(service: str, text: str) -> str:
    """The README's text with the table of today's codes. Raises ``ValueError`` without its place."""
    codes = import_module(f"services.{service}.errors").CODES
    new, places = _CODES.subn(lambda _: table(codes) + "\n", text)
    if places != 1:
        raise ValueError(f"services/{service}/README.md has no place <!-- codes --> for its codes")
    return new


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    stale = []
    for service in SERVICES:
        path = ROOT / "services" / service / "README.md"
        text = path.read_text(encoding="utf-8")
        new = rewritten(service, text)
        if new != text:
            stale.append(path)
            if "--check" not in arguments:
                path.write_text(new, encoding="utf-8", newline="\n")
    for path in stale:
        print(path.relative_to(ROOT))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
