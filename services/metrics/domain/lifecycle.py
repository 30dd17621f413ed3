"""What becomes of customers from one window to the next, from counts of purchases alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from services.metrics.domain import gaps
from services.metrics.domain.buyers import buyers, counted
from services.metrics.domain.churn import Churn, churned
from services.metrics.domain.churn_policy import ChurnPolicy


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


def phases(days: Mapping[int, Mapping[str, int]], first: int, last: int, chain: str) -> Phases:
    """Of the days ``first`` to ``last``; ``days`` holds the fields of each day, those of ``gaps.is_gap`` too,
    since the window before."""
    begin = first - (last - first + 1)
    before, now, either = (
        buyers(days, chain, *span) for span in ((begin, first - 1), (first, last), (begin, last))
    )
    new = counted(days, gaps.first_field(chain), first, last)
    returning = before + now - either
    return Phases(new, returning, now - returning - new, before - returning)


@dataclass(frozen=True)
class Life:
    """What became of customers in a window, computed when it is asked for."""

    days: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    first: int = 0
    last: int = 0
    chain: str = gaps.ANY
    policy: ChurnPolicy = field(default_factory=ChurnPolicy)

    @cached_property
    def phases(self) -> Phases:
        return phases(self.days, self.first, self.last, self.chain)

    @cached_property
    def churn(self) -> Churn:
        return churned(self.days, self.policy, self.first, self.last, self.chain)
