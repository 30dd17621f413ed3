"""Files and mappings that the tests of imports are given."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from rapport.importing.rows import Row, Rows
from rapport.importing.sources import format_of, open_rows
from shared.mapping.file import MappingFile, load_mapping
from shared.mapping.form import CsvForm

MAP = """
    source: /old
    events:
      - type: interaction.logged
        when: row.kind != "skip"
        subject: row.who
        id: row.id
        time: {is: 2026-02-01T00:00:00Z}
        data:
          channel: {is: chat}
          direction: {is: inbound}
          kind: row.kind
          summary: {is: hello}
          duration_s: row.took
    """


def mapping(folder: Path, text: str = MAP) -> MappingFile:
    path = folder / "map.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_mapping(path)


def opened(path: Path, content: bytes | str, form: CsvForm | None = None) -> Rows:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_rows(path, format_of(path), form or CsvForm())


def all_of(rows: Rows, skip: int = 0) -> list[Row]:
    found = list(rows.rows(skip))
    rows.close()
    return found


def table(count: int) -> Iterator[str]:
    """Lines of CSV: every seventh is wrong, every fifth is left out."""
    yield "id,who,kind,took"
    for number in range(count):
        kind = "skip" if number % 5 == 1 else "call"
        took = "long" if number % 7 == 3 else str(number % 100)
        yield f"i-{number},c-{number % 9},{kind},{took}"
