"""What becomes of customers from one window to the next, from counts of purchases alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from services.metrics.domain import gaps
from services.metrics.domain.buyers import buyers, counted
from services.metrics.domain.churn import Churn, churn_of, leaving
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.days import Counted, Days, anew


@dataclass(frozen=True, slots=True)
class Phases:
    """Customers of a window, and of the one before it, which is as long."""

    new: int
    """Bought for the first time."""
    returning: int
    """Bought in both."""
    resurrected: int
    """Bought again, but not in the one before."""
    dormant: int
    """Bought in the one before, and not in this one."""

    @property
    def before(self) -> int:
        """Customers of the window before."""
        return self.returning + self.dormant


def phases(days: Days, first: int, last: int, chain: str) -> Phases:
    """Of the days ``first`` to ``last``; ``days`` holds the fields of each day, those of ``gaps.is_gap`` too,
    since the window before."""
    return phases_of(bought(days, first, last, chain))


def bought(days: Days, first: int, last: int, chain: str) -> Mapping[str, int]:
    """As for ``phases``: customers of the window, of the one before it, of both as one, and the new ones. It
    adds up over days and their parts."""
    begin = first - (last - first + 1)
    return {
        "before": buyers(days, chain, begin, first - 1),
        "now": buyers(days, chain, first, last),
        "either": buyers(days, chain, begin, last),
        "new": counted(days, gaps.first_field(chain), first, last),
    }


def phases_of(counts: Mapping[str, int]) -> Phases:
    """What they come to."""
    before, now, either, new = (counts.get(name, 0) for name in ("before", "now", "either", "new"))
    returning = before + now - either
    return Phases(new, returning, now - returning - new, before - returning)


@dataclass(frozen=True)
class Life:
    """What became of customers in a window, computed when it is asked for."""

    days: Days = field(default_factory=dict)
    first: int = 0
    last: int = 0
    chain: str = gaps.ANY
    policy: ChurnPolicy = field(default_factory=ChurnPolicy)
    counted: Counted | None = None
    """Of these days; without it they are counted anew."""

    @cached_property
    def phases(self) -> Phases:
        first, last, chain = self.first, self.last, self.chain
        key = ("bought", first, last, chain)
        return phases_of(self._counted(key, lambda days: bought(days, first, last, chain)))

    @cached_property
    def churn(self) -> Churn:
        policy, first, last, chain = self.policy, self.first, self.last, self.chain
        key = ("leaving", first, last, chain)
        return churn_of(self._counted(key, lambda days: leaving(days, policy, first, last, chain)))

    @property
    def _counted(self) -> Counted:
        return self.counted or anew(self.days)
