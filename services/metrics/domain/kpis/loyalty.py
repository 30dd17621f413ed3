"""What becomes of points."""

from collections.abc import Mapping
from datetime import date

from services.metrics.domain.kpis.kpi import EventCounts, Kpi, Result
from services.metrics.domain.kpis.shares import share
from services.metrics.domain.kpis.window import Window
from shared.schemas.loyalty import LedgerEntry, PointsEarned, PointsRedeemed, PointsRestored, PointsReversed

EARNED, REDEEMED = "earned", "redeemed"
POINTS_LIMIT = 10**12
"""Points of one entry that are counted: a sum of cells must fit in 64 bits, whatever comes in."""


def _earned(entry: LedgerEntry) -> Mapping[str, int]:
    """Points earned, or taken back after a return (negative)."""
    return {EARNED: _bounded(entry.points)}


def _redeemed(entry: LedgerEntry) -> Mapping[str, int]:
    """Points spent (negative in the ledger), or given back."""
    return {REDEEMED: -_bounded(entry.points)}


def _bounded(points: int) -> int:
    return max(-POINTS_LIMIT, min(points, POINTS_LIMIT))


COMING = EventCounts(fields=(EARNED,), events=(PointsEarned, PointsReversed), count=_earned)
GOING = EventCounts(fields=(REDEEMED,), events=(PointsRedeemed, PointsRestored), count=_redeemed)


def _redemption_rate(w: Window) -> Result:
    earned = w.total(EARNED)
    return Result(share(w.total(REDEEMED), earned), max(0, earned))


REDEMPTION_RATE = Kpi(
    name="redemption_rate",
    title="Redemption rate",
    description="How much of what members earn they spend",
    formula="Points redeemed (less restored) / points earned (less reversed)",
    unit="points redeemed for each point earned",
    effective=date(2026, 11, 22),
    counts=(COMING, GOING),
    compute=_redemption_rate,
)
