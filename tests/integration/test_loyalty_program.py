"""The loyalty program on the running platform: what customers share, refer, return too much of, and read."""

import json
import urllib.request
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import LIMITED, LIMITED_STOCK
from tests.stack import Answer, Stack, awake, event, new_customer, purchase, until


def member(stack: Stack, cents: int = 10_000) -> str:
    """A member with so many cents' points."""
    customer = new_customer()
    stack.post_events(purchase(customer, cents))
    until(lambda: stack.balance(customer) == cents // 100, "the points")
    return customer


def redeem(stack: Stack, customer: str, reward: str) -> Answer:
    return stack.call("loyalty", "POST", f"/members/{customer}/redemptions", {"reward_id": reward})


def refund(customer: str, order: str, cents: int, event_id: str) -> dict[str, Any]:
    data = {
        "order_id": order,
        "return_id": f"r-{order}",
        "items": [],
        "refund": {"amount": cents, "currency": "EUR"},
    }
    return event("purchase.returned", customer, data, event_id=event_id)


def test_a_voucher_is_redeemed_once_under_a_hundred_concurrent_calls(stack: Stack) -> None:
    customer = member(stack)
    code = redeem(stack, customer, "free-delivery").body["voucher_code"]

    def use(number: int) -> tuple[int, str | None]:
        answer = stack.call("loyalty", "POST", f"/vouchers/{code}/redeem", key=f"{code}-{number}")
        while answer.status == 202:  # a busy machine: the same key asks for the same answer
            answer = stack.call("loyalty", "POST", f"/vouchers/{code}/redeem", key=f"{code}-{number}")
        return answer.status, answer.body.get("code")

    with ThreadPoolExecutor(100) as pool:
        answers = Counter(pool.map(use, range(100)))
    assert answers == {(200, None): 1, (409, "voucher_redeemed"): 99}


def test_a_stock_is_shared_by_the_customers_of_all_partitions(stack: Stack) -> None:
    customers = [member(stack, 1_000) for _ in range(LIMITED_STOCK + 4)]

    def ask(customer: str) -> tuple[str, Answer]:
        return customer, redeem(stack, customer, LIMITED)

    with ThreadPoolExecutor(8) as pool:
        answers = dict(pool.map(ask, customers))
    won = [customer for customer, answer in answers.items() if answer.status == 201]
    refused = [answer.body["code"] for answer in answers.values() if answer.status != 201]
    assert (len(won), refused) == (LIMITED_STOCK, ["out_of_stock"] * 4)
    assert all(stack.balance(c) == (0 if c in won else 10) for c in customers)
    left = {r["reward_id"]: r["left"] for r in stack.pages("loyalty", "/rewards?limit=100")}
    assert left[LIMITED] == 0
    code = answers[won[0]].body["voucher_code"]
    assert stack.call("loyalty", "POST", f"/vouchers/{code}/cancel").status == 200
    loser = next(customer for customer in customers if customer not in won)
    assert redeem(stack, loser, LIMITED).status == 201


def test_a_referral_rewards_both_at_the_friends_first_purchase(stack: Stack) -> None:
    referrer, friend = member(stack, 1_000), new_customer()
    stack.post_events(event("referral.made", referrer, {"referred_customer": friend}))
    stack.post_events(purchase(friend, 2_000))
    until(lambda: stack.balance(friend) == 270, "the friend's points")
    until(lambda: stack.balance(referrer) == 260, "the referrer's points")
    stack.post_events(purchase(friend, 2_000))
    until(lambda: stack.balance(friend) == 290, "no second reward")
    stack.settle()
    assert stack.balance(referrer) == 260


def test_a_return_of_more_than_was_bought_that_waited_is_a_dead_letter_and_can_be_mended(
    stack: Stack,
) -> None:
    customer, order, event_id = new_customer(), uuid.uuid4().hex, uuid.uuid4().hex
    stack.post_events(refund(customer, order, 1_500, event_id))
    stack.settle()
    stack.post_events(purchase(customer, 1_000, order=order))
    until(lambda: stack.balance(customer) == 10, "the purchase")

    def dead_letters() -> list[Any]:
        return [r for r in stack.records("purchases.dlq") if r.key == customer.encode()]

    [dead_letter] = until(dead_letters, "the dead letter")
    headers = {name: value.decode() for name, value in dead_letter.headers}
    assert (headers["rapport-service"], headers["rapport-error"]) == ("loyalty", "refund_exceeds_total")
    assert headers["rapport-origin"].startswith("purchases/")
    stored = json.loads(dead_letter.value)
    assert (stored["id"], stored["data"]["refund"]["amount"]) == (event_id, 1_500)
    stack.send("purchases", refund(customer, order, 500, event_id))
    until(lambda: stack.balance(customer) == 5, "the corrected return, under the same id")
    assert len(dead_letters()) == 1


def test_an_order_told_twice_by_its_webhooks_earns_once(stack: Stack) -> None:
    customer, name = new_customer(), uuid.uuid4().hex
    for event_id in (f"wh-1-{name}", f"wh-2-{name}"):
        stack.post_events(purchase(customer, 10_000, order=f"so-{name}", event_id=event_id))
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 101, "the points")
    assert [entry["points"] for entry in stack.ledger(customer)] == [1, 100]
    assert not [r for r in stack.records("purchases.dlq") if r.key == customer.encode()]


def test_a_till_that_runs_20_hours_ahead_ends_nothing_early(stack: Stack) -> None:
    customer, now = new_customer(), datetime.now(UTC)
    stack.post_events(purchase(customer, 10_000, at=(now - timedelta(days=364.5)).isoformat()))
    until(lambda: stack.balance(customer) == 100, "points that are good for 12 h more")
    stack.post_events(purchase(customer, 5_000, at=(now + timedelta(hours=20)).isoformat()))
    account = until(lambda: _with_pending(stack, customer), "what the till told")
    assert (account["balance"], account["pending"]) == (100, 50)
    answer = redeem(stack, customer, "free-delivery")
    assert (answer.status, answer.body["balance"]) == (201, 0)
    code = answer.body["voucher_code"]
    used = stack.call("loyalty", "POST", f"/vouchers/%20{code.lower()}/redeem")
    assert (used.status, used.body["voucher_code"]) == (200, code)


def _with_pending(stack: Stack, customer: str) -> dict[str, Any] | None:
    account: dict[str, Any] = stack.get("loyalty", f"/members/{customer}")
    return account if account["pending"] else None


def test_what_a_member_and_the_finance_department_read(stack: Stack) -> None:
    customer = member(stack, 30_000)
    stack.post_events(purchase(customer, 1_001))
    until(lambda: stack.balance(customer) == 312, "300 + 12 as silver")
    redeem(stack, customer, "free-delivery")
    month = f"{datetime.now(UTC):%Y-%m}"
    statement = stack.get("loyalty", f"/members/{customer}/statement?month={month}")
    told = [statement[name] for name in ("opening", "earned", "redeemed", "expired", "closing")]
    assert told == [0, 312, -100, 0, 212]
    bad = stack.call("loyalty", "GET", f"/members/{customer}/statement?month=2026-13")
    assert (bad.status, bad.body["errors"][0]["field"]) == (422, "query.month")

    entries = stack.ledger(customer)
    [second] = [e for e in entries if e["points"] == 12]
    why = stack.get("loyalty", f"/members/{customer}/ledger/{second['entry_id']}/explain")
    assert "silver" in json.dumps(why)
    unknown = stack.call("loyalty", "GET", f"/members/{customer}/ledger/none/explain")
    assert (unknown.status, unknown.body["code"]) == (404, "unknown_entry")

    lots = stack.pages("loyalty", f"/members/{customer}/lots?limit=100")
    assert sum(lot["remaining"] for lot in lots) == 212
    assert {lot["state"] for lot in lots} == {"active"}

    liability = stack.get("loyalty", "/program/liability")
    assert liability["outstanding"] >= 212
    assert sum(m["points"] for m in liability["months"]) == liability["outstanding"]
    next_year = datetime.now(UTC) + timedelta(days=365)
    assert f"{next_year:%Y-%m}" in {m["month"] for m in liability["months"]}


def test_a_year_of_membership_is_thanked_for_by_mail(stack: Stack) -> None:
    """From a timer of loyalty's to a message of followup's: the anniversary is a few seconds away."""
    customer, address = new_customer(), f"{uuid.uuid4().hex[:12]}@example.com"
    soon = datetime.now(UTC) + timedelta(seconds=4)
    joined = soon.replace(year=soon.year - 1, day=min(soon.day, 28) if soon.month == 2 else soon.day)
    profile = {"name": "Ada Ellis", "email": address, "timezone": awake()}
    consent = {"purpose": "marketing", "channel": "email", "granted": True}
    stack.post_events(event("customer.registered", customer, profile))
    stack.post_events(event("consent.changed", customer, consent))
    stack.post_events(purchase(customer, 500, at=joined.isoformat()))

    def texts() -> str:
        parts = (part for mail in stack.mails(address) for part in mail.walk())
        plain = (p.get_payload(decode=True) for p in parts if p.get_content_type() == "text/plain")
        return "\n".join(body.decode() for body in plain if isinstance(body, bytes))

    until(lambda: "one year ago" in texts(), "the mail", 30)
    assert "100 points" in texts()
    assert stack.balance(customer) == 100  # the purchase's own points ended as the gift came


def metric(text: str, name: str) -> float:
    """The value of a metric in Prometheus' text form, labels and all."""
    line = next((line for line in text.splitlines() if line.startswith(f"{name} ")), None)
    assert line is not None, name
    return float(line.rpartition(" ")[2])


def test_operators_see_points_their_value_and_what_was_refused(stack: Stack) -> None:
    def of_the_worker() -> str:
        port = stack.parts()["loyalty-worker"].port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def of_the_api() -> str:
        return str(stack.call("loyalty", "GET", "/metrics").body)

    refused = 'rapport_redemptions_refused_total{reason="insufficient_points"}'
    customer = member(stack, 10_000)
    assert redeem(stack, customer, "voucher-5").body["code"] == "insufficient_points"
    code = redeem(stack, customer, "free-delivery").body["voucher_code"]
    for _ in range(2):
        stack.call("loyalty", "POST", f"/vouchers/{code}/redeem")
    seen = of_the_worker()
    assert metric(seen, 'rapport_points_total{kind="earned"}') >= 100
    assert metric(seen, 'rapport_points_total{kind="redeemed"}') >= 100
    assert metric(seen, refused) >= 1
    assert metric(seen, "rapport_voucher_double_use_total") >= 1
    assert metric(seen, "rapport_accrual_lag_seconds_count") >= 1
    assert metric(seen, 'rapport_memory_bytes{kind="states",service="loyalty"}') > 0
    assert metric(seen, 'rapport_memory_limit_bytes{service="loyalty"}') == 256 * 1024 * 1024
    member(stack, 5_000)
    until(lambda: metric(of_the_api(), "rapport_points_outstanding") >= 50, "the gauges")
    assert metric(of_the_api(), 'rapport_points_liability_minor_units{currency="EUR"}') >= 2 * 50
    assert metric(of_the_api(), 'rapport_members{tier="bronze"}') >= 2
