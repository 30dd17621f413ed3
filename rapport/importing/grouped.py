"""Rows that follow each other and are one thing, such as the lines of an order, as one record."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rapport.importing.rows import Row, Rows
from rapport.trouble import TroubleError
from shared.expressions.kinds import Field, Kind, Many, Table
from shared.mapping.sampling import ROW

MEMBERS = "rows"
"""The field of a record that has its rows."""
MOST_ROWS = 10_000
"""Of one record."""


class Grouped:
    """A file whose rows of one value of a column, where they follow each other, are one record: the fields of
    the first, and all of them in ``rows``."""

    def __init__(self, rows: Rows, column: str) -> None:
        self._rows, self._column = rows, column

    @property
    def columns(self) -> tuple[str, ...]:
        return self._rows.columns

    def kind(self, sample: Sequence[Any]) -> Kind:
        """Raises ``TroubleError`` where there is no such column."""
        found = self._rows.kind(sample)
        if not isinstance(found, Table) or self._column not in found.fields:
            raise TroubleError(f"The file has no column {self._column}, by which its rows are to be grouped.")
        inside = Field(Many(Table(f"{ROW}[]", found.fields)), lambda of: of.get(MEMBERS))
        return Table(ROW, {**found.fields, MEMBERS: inside})

    @property
    def done(self) -> float:
        return self._rows.done

    def close(self) -> None:
        self._rows.close()

    def rows(self, skip: int) -> Iterator[Row]:
        found = self._groups()
        next(islice(found, skip, skip), None)
        return found

    def _groups(self) -> Iterator[Row]:
        group: list[Row] = []
        key: Any = None
        for row in self._rows.rows(0):
            named = row.record.get(self._column) if isinstance(row.record, dict) else None
            if group and (named is None or named != key or len(group) == MOST_ROWS):
                yield _together(group)
                group = []
            group.append(row)
            key = named
        if group:
            yield _together(group)


def _together(group: list[Row]) -> Row:
    first = group[0]
    fault = next((row.fault for row in group if row.fault is not None), None)
    if fault is None and len(group) == MOST_ROWS:
        fault = f"has {MOST_ROWS} rows or more"
    record = {**first.record, MEMBERS: [row.record for row in group]} if fault is None else first.record
    return Row(first.line, record, fault, first.cells, sum(row.size for row in group), tuple(group))
