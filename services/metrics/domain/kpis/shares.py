"""Shares of a whole, and how sure they are."""

from services.metrics.domain.kpis.intervals import wilson
from services.metrics.domain.kpis.kpi import Result

WILSON = "95 % interval: Wilson, JASA 22, 1927"


def share(part: int, whole: int) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole > 0 else None


def share_result(part: int, whole: int) -> Result:
    """A share of things that each are in it or not, with its basis and its interval."""
    return Result(share(part, whole), max(0, whole), wilson(part, whole))
