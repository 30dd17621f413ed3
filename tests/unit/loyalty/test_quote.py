"""A quote says what the purchase then does, and changes nothing."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.config import parse
from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports.quote import quote
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import micros
from tests.examples import examples

from .account import Account, day
from .facts import bought, euros
from .platform import MEMBER, Platform
from .test_properties import QUICK, basket, play, steps

URL = f"/members/{MEMBER}/quote"


def ask(client: TestClient, cents: int, *codes: str, **more: Any) -> Any:
    return client.post(URL, json={"total": euros(cents), "voucher_codes": codes, **more}).json()


def test_what_it_would_earn_and_what_a_voucher_would_take_off(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 30_000)
    money, goods = platform.account.redeem(1, "voucher-5"), None
    platform.account.buy(1, 20_000)
    goods = platform.account.redeem(1)
    platform.now = day(2)
    before = platform.account.state
    body = ask(client, 2_000, money.lower(), goods, money)
    assert platform.account.state is before
    assert platform.asked == []
    assert (body["takes_off"], body["to_pay"]) == (euros(500), euros(1_500))
    assert [(v["voucher_code"], v["reward_id"], v["takes_off"]) for v in body["vouchers"]] == [
        (money, "voucher-5", euros(500)),
        (goods, "free-delivery", None),
    ]
    assert [(e["reason"], e["points"]) for e in body["earned"]] == [("purchase", 18)]  # silver: 15 x 1.25
    assert body["points"] == 18
    was = platform.account.balance
    platform.account.buy(2, 1_500, voucher_codes=[money, goods])
    assert platform.account.balance == was + 18 == body["balance"]
    assert platform.account.tier == body["tier"] == "silver"


def test_no_voucher_takes_off_more_than_there_is_to_pay(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 30_000)
    code = platform.account.redeem(1, "voucher-5")
    platform.now = day(2)
    body = ask(client, 300, code)
    assert (body["takes_off"], body["to_pay"], body["points"]) == (euros(300), euros(0), 0)


PERCENT = parse(
    """
    name: percent
    currency: EUR
    rates: {EUR: 1, JPY: 0.6}
    tiers: [{name: all, spend: 0}]
    rewards:
      - {id: tenth, name: A tenth off, cost: 1, percent_off: 10}
      - {id: six, name: 6.00 off, cost: 1, amount_off: 600}
    """
)


@pytest.mark.parametrize(
    ("currency", "total", "rewards", "off"),
    [
        ("EUR", 999, ["tenth"], [99]),
        ("EUR", 2_000, ["six", "tenth"], [600, 140]),
        ("EUR", 2_000, ["tenth", "six"], [200, 600]),
        ("JPY", 5_000, ["six"], [1_000]),
    ],
)
def test_each_takes_off_what_those_before_it_left(
    currency: str, total: int, rewards: list[str], off: list[int]
) -> None:
    account = Account(PERCENT)
    account.buy(0, 10_000)
    codes = [account.redeem(0, reward) for reward in rewards]
    data = bought("o", 0, total={"amount": total, "currency": currency}, voucher_codes=codes)
    found = quote("m", account.state, account.programs, micros(day(1)), data, lambda counter: 0)
    assert [one.amount for one in found.vouchers] == off
    assert found.to_pay == total - sum(off)


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"total": euros(-1)}, "body.total", "negative"),
        ({"total": {"amount": 1, "currency": "XXX"}}, "body.total.currency", "unknown_currency"),
        ({"total": euros(2**53)}, "body.total.amount", "points_overflow"),
        ({"total": euros(1), "voucher_codes": ["NONE"]}, "body.voucher_codes.0", "unknown_voucher"),
        ({"total": euros(1), "items": [{"sku": "a"}]}, "body.items.0.quantity", "missing"),
        ({"total": euros(1), "coupons": []}, "body.coupons", "extra_forbidden"),
        ({}, "body.total", "missing"),
    ],
)
def test_what_is_wrong_is_named(
    body: dict[str, Any], field: str, code: str, client: TestClient, platform: Platform
) -> None:
    platform.account.buy(0, 1_000)
    platform.account.adjust(0, 2**53 - 10_000)
    answer = client.post(URL, json=body)
    assert answer.status_code in (404, 422)
    assert (field, code) in [(e["field"], e["code"]) for e in answer.json()["errors"]]


def test_a_voucher_that_cannot_be_used_is_named(client: TestClient, platform: Platform) -> None:
    platform.account.buy(0, 60_000)
    codes = [platform.account.redeem(1) for _ in range(4)]
    platform.account.use(1, codes[1])
    platform.account.cancel(1, codes[2])
    platform.now = day(1)
    assert client.post(f"/vouchers/{codes[3]}/reserve", json={"order_id": "o"}).status_code == 200
    for code, why in zip(codes[1:], ("redeemed", "cancelled", "reserved"), strict=True):
        body = ask(client, 500, codes[0], code)
        assert body["code"] == f"voucher_{why}"
        assert body["errors"][0]["field"] == "body.voucher_codes.1"
    assert ask(client, 500, codes[3], order_id="o")["to_pay"] == euros(500)
    platform.now = day(61)
    assert ask(client, 500, codes[0])["code"] == "voucher_expired"


def test_one_who_would_become_a_member_is_quoted_as_one(client: TestClient) -> None:
    body = ask(client, 5_000)
    assert (body["points"], body["balance"], body["tier"]) == (50, 50, "bronze")


def test_where_nobody_becomes_one_by_buying_there_is_no_quote() -> None:
    program = PERCENT.versions[0].model_copy(update={"enrolment": "explicit"})
    account = Account(program)
    with pytest.raises(Exception, match="unknown_member"):
        quote("m", account.state, Programs([program]), 0, bought("o", 100), lambda counter: 0)


@settings(max_examples=examples(60), deadline=None)
@given(steps, st.integers(0, 40_000))
def test_whatever_happened_before_the_purchase_does_what_was_quoted(history: list[Any], cents: int) -> None:
    account = Account(QUICK)
    now = play(account, history)
    account.advance(now)
    fields = {"order_id": "last", "channel": "web", "total": euros(cents), "items": basket(cents)}
    data = PurchaseMade.model_validate(fields)
    before = account.state
    found = quote("m", before, QUICK, micros(day(now)), data, lambda c: account.counters[c])
    assert account.state is before
    account.apply(day(now), data)
    after = account.view(now)
    had = sum(pending.lot.remaining for pending in before.pending)
    earned = sum(one.points for one in found.earned)
    assert earned == after.lifetime_points + after.pending - before.lifetime - had
    assert (found.balance, found.tier) == (after.balance, after.tier)
