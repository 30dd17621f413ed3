"""Which restatements are due: late facts that are settled, of days that nothing was told of this minute."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from services.metrics.domain.restating import (
    MINUTE,
    Moved,
    Restating,
    bursts,
    is_backfill,
    is_settled,
)
from shared.schemas.times import DAY, Micros

KEPT: Micros = 2 * MINUTE
"""So long what was decided is looked at again: what comes after it may belong to it."""


class Day(msgspec.Struct, array_like=True, frozen=True):
    """A day that was told anew, or is to be."""

    minute: int
    """In which that was the last time, by the wall clock (minutes since 1970)."""
    versions: dict[int, int] | None = None
    """As ``Told.versions``, where something waits for the next minute."""


class Told(msgspec.Struct, array_like=True, frozen=True):
    """Up to where all is decided, of the KPIs that one worker decides for."""

    versions: dict[int, int] = {}
    """Of each partition the first write that is not."""
    days: dict[int, Day] = {}
    since: Micros = 0
    """What was written before this, by the wall clock, is of no use any more."""
    judged: int | None = None
    """The last day of which it was asked whether its figures left what is usual."""
    loading: Micros = 0
    """Since when, by the wall clock, history is loaded; 0: none is, nor was a minute ago."""
    latest: dict[str, int] = {}
    """By KPI the latest day of which it was asked: of what ripens later, or waits until history is loaded, an
    earlier one than ``judged``."""

    def is_decided(self, one: Moved, day: int) -> bool:
        """Whether this write's part in a day's figures is told, or is not to be."""
        known = self.days.get(day)
        versions = self.versions if known is None or known.versions is None else known.versions
        return one.version < versions.get(one.partition, 0)

    def is_loading(self, wall: Micros) -> bool:
        """Whether history is loaded. What goes on for longer than a day is how facts come here."""
        return bool(self.loading) and wall - self.loading < DAY


@dataclass(frozen=True, slots=True)
class Due:
    """A day whose figures are to be told anew."""

    day: int
    late: tuple[Moved, ...]
    """The facts that moved it."""
    since_told: tuple[Moved, ...]
    """What is in the sums of now and was not when it was told last."""
    since: tuple[Moved, ...]
    """What is in them and belongs to no such fact: it came after them."""


def due(
    moved: Iterable[Moved], told: Told, wall: Micros, policy: Restating
) -> tuple[list[Due], set[int], Told]:
    """What is to be told anew at ``wall``, the days whose sums moved in whatever way, and where that leaves
    ``told``. ``moved``: all since ``told.since`` that is in the sums of now, and nothing else."""
    groups = bursts(moved, policy)
    settled = [burst for burst in groups if is_settled(burst, wall, policy)]
    order = [one for burst in groups for one in burst]
    late = {id(one) for burst in settled if not is_backfill(burst, policy) for one in burst}
    decided = [one for burst in settled for one in burst]
    moves = _by_day(decided, told)
    minute = wall // MINUTE
    found: list[Due] = []
    days = {day: known for day, known in told.days.items() if known.minute >= minute or known.versions}
    for day, all_of in sorted(moves.items()):
        ours = [one for one in all_of if id(one) in late]
        known = told.days.get(day)
        if not ours:
            if known is not None and known.versions is not None:
                days[day] = Day(known.minute)
        elif known is not None and known.minute >= minute:  # the clock may have gone back
            days[day] = Day(known.minute, known.versions or told.versions)
        else:
            first, last = order.index(ours[0]), order.index(ours[-1])
            found.append(Due(day, tuple(ours), tuple(order[first:]), tuple(order[last + 1 :])))
            days[day] = Day(minute)
    loads = any(is_backfill(burst, policy) and wall - burst[-1].wall < MINUTE for burst in groups)
    versions = {**told.versions}
    for one in decided:
        versions[one.partition] = max(versions.get(one.partition, 0), one.version + 1)
    loading = (told.loading or wall) if loads else 0
    after = msgspec.structs.replace(told, versions=versions, days=days, loading=loading)
    waits = [one.wall for one in order if any(not after.is_decided(one, day) for day in one.sums or ())]
    # Also back again, with the clock: what is decided is so by its version.
    since = min([wall - KEPT, *(at - KEPT for at in waits)])
    after = msgspec.structs.replace(after, since=since)
    return found, set(moves), after


def _by_day(decided: Sequence[Moved], told: Told) -> Mapping[int, list[Moved]]:
    """Of these, in their order, those that are not decided yet, by the days that they moved."""
    found: dict[int, list[Moved]] = {}
    for one in decided:
        first, last = one.days
        for day in one.sums if one.sums is not None else range(first, last + 1):
            if not told.is_decided(one, day):
                found.setdefault(day, []).append(one)
    return found
