"""Outages: progress stops, nothing is lost or doubled, and the platform catches up by itself.

These run last, on the same stack as the rest: each leaves it whole.
"""

import signal
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.schemas.services import SERVICES
from tests.stack import Stack, awake, event, new_customer, purchase, until


def probe(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def health(stack: Stack, path: str) -> dict[str, int]:
    """What each worker and API answers there."""
    parts = [part for part in stack.parts().values() if part.name.endswith(("-worker", "-api"))]
    assert len(parts) == 2 * len(SERVICES)
    return {part.name: probe(f"http://127.0.0.1:{part.port}{path}") for part in parts}


def alive(stack: Stack) -> bool:
    return set(health(stack, "/healthz").values()) == {200}


def ready(stack: Stack) -> bool:
    return set(health(stack, "/readyz").values()) == {200}


def restarts(stack: Stack) -> dict[str, int]:
    return {part.name: part.restarts for part in stack.parts().values()}


def test_the_broker_away_is_503_and_loses_nothing_that_was_accepted(stack: Stack) -> None:
    customer, before = new_customer(), restarts(stack)
    refused = [purchase(customer, 100) for _ in range(2)]
    assert stack.post_events(purchase(customer, 400)).status == 202
    with stack.frozen("kafka"):
        for e in refused:
            began = time.monotonic()
            answer = stack.post_events(e)
            assert time.monotonic() - began < 8
            assert (answer.status, answer.body["code"]) == (503, "broker_unavailable")
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert int(answer.headers["retry-after"]) >= 1
        until(lambda: not ready(stack), "readiness tells")
        assert alive(stack)
    # What was refused may or may not be in the log: sent again under the same ids it counts once.
    for e in refused:
        until(lambda e=e: stack.post_events(e).status == 202, "accepted again", 60)  # type: ignore[misc]
    until(lambda: stack.balance(customer) == 6, "4 and twice 1", 60)
    until(lambda: ready(stack), "ready again", 60)
    stack.settle(60)
    assert sorted(entry["points"] for entry in stack.ledger(customer)) == [1, 1, 4]
    assert restarts(stack) == before


def test_the_store_away_is_503_and_is_waited_for(stack: Stack) -> None:
    customer, before = new_customer(), restarts(stack)
    stack.post_events(purchase(customer, 400))
    until(lambda: stack.balance(customer) == 4, "the points")
    reads = [
        ("loyalty", f"/members/{customer}"),
        ("interactions", f"/customers/{customer}"),
        ("followup", f"/customers/{customer}/outreach"),
        ("metrics", "/kpis"),
    ]
    with stack.frozen("mongo"):
        assert stack.post_events(purchase(customer, 500)).status == 202  # events need no store
        with ThreadPoolExecutor(len(reads)) as pool:  # each waits its time for a server: at once
            answers = list(pool.map(lambda read: stack.call(read[0], "GET", read[1]), reads))
        for answer in answers:
            assert (answer.status, answer.body["code"]) == (503, "store_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        until(lambda: not ready(stack), "readiness tells")
        assert alive(stack)
    until(lambda: stack.balance(customer) == 9, "caught up", 60)
    until(lambda: ready(stack), "ready again", 60)
    stack.settle(60)
    assert not [r for r in stack.records("purchases.dlq") if r.key == customer.encode()]
    assert restarts(stack) == before


def insist(stack: Stack, e: Any) -> None:
    """What a client with a retry does: the same event until it is accepted."""

    def accepted() -> bool:
        try:
            return stack.post_events(e).status == 202
        except OSError:  # the connection broke: as good as a 503
            return False

    until(accepted, "accepted", 90)


@pytest.mark.parametrize("part", ["kafka", "mongo"])
def test_a_server_killed_under_load_comes_back_and_every_balance_is_exact(stack: Stack, part: str) -> None:
    customers = [new_customer() for _ in range(8)]
    # Told apart by their amounts: which of them counts, and how often, shows in the ledger.
    events = [purchase(c, 100 * n) for n in range(1, 16) for c in customers]
    before = stack.parts()[part]
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(insist, stack, e) for e in events]
        until(lambda: sum(f.done() for f in sent) > len(sent) // 4, "the load runs")
        stack.signal(part, signal.SIGKILL)
        assert sum(f.done() for f in sent) < len(sent)
        for future in sent:
            future.result()
    until(lambda: stack.running_pid(part) not in (None, before.pid), "the supervisor starts it again", 60)
    assert stack.parts()[part].restarts == before.restarts + 1
    total = sum(range(1, 16))
    until(lambda: [stack.balance(c) for c in customers] == [total] * len(customers), "the balances", 90)
    until(lambda: ready(stack), "all ready", 60)
    stack.settle(60)
    for customer in customers:
        assert sorted(entry["points"] for entry in stack.ledger(customer)) == list(range(1, 16))
        made = [i for i in stack.timeline(customer) if i["type"] == "rapport.purchase.made.v1"]
        assert len(made) == 15


def test_an_answer_that_is_not_there_in_time_can_be_fetched_later(stack: Stack) -> None:
    customer, key = new_customer(), uuid.uuid4().hex
    stack.post_events(purchase(customer, 10_000))
    until(lambda: stack.balance(customer) == 100, "the points")
    path, asked = f"/members/{customer}/redemptions", {"reward_id": "free-delivery"}
    with stack.frozen("loyalty-worker"):
        pending = stack.call("loyalty", "POST", path, asked, key=key)
        assert pending.status == 202
        location = pending.headers["location"]
        assert stack.call("loyalty", "GET", location).status == 202
    done = until(
        lambda: (a := stack.call("loyalty", "GET", location)).status != 202 and a, "the worker's answer", 60
    )
    assert (done.status, done.body["balance"]) == (201, 0)
    again = stack.call("loyalty", "POST", path, asked, key=key)
    assert (again.status, again.body) == (done.status, done.body)
    assert stack.balance(customer) == 0
    stranger = stack.caller("loyalty:redeem", "customers:read")
    assert stack.call("loyalty", "GET", location, headers=stranger).status == 404


def test_a_mail_server_that_refuses_for_now_gets_the_mail_later_and_once(stack: Stack) -> None:
    customer = new_customer()
    address = f"{customer}@example.org"
    rules = stack.home.root / "smtp.refuse"
    rules.write_text(f"{address} 451 come back later\n")
    try:
        stack.post_events(
            event("customer.registered", customer, {"name": "Bo", "email": address, "timezone": awake()})
        )
        note = {"subject": "Hello", "message": "There you are."}
        asked = {"customer_id": customer, "template": "note", "variables": note}
        until(
            lambda: (
                stack.call("followup", "POST", "/outreach", asked, key=f"{uuid.uuid4().hex}").status == 201
            ),
            "followup knows the address",
        )
        until(
            lambda: any(
                o["error"] and "451" in o["error"]
                for o in stack.get("followup", f"/customers/{customer}/outreach")["items"]
            ),
            "it was refused for now",
        )
        assert not stack.mails(address)
    finally:
        rules.unlink()
    until(lambda: stack.mails(address), "the mail", 60)
    until(
        lambda: (
            [o["status"] for o in stack.get("followup", f"/customers/{customer}/outreach")["items"]]
            == ["sent"]
        ),
        "it is known to be sent",
    )
    assert len(stack.mails(address)) == 1
