"""Figures that were told already, and facts heard since that move them.

A day's figures are told when it is closed for an hour. Whatever moves its sums afterwards is kept
(``Moved``), so the sums as they were at any time are those of now less what came since, and both sides of a
restatement follow from the same sums as every other figure. Sums are of all customers: what moves between
segments moves no figure.

What loads history is told from facts that come late by how many of them come together (``is_backfill``).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from pydantic import Field

from services.metrics.domain.days import Day, Days, Part, parts_of
from shared.schemas.base import Strict
from shared.schemas.commands.merging import HandOver
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from shared.schemas.times import DAY, SECOND, Micros

HOUR: Micros = 3_600 * SECOND
MINUTE: Micros = 60 * SECOND
KEPT_DAYS = 800
"""So long it is kept what moved figures since they were told: longer than a window is, and as long as facts
are open to correction."""

Sums: TypeAlias = dict[int, dict[str, int]]
"""Day -> field -> count, of all places."""


class Restating(Strict):
    """How late facts are told from history that is loaded: section ``restating`` of the policy."""

    backfill_facts: Annotated[int, Field(ge=1)] = 30
    """More late facts than this a minute may be history that is loaded,"""
    backfill_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """and are, where they are more than this part of all that is heard meanwhile."""
    quiet_seconds: Annotated[float, Field(gt=0, le=30)] = 3.0
    """So long after the last one they are judged, all together."""


MERGES = (CustomerMerged.event_type, CustomerUnmerged.event_type)


def merging_type(event: Event) -> str:
    """Which of ``MERGES`` is the reason for what was handed over, or is given back."""
    merged = isinstance(event.data, HandOver) and bool(event.data.path)
    return MERGES[0] if merged else MERGES[1]


@dataclass(frozen=True, slots=True)
class Moved:
    """What one write of a partition moved of days that were told."""

    partition: int
    version: int
    """How often the partition had been written before."""
    at: Micros
    """When: the wall clock, or the watermark of the stream clock."""
    began: Micros
    """When the first of it was heard, by the wall clock."""
    wall: Micros
    """When it was written, by the wall clock."""
    heard: int
    """Facts of that write, these and all others."""
    facts: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Day -> event type -> how many of that day were heard late."""
    sums: Sums | None = field(default_factory=dict)
    """None where there was too much to keep: then what was told before is not known."""
    days: tuple[int, int] = (0, -1)
    """First and last of those that it moved, where the sums are not kept."""

    @property
    def late(self) -> int:
        """How many facts were heard late; a merge is one, however many days it moves."""
        merges: Counter[str] = Counter()
        late = 0
        for types in self.facts.values():
            for name, n in types.items():
                if name in MERGES:
                    merges[name] = max(merges[name], n)
                else:
                    late += n
        return late + merges.total()


def last_told(now: Micros) -> int:
    """The last day that is closed for an hour."""
    return (now - HOUR) // DAY - 1


def oldest_kept(now: Micros) -> Micros:
    """What was told at this time or later is known; what moved figures before it is of no use."""
    return now - KEPT_DAYS * DAY


def before(days: Days, moved: Iterable[Moved], first: int) -> Days:
    """The sums of the days from ``first`` on as they were before all of this."""
    then = {day: fields for day, fields in days.items() if day >= first}
    back: Sums = {}
    for one in moved:
        for day, changes in (one.sums or {}).items():
            if day >= first:
                taken = back.setdefault(day, {})
                for name, n in changes.items():
                    taken[name] = taken.get(name, 0) - n
    for day, taken in back.items():
        then[day] = Day(*parts_of(then.get(day, {})), Part(taken.items()))
    return then


def levels_before(levels: Mapping[str, int], moved: Iterable[Moved]) -> dict[str, int]:
    """How levels stood before all of this."""
    then = {**levels}
    for one in moved:
        for changes in (one.sums or {}).values():
            for level in then:
                then[level] -= changes.get(level, 0)
    return then


def bursts(moved: Iterable[Moved], policy: Restating) -> list[list[Moved]]:
    """What came together, in the order of the wall clock: with no pause of ``quiet_seconds``, however long
    the writes took."""
    found: list[list[Moved]] = []
    for one in _in_order(moved):
        if found and one.began - found[-1][-1].wall <= _quiet(policy):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _in_order(moved: Iterable[Moved]) -> list[Moved]:
    """By the wall clock; those of a partition as they were written, though the clock went back meanwhile."""
    latest: dict[int, Micros] = {}
    order: list[tuple[Micros, int, int, Moved]] = []
    for one in sorted(moved, key=lambda one: (one.partition, one.version)):
        latest[one.partition] = max(latest.get(one.partition, one.wall), one.wall)
        order.append((latest[one.partition], one.partition, one.version, one))
    return [one for *_, one in sorted(order, key=lambda row: row[:3])]


def is_settled(burst: Sequence[Moved], wall: Micros, policy: Restating) -> bool:
    """Whether no more of it is to be waited for: it has been quiet, or has gone on for a minute."""
    return wall - burst[-1].wall > _quiet(policy) or wall - burst[0].began >= MINUTE


def _quiet(policy: Restating) -> Micros:
    return round(policy.quiet_seconds * SECOND)


def is_backfill(burst: Sequence[Moved], policy: Restating) -> bool:
    """Whether it loads history: many late facts, and a good part of all that is heard."""
    late, heard = sum(one.late for one in burst), sum(one.heard for one in burst)
    minutes = max(1.0, (burst[-1].wall - burst[0].began) / MINUTE)
    too_many = any(one.sums is None for one in burst)
    return too_many or (late > policy.backfill_facts * minutes and late > policy.backfill_share * heard)


def cause(moved: Iterable[Moved], day: int) -> str:
    """Which facts of the day were heard late: types, and how many of each; and that customers were merged;
    else that later facts moved it, as a reopening does."""
    types: Counter[str] = Counter()
    for one in moved:
        types.update(one.facts.get(day, {}))
    merges = [name for name in MERGES if types.pop(name, 0)]
    told = (f"{n} {name}" for name, n in sorted(types.items(), key=lambda item: (-item[1], item[0])))
    return ", ".join([*told, *merges]) or "facts of other days"


def changed(
    told: Mapping[str, float | None], now: Mapping[str, float | None]
) -> dict[str, tuple[float | None, float | None]]:
    """The figures that are not as they were told: by name, what was told and what is now. One that is not
    there is null."""
    names = dict.fromkeys((*told, *now))
    pairs = {name: (told.get(name), now.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
