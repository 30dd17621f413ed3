"""Shares of a whole, and how sure they are."""

import math

from services.metrics.domain.kpis.kpi import Result

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def share(part: int, whole: int) -> float | None:
    """A share from 0 to 1; None of nothing."""
    return part / whole if whole > 0 else None


def share_interval(part: int, whole: int) -> tuple[float, float] | None:
    """A 95 % interval of a share (Wilson's score interval, JASA 22, 1927)."""
    if whole <= 0:
        return None
    p, z2 = part / whole, Z95**2
    centre = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z95 * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    return max(0.0, centre - half), min(1.0, centre + half)


def share_result(part: int, whole: int) -> Result:
    """A share with its basis and its interval."""
    return Result(share(part, whole), whole, share_interval(part, whole))
