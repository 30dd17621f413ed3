"""What a partition's facts move of days that were told: kept beside the counts until the next write.

Most facts count on a day that is not told yet. What may move others goes to cells of its own first, which are
looked through once a write: late facts, and all that corrects what counted before (a reopening, a return).
A purchase in its order moves only counters that say what came after it (``gaps``), and so no figure of a
window that had ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time_ns

from services.metrics.domain import gaps
from services.metrics.domain.bought import CELLS_A_SPOT, Amounts, bought
from services.metrics.domain.cells import Delta, add, add_minutes
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.restating import HOUR, Moved, Sums, last_told, merging_type
from services.metrics.domain.tracked import Tracked
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import DAY, Micros, day_number, moment

MOST_KEPT = 5_000
"""Sums of one write that are kept: more of them are moved by loaded history alone."""
COUNTED = frozenset(event for kpi in KPIS.values() for event in kpi.events)
_NO_DAYS = (2**31, -(2**31))
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def wall_clock() -> Micros:
    return time_ns() // 1_000


@dataclass(slots=True)
class Past:
    """Of one partition, since it was last written. Nothing here does I/O."""

    wall: Callable[[], Micros] = wall_clock
    delta: Delta = field(default_factory=Delta)
    """Changes that are not in the tail yet."""
    amounts: Amounts = field(default_factory=Amounts)
    """Nor are these, of purchases,"""
    late_amounts: Amounts = field(default_factory=Amounts)
    """and of those that go to ``delta``."""
    sums: Sums = field(default_factory=dict)
    """What those that are moved of days that were told."""
    facts: dict[int, dict[str, int]] = field(default_factory=dict)
    """Late ones: day -> type -> how many."""
    too_many: bool = False
    """They are more than are kept, and none is."""
    span: tuple[int, int] = _NO_DAYS
    """The first and the last day of those that were moved."""
    began: Micros | None = None
    """When the first of all this was heard."""
    now: Micros = 0
    told_before: datetime = _LONG_AGO
    """What happened before this is late."""
    _until: Micros = 0
    """So long that holds."""

    @property
    def cells(self) -> int:
        """So many are changed here, about."""
        return len(self.delta) + CELLS_A_SPOT * (len(self.amounts) + len(self.late_amounts))

    def delta_for(self, event: Event, now: Micros, tail: Delta) -> Delta:
        """Where this fact is to count."""
        self.now = now
        if now >= self._until:
            told = last_told(now)
            self.told_before, self._until = moment((told + 1) * DAY), (told + 2) * DAY + HOUR
        kind = type(event.data)
        late = event.time < self.told_before
        if late and kind in COUNTED:
            types = self.facts.setdefault(day_number(event.time), {})
            types[event.type] = types.get(event.type, 0) + 1
        elif kind is PurchaseMade:
            return tail
        if self.began is None:
            self.began = self.wall()
        self.delta.since = max(self.delta.since, tail.since)
        return self.delta

    def bought(self, tracked: Tracked, event: Event, now: Micros, delta: Delta, tail: Delta) -> bool:
        """Count a purchase by the short way (``domain/bought``), if it can be."""
        return bought(tracked, event, now, delta, self.amounts if delta is tail else self.late_amounts)

    def merged(self, moved: Delta, event: Event, now: Micros) -> None:
        """Count what merging moved, and note of the told days that it did."""
        self.now = now
        if self.began is None:
            self.began = self.wall()
        for cell, n in moved.items():
            add(self.delta, cell, n)
        kind = merging_type(event)
        for day in {day for day, _ in _told(moved, last_told(now))}:
            types = self.facts.setdefault(day, {})
            types[kind] = types.get(kind, 0) + 1

    def into(self, tail: Delta) -> Delta:
        """Count all of it in the tail, in place, and look through it. Returns the tail, which may be another
        object."""
        self.late_amounts.into(self.delta)
        self._look_through(last_told(self.now))
        fresh, self.delta = self.delta, Delta()
        if not tail and not tail.minutes:
            fresh.since = max(fresh.since, tail.since)
            self.amounts.into(fresh)
            return fresh
        self.amounts.into(tail)
        for cell, n in fresh.items():
            add(tail, cell, n)
        tail.since = max(tail.since, fresh.since)
        add_minutes(tail.minutes, fresh.minutes)
        return tail

    def _look_through(self, told: int) -> None:
        days = [day for day, _, _ in self.delta if day <= told]
        if not days:
            return
        self.span = (min(self.span[0], *days), max(self.span[1], *days))
        if self.too_many:
            return
        room = MOST_KEPT - sum(map(len, self.sums.values()))
        for (day, name), n in _told(self.delta, told).items():
            fields = self.sums.setdefault(day, {})
            room -= name not in fields
            fields[name] = fields.get(name, 0) + n
            if room < 0:
                self.too_many, self.sums = True, {}
                return

    def moved(self, partition: int, version: int, heard: int) -> Moved | None:
        """What is to be kept of it: None if it moved nothing that was told."""
        wall = self.wall()
        began = wall if self.began is None else min(self.began, wall)
        if self.too_many:
            return Moved(partition, version, self.now, began, wall, heard, self.facts, None, self.span)
        sums = {
            day: moved
            for day, fields in self.sums.items()
            if (moved := {name: n for name, n in fields.items() if n})
        }
        return Moved(partition, version, self.now, began, wall, heard, self.facts, sums) if sums else None

    def written(self) -> None:
        """It stands."""
        self.sums, self.facts, self.began = {}, {}, None
        self.span, self.too_many = _NO_DAYS, False


def _told(delta: Delta, last: int) -> dict[tuple[int, str], int]:
    """What is moved of the days up to ``last``, by day and field: nothing by a move to another place."""
    moved: dict[tuple[int, str], int] = {}
    for (day, place, name), n in delta.items():
        if day <= last and "|" in place and not name.startswith(_BY_CHANNEL):
            moved[day, name] = moved.get((day, name), 0) + n
    return {key: n for key, n in moved.items() if n}


_BY_CHANNEL = tuple(field for field in gaps.FIELDS if field[0] == gaps.BY_CHANNEL)
