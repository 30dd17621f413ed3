"""What is counted of a committed plan, and the gauges."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY

from services.loyalty.domain.state import MemberState
from services.loyalty.telemetry import observer, show
from shared.journal.plan import Entry, Plan
from shared.journal.refusals import Refusal, Rejected
from shared.schemas.base import Data, Money
from shared.schemas.commands.loyalty import (
    RedemptionRequested,
    ReferralBonusRequested,
    ReferralNoteRequested,
    ReferralRewardRequested,
    VoucherCancelRequested,
    VoucherRedeemRequested,
)
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.purchases import PurchaseMade
from shared.worker.processing import COMMANDS, Message, Origin

from .account import RETAIL, day

ORDER = PurchaseMade(order_id="o", channel="web", total=Money(amount=1, currency="EUR"), items=())


def entry(data: Data, status: int | None = None, code: str = "") -> Entry:
    event = Event("e", "/test", "cust-1", day(0), data)
    return Entry(event, Origin(COMMANDS, 0, 1), status, {"code": code} if code else {}, ())


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def grown(
    plan: Plan[MemberState], *names: tuple[str, Mapping[str, str]], stream: bool = False
) -> list[float]:
    """By how much these samples grow when the plan is observed, a minute after its events."""
    before = [value(name, **labels) for name, labels in names]
    observer(stream=stream, wall_clock=lambda: day(0) + timedelta(seconds=60))(plan)
    return [value(name, **labels) - was for (name, labels), was in zip(names, before, strict=True)]


def points(kind: str) -> tuple[str, Mapping[str, str]]:
    return "rapport_points_total", {"kind": kind}


def test_points_are_counted_without_sign_by_kind() -> None:
    rows = [("earned", 5), ("earned", 6), ("expired", -4), ("adjusted", 3), ("adjusted", -2)]
    plan: Plan[MemberState] = Plan(appends={"ledger": [{"kind": k, "points": n} for k, n in rows]})
    kinds = ("earned", "expired", "adjusted_up", "adjusted_down", "redeemed")
    assert grown(plan, *map(points, kinds)) == [11, 4, 3, 2, 0]


def test_refusals_are_counted_by_reason() -> None:
    plan: Plan[MemberState] = Plan(
        entries=[
            entry(RedemptionRequested(reward_id="r"), 201),
            entry(RedemptionRequested(reward_id="r"), 409, "out_of_stock"),
            entry(VoucherRedeemRequested(voucher_code="c"), 200),
            entry(VoucherRedeemRequested(voucher_code="c"), 409, "voucher_redeemed"),
            entry(VoucherRedeemRequested(voucher_code="c"), 409, "voucher_expired"),
            entry(VoucherCancelRequested(voucher_code="c"), 409, "voucher_redeemed"),
        ]
    )
    assert grown(
        plan,
        ("rapport_redemptions_refused_total", {"reason": "out_of_stock"}),
        ("rapport_voucher_double_use_total", {}),
    ) == [1, 1]


def test_referrals_are_counted_by_result() -> None:
    selfish = Event("e", "/test", "cust-1", day(0), ReferralMade(referred_customer="cust-1"))
    plan: Plan[MemberState] = Plan(
        entries=[
            entry(ReferralNoteRequested(referrer="a"), 200),
            entry(ReferralNoteRequested(referrer="a"), 409, "existing_member"),
            entry(ReferralRewardRequested(friend="b", order_id="o"), 200),
            entry(ReferralBonusRequested(referrer="a", points=1), 200),
            entry(ReferralBonusRequested(referrer="a", points=1), 422, "points_overflow"),
        ],
        rejected=[
            Rejected(
                Message(0, day(0), selfish, Origin("feedback", 0, 1)), Refusal("self_referral", "", day(0))
            )
        ],
    )
    results = ("noted", "existing_member", "rewarded", "points_overflow", "self_referral")
    assert grown(plan, *(("rapport_referrals_total", {"result": r}) for r in results)) == [1] * 5


def test_the_lag_of_purchases_is_by_the_wall_clock_alone() -> None:
    plan: Plan[MemberState] = Plan(entries=[entry(ORDER)])
    lag: tuple[tuple[str, Mapping[str, str]], ...] = (
        ("rapport_accrual_lag_seconds_count", {}),
        ("rapport_accrual_lag_seconds_sum", {}),
    )
    assert grown(plan, *lag) == [1, 60]
    assert grown(plan, *lag, stream=True) == [0, 0]


def test_gauges_show_what_all_members_have() -> None:
    months = {"2026-01": {"outstanding": 30, "pending": 4}, "2026-02": {"outstanding": 20}}
    totals: dict[str, Any] = {"points": {"debt": 6}, "tier gold": {"members": 3}}
    show(months, totals, RETAIL)
    assert value("rapport_points_outstanding") == 50
    assert value("rapport_points_pending") == 4
    assert value("rapport_points_owed") == 6
    assert value("rapport_points_liability_minor_units", currency="EUR") == 100
    assert value("rapport_members", tier="gold") == 3
