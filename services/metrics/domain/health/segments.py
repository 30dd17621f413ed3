"""Where a customer belongs, by health and history."""

from typing import Literal, TypeAlias

from services.metrics.domain.health.history import History
from services.metrics.domain.health.policy import Segments

Segment: TypeAlias = Literal["champions", "loyal", "new", "promising", "at_risk", "lost"]
YEAR = 365


def segment_of(history: History, score: int, again: float | None, policy: Segments) -> Segment:
    """The first that fits. ``again``: the probability to buy within the time ahead; None: no purchase."""
    if again is None:
        return "new"
    if again < policy.lost_below:
        return "lost"
    if history.age <= policy.new:
        return "new"
    if score < policy.at_risk_below:
        return "at_risk"
    days = history.buying.days
    if len(days) < policy.promising_purchases:
        return "promising"
    of_late = sum(day > history.today - YEAR for day in days)
    if score >= policy.champion_score and of_late >= policy.champion_purchases:
        return "champions"
    return "loyal"
