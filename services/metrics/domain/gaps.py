"""Who buys again, for any window, without looking at a customer (``buyers`` reads it).

Take the days on which a customer bought, in order: what is bought on one day is one purchase, as for
lifetime value (``clv``). Each has a next one and a one after that. In a window
that ends with day e, a customer with a purchase in it has exactly one whose next is after e (or never),
and, with two or more, exactly two whose one-after-next is. So two counters per day, by the gap in days,
give for every window: customers = purchases with next after e; customers with two or more = purchases
with the one-after-next after e, less customers. A change moves a handful of counters.

A third counts the first purchase ever, on its day. The first is kept once more of those who have, or had, a
subscription, so that they can be told from the others.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from services.metrics.domain.cells import DayChange

NEVER, FAR = "x", 2**31
"""The gap to a purchase that did not come: as it is written, and as a number."""
ANY, BY_CHANNEL = "r", "c"
"""Purchases of all channels in one order, and those of one channel alone."""
SUBSCRIBED = {ANY: "s", BY_CHANNEL: "t"}
"""Those of customers with a subscription, once more."""
BLAMED, BLAMED_SUBSCRIBED = {ANY: "w", BY_CHANNEL: "y"}, {ANY: "u", BY_CHANNEL: "v"}
"""Purchases after which there may be a complaint to blame (``blame``): of others, and of those."""
GIVEN_UP = {False: "q", True: "p"}
"""Purchases after which a customer was given up (``given_up``): of others, of those with a subscription."""

FIELDS = tuple(f"{chain}{step}:" for chain in (BY_CHANNEL, ANY) for step in (1, 2))
"""What the fields of purchases begin with."""
FIRST_FIELDS = tuple(f"{chain}0:" for chain in (BY_CHANNEL, ANY))
"""The fields of first purchases."""
TIED_FIELDS = tuple(
    f"{chain}1:" for by in (SUBSCRIBED, BLAMED, BLAMED_SUBSCRIBED, GIVEN_UP) for chain in by.values()
)
"""What the fields begin with of purchases that count by complaints and subscriptions too."""
HEADS = frozenset(f"{chain}{step}" for chain in (BY_CHANNEL, ANY) for step in (1, 2)) | frozenset(
    f"{chain}1" for chain in SUBSCRIBED.values()
)
"""What fields begin with that count by the gap alone,"""
TIED_HEADS = frozenset(f"{chain}1" for by in (BLAMED, BLAMED_SUBSCRIBED, GIVEN_UP) for chain in by.values())
"""and by complaints too."""
_GAPS = HEADS | TIED_HEADS

NEIGHBOURS = 2
"""A purchase counts by so many after it."""


@lru_cache(maxsize=16_384)
def _field(chain: str, step: int, gap: int | str) -> str:
    """The field of purchases with such a gap to the next, or to the one after it. One string for each, which
    knows its hash."""
    return f"{chain}{step}:{gap}"


def first_field(chain: str) -> str:
    """The field of first purchases."""
    return f"{chain}0:"


def earliest(one: int | None, other: int | None) -> int | None:
    """The earlier of two days that may not be."""
    return other if one is None else one if other is None else min(one, other)


def first_moved(before: int | None, after: int | None, chain: str) -> list[DayChange]:
    """What changes when the day of the first purchase does."""
    if before == after:
        return []
    field = first_field(chain)
    return [(day, field, n) for day, n in ((before, -1), (after, 1)) if day is not None]


def insert(days: list[int], day: int, chain: str) -> list[DayChange]:
    """Put a purchase into the sorted days, in place; what that changes: nothing where that day has one."""
    if not days or day > days[-1]:
        return _append(days, day, chain)
    at = bisect_right(days, day)
    if at and days[at - 1] == day:
        days.insert(at, day)
        return []
    first = _two_before(days, at)
    before = list(counted(days, chain, first, at, -1))
    days.insert(at, day)
    return [*before, *counted(days, chain, first, at + 1)]


def _append(days: list[int], day: int, chain: str) -> list[DayChange]:
    """Of a day after all others, as nearly all are: the same, without what would cancel out."""
    changes: list[DayChange] = []
    at = len(days)
    for step in (1, 2):
        never = _field(chain, step, NEVER)
        if at:
            at = bisect_left(days, days[at - 1])
            before = days[at]
            changes += ((before, never, -1), (before, _field(chain, step, day - before), 1))
        changes.append((day, never, 1))
    days.append(day)
    return changes


def remove(days: list[int], day: int, chain: str) -> list[DayChange]:
    """Take a purchase out of the sorted days, in place; what that changes: nothing where another is left."""
    at = bisect_left(days, day)
    if days[at + 1 : at + 2] == [day]:
        del days[at]
        return []
    first = _two_before(days, at)
    before = list(counted(days, chain, first, at + 1, -1))
    del days[at]
    return [*before, *counted(days, chain, first, at)]


def _two_before(days: Sequence[int], at: int) -> int:
    """Where the second day before the one at this position begins."""
    for _ in range(NEIGHBOURS):
        at = bisect_left(days, days[at - 1]) if at else 0
    return at


def counted(
    days: Sequence[int], chain: str, first: int = 0, end: int | None = None, sign: int = 1
) -> Iterator[DayChange]:
    """What the days count as that begin at positions ``first`` to ``end`` (exclusive), each once."""
    at, end, n = first, len(days) if end is None else end, len(days)
    while at < end:
        following = bisect_right(days, days[at], at)
        second = bisect_right(days, days[following], following) if following < n else n
        for step, there in ((1, following), (2, second)):
            yield days[at], _field(chain, step, days[there] - days[at] if there < n else NEVER), sign
        at = following


def counted_each(days: Sequence[int], chain: str) -> Iterator[DayChange]:
    """What purchases counted as before days did: each by itself, also of one day."""
    for i, day in enumerate(days):
        for step in (1, 2):
            gap = days[i + step] - day if i + step < len(days) else NEVER
            yield day, _field(chain, step, gap), 1


def subscribed(days: Sequence[int], chain: str) -> Iterator[DayChange]:
    """What the purchases of one who has, or had, a subscription count as beside that."""
    for i, day in enumerate(days):
        yield day, f"{SUBSCRIBED[chain]}1:{days[i + 1] - day if i + 1 < len(days) else NEVER}", 1


def without(days: Sequence[int], others: Sequence[int]) -> list[int]:
    """The days, in order, less one for each of the others."""
    return sorted((Counter(days) - Counter(others)).elements())


def beside(gone: Sequence[int], live: Sequence[int]) -> list[int]:
    """Of days that are gone, in order: the last two, after which a new one comes, and the two before and the
    two after each that may still go. What lies between never counts anew."""
    gone = [*dict.fromkeys(gone)]
    wanted = {*range(max(0, len(gone) - NEIGHBOURS), len(gone))}
    for day in live:
        at = bisect_right(gone, day)
        wanted |= {*range(max(0, at - NEIGHBOURS), min(len(gone), at + NEIGHBOURS))}
    return [gone[i] for i in sorted(wanted)]


def is_gap(field: str) -> bool:
    """Whether a field counts purchases by a gap that has ended: needed for windows of the past only."""
    return field[:2] in _GAPS and field[2:3] == ":" and not field.startswith(NEVER, 3)
