"""Who buys again, for any window, without looking at a customer.

Take a customer's purchases in order of day. Each has a next one and a one after that. In a window
that ends with day e, a customer with a purchase in it has exactly one whose next is after e (or never),
and, with two or more, exactly two whose one-after-next is. So two counters per day, by the gap in days,
give for every window: customers = purchases with next after e; customers with two or more = purchases
with the one-after-next after e, less customers. A change moves a handful of counters.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from services.metrics.domain.cells import DayChange

NEVER = "x"
ANY, BY_CHANNEL = "r", "c"
"""Purchases of all channels in one order, and those of one channel alone."""

_STEPS = frozenset(f"{chain}{step}" for chain in (ANY, BY_CHANNEL) for step in (1, 2))
FIELDS = tuple(sorted(f"{step}:" for step in _STEPS))
"""What its fields begin with."""


def insert(days: list[int], day: int, chain: str) -> list[DayChange]:
    """Put a purchase into the sorted days, in place; what that changes."""
    at = bisect_right(days, day)
    days.insert(at, day)
    return _made_by(days, at, chain, 1)


def remove(days: list[int], day: int, chain: str) -> list[DayChange]:
    """Take a purchase out of the sorted days, in place; what that changes."""
    at = bisect_left(days, day)
    changes = _made_by(days, at, chain, -1)
    del days[at]
    return changes


def _made_by(days: Sequence[int], at: int, chain: str, sign: int) -> list[DayChange]:
    """What the purchase in position ``at`` makes by being there: it counts itself, and the two before it
    have another after them."""
    one, two, day = f"{chain}1:", f"{chain}2:", days[at]
    after = days[at + 1] if at + 1 < len(days) else None
    then = days[at + 2] if at + 2 < len(days) else None
    changes = [(day, one + _gap(day, after), sign), (day, two + _gap(day, then), sign)]
    if at:
        before = days[at - 1]
        changes += ((before, f"{one}{day - before}", sign), (before, one + _gap(before, after), -sign))
        if after is not None:
            changes += ((before, f"{two}{after - before}", sign), (before, two + _gap(before, then), -sign))
    if at > 1:
        first = days[at - 2]
        changes += ((first, f"{two}{day - first}", sign), (first, two + _gap(first, after), -sign))
    return changes


def _gap(day: int, other: int | None) -> str:
    return NEVER if other is None else str(other - day)


def counted(days: Sequence[int], chain: str) -> Iterator[DayChange]:
    """What the purchases of these days, in order, count as."""
    for i, day in enumerate(days):
        for step in (1, 2):
            other = days[i + step] if i + step < len(days) else None
            yield day, f"{chain}{step}:{_gap(day, other)}", 1


def is_gap(field: str) -> bool:
    """Whether a field counts purchases by a gap that has ended: needed for windows of the past only."""
    return field[:2] in _STEPS and field[3:] != NEVER


def customers(
    days: Mapping[int, Mapping[str, int]], chain: str, first: int, last: int | None
) -> tuple[int, int]:
    """Customers with at least one purchase on days ``first`` to ``last``, and those with two or more.

    ``days`` holds the fields of each day; without ``last`` the window is open, and the fields of
    ``is_gap`` are not needed.
    """
    found = [0, 0]
    for day, fields in days.items():
        if day < first or (last is not None and day > last):
            continue
        for field, n in fields.items():
            if field[:1] != chain or field[:2] not in _STEPS:
                continue
            gap = field[3:]
            if gap == NEVER or (last is not None and day + int(gap) > last):
                found[int(field[1]) - 1] += n
    return found[0], found[1] - found[0]
