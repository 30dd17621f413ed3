"""What becomes of points."""

from collections.abc import Mapping
from datetime import date

from services.metrics.domain.cells import BALANCE
from services.metrics.domain.kpis.kpi import EventCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.shares import share
from services.metrics.domain.kpis.window import Window
from shared.schemas.loyalty import (
    LedgerEntry,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
)

EARNED, REDEEMED, EXPIRED = "earned", "redeemed", "expired"
POINTS_LIMIT = 10**12
"""Points of one entry that are counted: a sum of cells must fit in 64 bits, whatever comes in."""
_SIGNS: Mapping[type[LedgerEntry], tuple[str, int]] = {
    PointsEarned: (EARNED, 1),
    PointsReversed: (EARNED, 1),
    PointsRedeemed: (REDEEMED, -1),
    PointsRestored: (REDEEMED, -1),
    PointsExpired: (EXPIRED, -1),
}
"""Which flow an entry adds to, and with which sign: the ledger has what goes as negative."""


def entry_counts(entry: LedgerEntry) -> Mapping[str, int]:
    """What one entry of a ledger adds to."""
    points = max(-POINTS_LIMIT, min(entry.points, POINTS_LIMIT))
    flow = _SIGNS.get(type(entry))
    return {BALANCE: points} if flow is None else {flow[0]: flow[1] * points, BALANCE: points}


LEDGER = EventCounts(
    fields=(EARNED, REDEEMED, EXPIRED, BALANCE),
    events=(*_SIGNS, PointsAdjusted),
    count=entry_counts,
    signed=(EARNED, REDEEMED, EXPIRED, BALANCE),  # what is taken back counts on the day of that
)


def _redemption_rate(w: Window) -> Result:
    earned = w.total(EARNED)
    return Result(share(w.total(REDEEMED), earned), max(0, earned))


def _breakage(w: Window) -> Result:
    # Where more was restored than redeemed, of what was redeemed before, nothing was used.
    expired, used = max(0, w.total(EXPIRED)), max(0, w.total(REDEEMED))
    return Result(share(expired, expired + used), expired + used)


def _points_liability(w: Window) -> Result:
    points = w.level(BALANCE)
    return Result(points, max(0, points))  # members may owe points in all: what was spent was taken back


REDEMPTION_RATE = Kpi(
    name="redemption_rate",
    title="Redemption rate",
    description="How much of what members earn they spend",
    formula="Points redeemed (less restored) / points earned (less reversed)",
    unit="points redeemed for each point earned",
    effective=date(2026, 11, 22),
    counts=(LEDGER,),
    compute=_redemption_rate,
)
BREAKAGE = Kpi(
    name="breakage",
    title="Breakage",
    description="How many of the points that are gone were never used",
    formula="Points expired / points expired or redeemed (less restored)",
    unit="0 to 1",
    source="IFRS 15, B44-B47, calls so the rights that customers do not exercise",
    effective=date(2026, 11, 26),
    counts=(LEDGER,),
    compute=_breakage,
)
POINTS_LIABILITY = Kpi(
    name="points_liability",
    title="Points liability",
    description="Points that members have and may still spend",
    formula="Sum of all entries of all ledgers: now, or at the end of a step",
    unit="points",
    kind=Kind.COUNT,
    effective=date(2026, 11, 26),
    counts=(LEDGER,),
    compute=_points_liability,
)
