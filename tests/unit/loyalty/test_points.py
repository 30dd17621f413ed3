"""Earning, returning, redeeming, expiring: to the point and to the instant."""

import pytest
from pydantic import ValidationError

from services.loyalty.config import parse
from services.loyalty.domain.state import MemberState
from shared.domain import RefusedError
from shared.schemas.base import Money
from shared.schemas.loyalty import (
    MemberEnrolled,
    PointsEarned,
    PointsReversed,
    RewardIssued,
    VoucherCancelled,
)
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.times import micros

from .account import RETAIL, Account, day

MICROSECOND = 1 / 86_400_000_000


def test_a_first_purchase_enrols_and_earns() -> None:
    account = Account()
    account.buy(0, 1250)
    assert account.balance == 12
    assert [fact.channel for fact in account.emitted(MemberEnrolled)] == ["web"]
    [earned] = account.emitted(PointsEarned)
    assert (earned.points, earned.balance, earned.cause.source, earned.cause.id) == (12, 12, "/test", "e-1")
    account.buy(1, 199)
    assert account.balance == 13
    assert len(account.emitted(MemberEnrolled)) == 1


def test_a_total_of_zero_earns_nothing() -> None:
    account = Account()
    account.buy(0, 0, "o")
    assert (account.balance, account.ledger, len(account.state.orders)) == (0, [], 1)


def test_lots_hold_up_to_their_end_and_not_at_it() -> None:
    account = Account()
    account.buy(0.5, 1000)
    assert account.view(365.5 - MICROSECOND).balance == 10
    assert account.view(365.5).balance == 0
    account.advance(365.5 - MICROSECOND)
    assert account.entries() == [("earned", 10)]
    account.advance(365.5)
    account.advance(800)
    assert account.entries() == [("earned", 10), ("expired", -10)]
    assert account.ledger[1]["at"] == day(365.5)
    assert micros(account.due["due"]) == account.state.anniversary_at


def test_a_timer_of_whole_milliseconds_is_never_early() -> None:
    account = Account()
    account.buy(0.5 + MICROSECOND, 1000)
    account.advance(400)
    assert account.entries() == [("earned", 10), ("expired", -10)]


def test_a_return_keeps_what_the_rest_earns() -> None:
    account = Account()
    account.buy(0, 30_000)
    account.buy(1, 999, "o")  # silver by now: floor(9.99 * 1.25) = 12
    account.give_back(2, "o", 333)
    account.give_back(3, "o", 1)
    account.give_back(4, "o", 665)
    assert [fact.points for fact in account.emitted(PointsReversed)] == [-4, -8]
    assert account.balance == 300


def test_a_return_takes_its_own_lot_then_others_then_debt() -> None:
    account = Account()
    account.buy(0, 10_000, "a")
    account.buy(1, 5_000, "b")
    account.buy(2, 5_000, "c")
    account.redeem(3)  # free-delivery, 100 points: all of a
    account.give_back(4, "b", 3_000)
    assert [lot.remaining for lot in account.state.lots] == [20, 50]
    account.give_back(5, "a", 10_000)
    assert (account.balance, account.state.debt, account.state.lots) == (-30, 30, ())
    account.buy(6, 2_000)
    assert (account.balance, account.state.debt) == (-10, 10)
    account.buy(7, 2_000)
    assert (account.balance, account.state.debt) == (10, 0)


def test_a_return_before_its_purchase_waits() -> None:
    account = Account()
    account.give_back(5, "o", 400)
    assert account.state.enrolled_at is None
    account.buy(3, 1_000, "o")
    assert account.entries() == [("earned", 10), ("reversed", -4)]
    assert account.ledger[1]["cause"] == {"source": "/test", "id": "e-1"}
    assert account.state.waiting == ()


def test_a_waiting_return_that_is_too_much_becomes_a_dead_letter_as_it_came() -> None:
    account = Account()
    account.give_back(5, "o", 1_400, "r")
    account.buy(3, 1_000, "o")
    assert (account.balance, account.state.waiting) == (10, ())
    [retract] = account.retracts
    assert (retract.code, retract.origin) == ("refund_exceeds_total", "purchases/0/1")
    event = retract.event
    assert (event.source, event.id, event.subject, event.time) == ("/test", "e-1", "cust-1", day(5))
    refund = Money(amount=1_400, currency="EUR")
    assert event.data == PurchaseReturned(order_id="o", return_id="r", refund=refund)


def test_redemption_takes_the_earliest_expiry_first() -> None:
    account = Account()
    account.buy(10, 6_000)
    account.buy(5, 6_000)  # late: it expires first
    account.redeem(20)
    assert [lot.remaining for lot in account.state.lots] == [20]
    assert account.state.lots[0].earned_at // 86_400_000_000 == account.state.at // 86_400_000_000 - 10
    [issued] = account.emitted(RewardIssued)
    assert (issued.reward_id, issued.expires_at) == ("free-delivery", day(80))


def test_a_cancelled_voucher_gives_points_back_with_their_old_expiry() -> None:
    account = Account()
    account.buy(0, 6_000)
    account.buy(100, 6_000)
    before = account.state.lots
    code = account.redeem(110)
    assert account.cancel(120, code).body["balance"] == 120
    assert account.state.lots == before
    assert len(account.emitted(VoucherCancelled)) == 1
    with pytest.raises(RefusedError, match="voucher_cancelled"):
        account.cancel(121, code)


def test_points_given_back_too_late_expire_at_once() -> None:
    account = Account()
    account.buy(0, 10_000)
    code = account.redeem(350)
    assert account.cancel(370, code).body["balance"] == 0
    assert account.entries() == [("earned", 100), ("redeemed", -100), ("restored", 100), ("expired", -100)]


def test_points_given_back_pay_a_debt_first() -> None:
    account = Account()
    account.buy(0, 10_000, "o")
    code = account.redeem(1)
    account.give_back(2, "o", 6_000)
    assert account.balance == -60
    account.cancel(3, code)
    assert (account.balance, account.state.debt) == (40, 0)


def test_a_voucher_is_used_once() -> None:
    account = Account()
    account.buy(0, 30_000)
    code, other, third = account.redeem(1), account.redeem(1), account.redeem(1)
    assert account.use(2, code).status == 200
    with pytest.raises(RefusedError, match="voucher_redeemed"):
        account.use(2, code)
    with pytest.raises(RefusedError, match="voucher_redeemed"):
        account.cancel(2, code)
    account.buy(3, 100, voucher_codes=[other, "MAIL-1234", code])
    assert account.rows["vouchers", other]["status"] == "redeemed"
    with pytest.raises(RefusedError, match="voucher_expired"):
        account.use(61, third)
    with pytest.raises(RefusedError, match="unknown_voucher"):
        account.use(61, "NONE")


@pytest.mark.parametrize(
    ("cost", "error"),
    [
        ("voucher-5", "insufficient_points"),
        ("no-such", "unknown_reward"),
        ("private-evening", "tier_required"),
    ],
)
def test_a_redemption_that_cannot_be_changes_nothing(cost: str, error: str) -> None:
    account = Account()
    account.buy(0, 24_900)
    before = account.state
    with pytest.raises(RefusedError, match=error):
        account.redeem(1, cost)
    assert account.state is before


def test_what_is_not_a_member_is_said_to_be_none() -> None:
    account = Account()
    for act in (lambda: account.redeem(0), lambda: account.adjust(0, 5)):
        with pytest.raises(RefusedError, match="unknown_member") as refusal:
            act()
        assert refusal.value.status == 404


def test_bad_facts_are_refused_and_change_nothing() -> None:
    account = Account()
    account.buy(0, 1_000, "o")
    account.give_back(1, "o", 300, "r")
    before = account.state
    for act, code in (
        (lambda: account.buy(1, 500, "o"), "duplicate_order"),
        (lambda: account.buy(1, 500, currency="CHF"), "unknown_currency"),
        (lambda: account.give_back(1, "o", 702), "refund_exceeds_total"),
        (lambda: account.give_back(1, "o", 100, "r"), "duplicate_return"),
        (lambda: account.give_back(1, "o", 100, currency="USD"), "currency_mismatch"),
        (lambda: account.adjust(1, 2**53), "points_overflow"),
        (lambda: account.adjust(1, -8), "insufficient_points"),
        (lambda: account.adjust(1, 0), "invalid_points"),
    ):
        with pytest.raises(RefusedError, match=code):
            act()
    assert account.state is before


def test_compensation_and_corrections() -> None:
    account = Account()
    account.compensate(0, 50)
    assert account.balance == 50
    assert account.adjust(1, 25).body["balance"] == 75
    assert account.adjust(2, -60).status == 201
    assert [lot.remaining for lot in account.state.lots] == [15]
    assert account.view(3).lifetime_points == 15


def test_a_late_purchase_may_be_over_already() -> None:
    account = Account()
    account.buy(400, 1_000)
    account.buy(10, 2_000)
    assert account.entries() == [("earned", 10), ("earned", 20), ("expired", -20)]


def test_rates_and_multipliers_are_exact() -> None:
    program = parse(
        "{name: p, currency: EUR, rates: {EUR: 1, USD: 0.1}, earn: {points: 10, per: 1},"
        " tiers: [{name: base, spend: 0, multiplier: 0.3}]}"
    )
    account = Account(program)
    account.buy(0, 100, currency="USD")  # 100 * 0.1 * 10 * 0.3: in binary floats 29.999...
    assert account.balance == 30
    account.buy(0, 10**15 + 1)
    assert account.balance == 30 + 3 * (10**15 + 1)


def test_pending_points_become_available_in_time() -> None:
    program = parse(
        "{name: p, currency: EUR, rates: {EUR: 1}, earn: {pending_days: 14}, tiers: [{name: base, spend: 0}]}"
    )
    account = Account(program)
    account.buy(0, 10_000, "a")
    account.buy(1, 5_000, "b")
    account.give_back(2, "a", 4_000)
    assert (account.balance, account.view(13).pending, account.ledger) == (0, 110, [])
    assert (account.view(14).balance, account.view(14).pending) == (60, 50)
    account.advance(20)
    assert account.entries() == [("earned", 60), ("earned", 50)]
    assert account.ledger[0]["cause"] == {"source": "/test", "id": "e-1"}


def test_explicit_enrolment_lets_strangers_pass() -> None:
    account = Account(RETAIL.model_copy(update={"enrolment": "explicit"}))
    account.buy(0, 10_000)
    assert account.state.enrolled_at is None
    with pytest.raises(RefusedError, match="unknown_member"):
        account.compensate(0, 50)


def test_the_state_forgets_what_no_event_can_touch() -> None:
    account = Account()
    for number in range(60):
        account.buy(number * 30, 500, f"o-{number}")
        account.give_back(number * 30, f"never-{number}", 1)
    assert (len(account.state.orders), len(account.state.waiting)) == (27, 25)  # 800 days of them, and 730
    assert len(account.state.lots) == 13


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"remaining":12', '"remaining":"many"'),
        ('"remaining":12', '"remaining":12,"colour":"red"'),
        ('"total":1250', '"totals":1250'),
        ('"tier":"bronze"', '"tier":7'),
    ],
)
def test_a_stored_state_is_checked_to_its_smallest_part(old: str, new: str) -> None:
    account = Account()
    account.buy(0, 1250)
    stored = account.state.model_dump_json()
    assert old in stored
    assert MemberState.model_validate_json(stored) == account.state
    with pytest.raises(ValidationError):
        MemberState.model_validate_json(stored.replace(old, new, 1))
