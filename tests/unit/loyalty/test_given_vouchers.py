"""A voucher to make good a complaint: a reward without points."""

from collections import Counter
from typing import Any

import pytest

from services.loyalty.config import parse
from services.loyalty.domain.program.program import Programs
from shared.schemas.complaints import CompensationGranted
from shared.schemas.event import Event
from shared.schemas.loyalty import MemberEnrolled, PointsRestored, RewardIssued, VoucherCancelled
from shared.worker.processing import Origin

from .account import Account, day
from .facts import bought, went_back


def program(**more: Any) -> Programs:
    return parse(f"""
name: gifts
currency: EUR
rates: {{EUR: 1}}
enrolment: {more.get("enrolment", "automatic")}
earn: {{points: 1, per: 100, expire_days: 365}}
tier_days: 365
tiers: [{{name: low, spend: 0}}, {{name: top, spend: 60000}}]
rewards:
  - {{id: mug, name: A mug, cost: 90, validity_days: 40, stock: {more.get("stock", 3)}, tier: top,
      from: 2024-01-01, until: 2024-02-01}}
""")


def gift(reward_id: str | None = "mug", complaint_id: str = "c-1") -> CompensationGranted:
    told = {"complaint_id": complaint_id, "kind": "voucher", "reward_id": reward_id, "asked_by": "ann"}
    return CompensationGranted.model_validate({k: v for k, v in told.items() if v is not None})


def test_the_voucher_is_issued_without_points() -> None:
    account = Account(program())
    account.apply(day(1), gift())
    (issued,) = account.emitted(RewardIssued)
    (voucher,) = account.state.vouchers
    assert issued == RewardIssued(
        reward_id="mug", voucher_code=voucher.code, expires_at=day(41), complaint_id="c-1"
    )
    assert account.rows["vouchers", voucher.code]["cost"] == 0
    assert (account.ledger, account.balance, account.counters["stock:mug"]) == ([], 0, 1)
    # Neither the tier nor the window binds who makes good; and it makes a member, as points do.
    assert (account.tier, len(account.emitted(MemberEnrolled))) == ("low", 1)
    assert account.use(2, voucher.code).body["status"] == "redeemed"


def test_told_again_it_is_issued_once() -> None:
    account = Account(program())
    account.advance(1)
    event = Event("g-1", "/rapport/interactions", account.customer, day(1), gift())
    origin = Origin("complaints", 0, 7)
    for one in (origin, origin, Origin("complaints", 0, 8)):
        account.worker.send(event, origin=one)
    assert (len(account.emitted(RewardIssued)), account.counters["stock:mug"]) == (1, 1)


@pytest.mark.parametrize(
    ("reward_id", "stock", "code"),
    [("hat", 3, "unknown_reward"), ("mug", 0, "out_of_stock")],
)
def test_what_is_not_there_is_a_dead_letter(reward_id: str, stock: int, code: str) -> None:
    account = Account(program(stock=stock))
    account.advance(1)
    event = Event("g-1", "/rapport/interactions", account.customer, day(1), gift(reward_id))
    account.worker.send(event)
    assert [dead.code for dead in account.worker.dead_letters] == [code]
    assert (account.state.enrolled_at, account.emitted(RewardIssued)) == (None, [])


def test_the_stock_is_shared_with_those_who_pay() -> None:
    counters: Counter[str] = Counter()
    accounts = [Account(program(stock=2), counters=counters, customer=f"cust-{n}") for n in range(3)]
    for account in accounts:
        account.advance(1)
        account.worker.send(Event("g-1", "/shop", account.customer, day(1), gift()))
    assert [len(account.emitted(RewardIssued)) for account in accounts] == [1, 1, 0]
    assert counters["stock:mug"] == 2


def test_a_cancelled_one_gives_back_to_the_stock_and_no_points() -> None:
    account = Account(program())
    account.buy(0, 5_000)
    account.apply(day(1), gift())
    (voucher,) = account.state.vouchers
    assert account.cancel(2, voucher.code).body["balance"] == 50
    assert (account.counters["stock:mug"], account.balance) == (0, 50)
    assert account.emitted(VoucherCancelled)
    assert account.emitted(PointsRestored) == []
    assert account.entries() == [("earned", 50)]


def test_used_in_an_order_that_goes_back_it_is_open_again() -> None:
    account = Account(program())
    account.apply(day(1), gift())
    (voucher,) = account.state.vouchers
    account.apply(day(2), bought("o", 1_000, voucher_codes=[voucher.code.lower()]))
    assert account.state.vouchers[0].status == "redeemed"
    account.apply(day(3), went_back("o", "r-1", 1_000))
    assert account.state.vouchers[0].status == "open"


def test_two_of_the_future_that_come_due_at_once_have_codes_of_their_own() -> None:
    account = Account(program())
    account.buy(0, 5_000)
    for complaint_id in ("c-1", "c-2"):
        account.hear(1, 1.5, gift(complaint_id=complaint_id))
    assert account.emitted(RewardIssued) == []
    account.advance(3)
    issued = account.emitted(RewardIssued)
    assert [one.complaint_id for one in issued] == ["c-1", "c-2"]
    assert len({one.voucher_code for one in issued} | {v.code for v in account.state.vouchers}) == 2


def test_where_joining_is_explicit_only_members_get_one() -> None:
    account = Account(program(enrolment="explicit"))
    account.advance(1)
    account.worker.send(Event("g-1", "/shop", account.customer, day(1), gift()))
    assert [dead.code for dead in account.worker.dead_letters] == ["unknown_member"]


@pytest.mark.parametrize(
    "told",
    [
        gift(None),
        CompensationGranted.model_validate(
            {"complaint_id": "c-1", "kind": "refund", "money": {"amount": 5, "currency": "EUR"}}
        ),
    ],
)
def test_the_rest_is_the_shops(told: CompensationGranted) -> None:
    account = Account(program())
    account.apply(day(1), told)
    assert (account.state.enrolled_at, account.facts, account.ledger) == (None, [], [])
