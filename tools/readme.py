"""Writes what documents say that code declares: ``python tools/readme.py [--check]``.

It stands between marks such as ``<!-- codes -->`` and ``<!-- /codes -->``: the error codes of a service, a
complaint's life, the KPIs, their gauges. With ``--check`` nothing is written: it names the files that are
stale and exits 1.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from services.interactions.domain.complaints.table import life_table
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.table import definitions, gauges
from services.metrics.domain.kpis.table import table as kpi_table
from shared.http.errors import table as code_table
from shared.schemas.services import SERVICES

ROOT = Path(__file__).parents[1]


def told() -> Iterator[tuple[str, str, str]]:
    """File, mark, and what is to stand there."""
    for service in SERVICES:
        codes = import_module(f"services.{service}.errors").CODES
        yield f"services/{service}/README.md", "codes", f"\n{code_table(codes)}\n"
    yield "services/interactions/README.md", "life", f"\n\n{life_table()}\n\n"
    yield "services/metrics/README.md", "kpis", f"\n{kpi_table(KPIS.values())}\n"
    yield "docs/metrics.md", "kpis", f"\n\n{definitions(KPIS.values())}\n\n"
    yield "docs/operating.md", "gauges", gauges(KPIS.values())


def placed(text: str, mark: str, content: str) -> str:
    """The text with the content between the marks. Raises ``ValueError`` unless they are there once."""
    between = re.compile(rf"(?<=<!-- {mark} -->).*?(?=<!-- /{mark} -->)", re.DOTALL)
    new, places = between.subn(lambda _: content, text)
    if places != 1:
        raise ValueError(f"there are {places} places <!-- {mark} -->, not one")
    return new


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    stale = False
    for file, mark, content in told():
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        new = placed(text, mark, content)
        if new != text:
            stale = True
            print(f"{file}: {mark}")
            if "--check" not in arguments:
                path.write_text(new, encoding="utf-8", newline="\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
