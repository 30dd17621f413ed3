"""Cells: what the aggregates are made of.

A cell is a counter named by day, place and field. Everything Metrics stores for its KPIs is a sum of cells,
so partitions, days and places add up, and a change is a cell with a sign. Beside the days stand the minutes
of the last two days, which have no place.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from shared.schemas.times import Micros

Cell: TypeAlias = tuple[int, str, str]
"""Day (since 1970-01-01, UTC), place (``places``), field."""

Change: TypeAlias = tuple[Micros, str, int]
"""When it happened, field, signed count."""

DayChange: TypeAlias = tuple[int, str, int]
"""Day, field, signed count: of what is counted by days alone."""

Minutes: TypeAlias = dict[int, dict[str, int]]
"""Minute (since 1970-01-01, UTC) -> field -> count."""

OPEN = "open"
"""The one field that is a level: its sum over all days is how many complaints are open now."""

MINUTE: Micros = 60_000_000
KEPT_MINUTES = 48 * 60
"""So many minutes are kept; what is older is counted by day alone."""


class Delta(dict[Cell, int]):
    """Changes of cells, none of them zero, and of minutes."""

    __slots__ = ("minutes", "since")

    def __init__(self, cells: Mapping[Cell, int] | None = None) -> None:
        super().__init__(cells or {})
        self.minutes: Minutes = {}
        """Changes of minutes; some may be zero."""
        self.since = 0
        """Minutes before this one are not counted."""

    def copied(self) -> "Delta":
        """Another of the same."""
        other = Delta(self)
        other.minutes = {minute: dict(fields) for minute, fields in self.minutes.items()}
        other.since = self.since
        return other

    def keep_minutes(self, now: Micros) -> None:
        """Count no minutes, and keep none, that are too old at ``now``."""
        since = now // MINUTE - KEPT_MINUTES
        if since > self.since:
            self.since = since
            for minute in [minute for minute in self.minutes if minute < since]:
                del self.minutes[minute]


def add(delta: dict[Cell, int], cell: Cell, n: int) -> None:
    """Add ``n`` to a cell, in place; a cell that becomes zero goes."""
    total = delta.get(cell, 0) + n
    if total:
        delta[cell] = total
    else:
        delta.pop(cell, None)


def add_minutes(minutes: Minutes, more: Mapping[int, Mapping[str, int]]) -> None:
    """Add the minutes of another, in place."""
    for minute, fields in more.items():
        counts = minutes.setdefault(minute, {})
        for field, n in fields.items():
            counts[field] = counts.get(field, 0) + n


def merged(deltas: Iterable[Mapping[Cell, int]]) -> Delta:
    """The sum of several deltas, their minutes too."""
    total = Delta()
    for delta in deltas:
        for cell, n in delta.items():
            add(total, cell, n)
        if isinstance(delta, Delta):
            add_minutes(total.minutes, delta.minutes)
    return total
