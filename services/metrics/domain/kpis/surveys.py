"""What survey answers count as, and the scores made of them: NPS, CSAT, CES."""

import math
from collections.abc import Mapping
from typing import Literal

PROMOTERS, PASSIVES, DETRACTORS = "promoters", "passives", "detractors"
CSAT_TOP, CSAT_REST = "csat_top", "csat_rest"
CES_ANSWERS, CES_SUM = "ces_answers", "ces_sum"

_Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def answer_counts(survey: Literal["nps", "csat", "ces"], score: int) -> Mapping[str, int]:
    """The fields one answer adds to. NPS 0-10, CSAT 1-5, CES 1-7."""
    if survey == "nps":
        return {PROMOTERS if score >= 9 else PASSIVES if score >= 7 else DETRACTORS: 1}
    if survey == "csat":
        return {CSAT_TOP if score >= 4 else CSAT_REST: 1}
    return {CES_ANSWERS: 1, CES_SUM: score}


def nps(promoters: int, passives: int, detractors: int) -> float | None:
    """100 x (promoters - detractors) / answers; None without answers (Reichheld 2003)."""
    n = promoters + passives + detractors
    return 100 * (promoters - detractors) / n if n > 0 else None


def nps_interval(promoters: int, passives: int, detractors: int) -> tuple[float, float] | None:
    """A 95 % interval of the NPS: adjusted Wald with three pseudo-answers, 3/4 promoters and 3/4
    detractors among them, which keeps its coverage for few answers (Rocks, "Interval Estimation for
    the Net Promoter Score", The American Statistician 70(4), 2016)."""
    if promoters + passives + detractors <= 0:
        return None
    n = promoters + passives + detractors + 3
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = _Z95 * math.sqrt((p + d - (p - d) ** 2) / n)
    return max(-100.0, 100 * (p - d - half)), min(100.0, 100 * (p - d + half))


def share(part: int, whole: int) -> float | None:
    """A share from 0 to 1; None of nothing."""
    return part / whole if whole > 0 else None


def share_interval(part: int, whole: int) -> tuple[float, float] | None:
    """A 95 % interval of a share (Wilson's score interval, JASA 22, 1927)."""
    if whole <= 0:
        return None
    p, z2 = part / whole, _Z95**2
    centre = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z95 * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    return max(0.0, centre - half), min(1.0, centre + half)
