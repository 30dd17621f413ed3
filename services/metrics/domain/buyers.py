"""Who bought in a window, of any days, from counts of purchases by what came after them (``gaps``)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from services.metrics.domain.days import Days, Gaps, longer, parts_in
from services.metrics.domain.gaps import NEVER


def buyers(days: Days, chain: str, first: int, last: int) -> int:
    """Customers with a purchase on days ``first`` to ``last``: purchases without another in the window."""
    return _last_ones(days, f"{chain}1", first, last)


def customers(days: Days, chain: str, first: int, last: int) -> tuple[int, int]:
    """Customers with at least one purchase on days ``first`` to ``last``, and those with two or more."""
    found = buyers(days, chain, first, last)
    return found, _last_ones(days, f"{chain}2", first, last) - found


def customers_since(sums: Mapping[str, int], chain: str) -> tuple[int, int]:
    """The same of a window that goes on, from its sums."""
    found, both = (sums.get(f"{chain}{step}:{NEVER}", 0) for step in (1, 2))
    return found, both - found


def without_next(days: Days, chain: str, first: int, last: int, within: int) -> int:
    """Purchases on days ``first`` to ``last`` without another within so many days."""
    return sum([longer(gaps, within) for _, gaps in gaps_of(days, f"{chain}1", first, last)])


def counted(days: Days, name: str, first: int, last: int) -> int:
    """The count of a field that is summed, on days ``first`` to ``last``."""
    return sum([part.plain.get(name, 0) for _, part in parts_in(days, first, last)])


def gaps_of(days: Days, head: str, first: int, last: int) -> Iterator[tuple[int, Gaps]]:
    """The purchases of days ``first`` to ``last`` by their gaps: of each day one part or several, which add
    up. ``head``: what their fields begin with."""
    for day, part in parts_in(days, first, last):
        if head in part.gaps:
            yield day, part.gaps[head]


def _last_ones(days: Days, head: str, first: int, last: int) -> int:
    return sum(
        [more[bisect_right(gaps, last - day)] for day, (gaps, more) in gaps_of(days, head, first, last)]
    )
