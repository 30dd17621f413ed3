"""Who bought in a window, of any days, from counts of purchases by what came after them (``gaps``)."""

from collections.abc import Mapping

from services.metrics.domain.days import NO_GAPS, Gaps, longer, parts_of
from services.metrics.domain.gaps import NEVER

Days = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""


def gaps_on(days: Days, day: int, head: str) -> tuple[Gaps, ...]:
    """A day's purchases by their gaps, as parts that add up. ``head``: what their fields begin with."""
    fields = days.get(day)
    return () if fields is None else tuple([part.gaps.get(head, NO_GAPS) for part in parts_of(fields)])


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
    head = f"{chain}1"
    return sum(longer(part, within) for day in range(first, last + 1) for part in gaps_on(days, day, head))


def _last_ones(days: Days, head: str, first: int, last: int) -> int:
    return sum(
        longer(part, last - day) for day in range(first, last + 1) for part in gaps_on(days, day, head)
    )
