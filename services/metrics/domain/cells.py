"""Cells: what the aggregates are made of.

A cell is a counter named by day, place and field. Everything Metrics stores for its KPIs is a sum of cells,
so partitions, days and places add up, and a change is a cell with a sign. Beside the days stand the minutes
of the last two days, which have no place.
"""

from collections.abc import Iterable, Mapping, Sequence
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

OPEN, BALANCE, CARRIED, AT_WORK = "open", "points", "carried", "at_work"
LEVELS = (OPEN, BALANCE, CARRIED, AT_WORK)
"""Fields that are levels: the sum of each over all days says how it stands now (complaints that are open,
points that members have, conversations that agents have, agents at work)."""

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

    def count_minutes(self, changes: Iterable[Change]) -> None:
        """Add changes to the minutes."""
        last, counts = None, None
        for at, field, n in changes:
            if at != last:  # mostly all are of one time
                last, minute = at, at // MINUTE
                counts = self.minutes.setdefault(minute, {}) if minute >= self.since else None
            if counts is not None:
                counts[field] = counts.get(field, 0) + n

    def count_day(self, day: int, names: Iterable[str], fields: Mapping[str, int]) -> None:
        """Add what fields of one day come to to the cells of some places."""
        count_days(self, names, [(day, field, n) for field, n in fields.items()])

    def count_minute(self, minute: int, fields: Mapping[str, int]) -> None:
        """Add what fields of one minute come to."""
        add_minutes(self.minutes, {minute: fields})

    def forget_minutes(self) -> None:
        """Keep none that became too old."""
        self.minutes = {minute: fields for minute, fields in self.minutes.items() if minute >= self.since}


def add(delta: dict[Cell, int], cell: Cell, n: int) -> None:
    """Add ``n`` to a cell, in place; a cell that becomes zero goes."""
    before = delta.get(cell)
    if before is None:
        if n:
            delta[cell] = n
    elif before + n:
        delta[cell] = before + n
    else:
        del delta[cell]


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


def count_days(delta: Delta, names: Iterable[str], changes: Sequence[DayChange]) -> None:
    """Add changes of days to the cells of some places."""
    get, pop = delta.get, delta.pop  # as ``add``, of which there are too many to call it
    for name in names:
        for day, field, n in changes:
            cell = (day, name, field)
            total = get(cell, 0) + n
            if total:
                delta[cell] = total
            else:
                pop(cell, None)


def signed(changes: Iterable[Change], sign: int) -> Iterable[Change]:
    """The changes, or with -1 what takes them back."""
    return changes if sign > 0 else [(at, field, -n) for at, field, n in changes]
