"""The metrics of loyalty, each with its meaning. Counters are the worker's, gauges the API's."""

from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from services.loyalty.domain.program.program import Program
from services.loyalty.domain.reports.liability import liability
from services.loyalty.domain.rows import LEDGER, POINTS_KEY, TIER_KEY, Sums
from services.loyalty.domain.state import MemberState
from shared.journal.plan import Entry, Plan
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import (
    RedemptionRequested,
    ReferralBonusRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    VoucherRedeemRequested,
)
from shared.schemas.feedback import ReferralMade
from shared.schemas.purchases import PurchaseMade

POINTS = Counter(
    "rapport_points_total",
    "Points booked, without sign. kind: earned, reversed (taken back after a return), redeemed, expired, "
    "restored (given back for a cancelled voucher), adjusted_up and adjusted_down (by hand).",
    ["kind"],
)
REDEMPTIONS_REFUSED = Counter(
    "rapport_redemptions_refused_total", "Redemptions that were refused, by the refusal's code.", ["reason"]
)
VOUCHER_DOUBLE_USE = Counter(
    "rapport_voucher_double_use_total",
    "Attempts to use a voucher that was used before. A retry under the same Idempotency-Key is none.",
)
REFERRALS = Counter(
    "rapport_referrals_total",
    "Referrals by result: noted (at the friend), rewarded (both got points, at the friend's first "
    "purchase), or the code of the refusal at any step.",
    ["result"],
)
ACCRUAL_LAG_SECONDS = Histogram(
    "rapport_accrual_lag_seconds",
    "Seconds from a purchase's own time to the commit of its points, by the wall clock; not counted under "
    "the stream clock. What a shop sends late is late here too.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400),
)
OUTSTANDING = Gauge(
    "rapport_points_outstanding",
    "Points that members can spend. Each replica of the API shows the same: take max.",
)
PENDING = Gauge(
    "rapport_points_pending",
    "Points earned that cannot be spent yet. Each replica of the API shows the same: take max.",
)
OWED = Gauge(
    "rapport_points_owed",
    "Points that members owe after returns. Each replica of the API shows the same: take max.",
)
LIABILITY = Gauge(
    "rapport_points_liability_minor_units",
    "What the points outstanding are worth at the program's point_value, in minor units of the currency; "
    "breakage is not taken off. Each replica of the API shows the same: take max.",
    ["currency"],
)
MEMBERS = Gauge(
    "rapport_members", "Members by tier. Each replica of the API shows the same: take max.", ["tier"]
)
REFRESHED = Gauge(
    "rapport_loyalty_refreshed_timestamp_seconds",
    "When the loyalty API last refreshed its gauges (wall clock).",
)


KINDS = ("earned", "reversed", "redeemed", "expired", "restored", "adjusted_up", "adjusted_down")


def begin() -> None:
    """Counters at 0, where their labels are known: then a first one is a step that ``increase()`` sees."""
    for kind in KINDS:
        POINTS.labels(kind)
    for result in ("noted", "rewarded"):
        REFERRALS.labels(result)
    REDEMPTIONS_REFUSED.labels("insufficient_points")


def show(months: Sums, totals: Sums, program: Program) -> None:
    """Set every gauge from the store's sums, valued by this version of the program."""
    found = liability(months, totals.get(POINTS_KEY, {}), program)
    OUTSTANDING.set(found.outstanding)
    PENDING.set(found.pending)
    OWED.set(found.owed)
    LIABILITY.labels(program.currency).set(found.money)
    for key, sums in totals.items():
        if key.startswith(TIER_KEY):
            MEMBERS.labels(key.removeprefix(TIER_KEY)).set(sums.get("members", 0))
    REFRESHED.set_to_current_time()


def observer(
    *, stream: bool, wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Plan[MemberState]], None]:
    """Counts what a committed plan did. ``stream``: time is the events', so no lag is measured."""

    def observe(plan: Plan[MemberState]) -> None:
        for row in plan.appends.get(LEDGER, ()):
            POINTS.labels(_kind(row["kind"], row["points"])).inc(abs(row["points"]))
        now = None if stream else wall_clock()
        for entry in plan.entries:
            if isinstance(entry.event.data, PurchaseMade):
                if now is not None and entry.refusal is None:
                    ACCRUAL_LAG_SECONDS.observe(max((now - entry.event.time).total_seconds(), 0.0))
            elif entry.status is not None:
                _count_command(entry.event.data, _refusal(entry))
        for rejected in plan.rejected:
            if isinstance(rejected.message.event.data, ReferralMade):
                REFERRALS.labels(rejected.refusal.code).inc()

    return observe


def _count_command(asked: Data, refusal: str | None) -> None:
    """``refusal``: its code, None for what was done."""
    match asked:
        case RedemptionRequested():
            if refusal is not None:
                REDEMPTIONS_REFUSED.labels(refusal).inc()
        case VoucherRedeemRequested():
            if refusal == "voucher_redeemed":
                VOUCHER_DOUBLE_USE.inc()
        case ReferralNoteRequested():
            REFERRALS.labels(refusal or "noted").inc()
        case ReferralRewardRequested():
            REFERRALS.labels(refusal or "rewarded").inc()
        case ReferralBonusRequested() if refusal is not None:
            # Done is no news: the reward was counted at the referrer.
            REFERRALS.labels(refusal).inc()


def _refusal(entry: Entry) -> str | None:
    if entry.status is None or entry.status < 400:
        return None
    return str((entry.body or {}).get("code", "refused"))


def _kind(kind: str, points: int) -> str:
    if kind != "adjusted":
        return kind
    return "adjusted_up" if points > 0 else "adjusted_down"


begin()
