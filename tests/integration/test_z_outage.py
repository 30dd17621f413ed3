"""Outages: progress stops, nothing is lost or doubled, and the platform catches up by itself.

These run last, on the same stack as the rest: each leaves it whole.
"""

import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stack import Stack, awake, event, new_customer, purchase, until

SERVICES = ("interactions", "loyalty", "followup", "metrics")


@contextmanager
def frozen(stack: Stack, part: str) -> Iterator[None]:
    """The part answers nothing, as behind a broken network; it always goes on in the end."""
    stack.signal(part, signal.SIGSTOP)
    try:
        yield
    finally:
        stack.signal(part, signal.SIGCONT)


def probe(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def health(stack: Stack, path: str) -> list[int]:
    return [probe(stack.env[f"RAPPORT_{s.upper()}_URL"] + path) for s in SERVICES]


def ready(stack: Stack) -> bool:
    return health(stack, "/readyz") == [200] * len(SERVICES)


def test_the_broker_away_is_503_and_loses_nothing_that_was_accepted(stack: Stack) -> None:
    customer = new_customer()
    refused = [purchase(customer, 100) for _ in range(3)]
    assert stack.post_events(purchase(customer, 400)).status == 202
    with frozen(stack, "kafka"):
        for e in refused:
            began = time.monotonic()
            answer = stack.post_events(e)
            assert answer.status == 503, answer
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.body["code"] == "broker_unavailable"
            assert time.monotonic() - began < 15
        assert health(stack, "/healthz") == [200] * 4
        until(lambda: not ready(stack), "readiness tells")
    # What was refused may or may not be in the log: sent again under the same ids it counts once.
    for e in refused:
        until(lambda e=e: stack.post_events(e).status == 202, "accepted again", 60)  # type: ignore[misc]
    until(lambda: stack.balance(customer) == 7, "4 and three times 1", 60)
    until(lambda: ready(stack), "ready again", 60)
    assert stack.balance(customer) == 7


def test_the_store_away_is_503_and_is_waited_for(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(purchase(customer, 400))
    until(lambda: stack.balance(customer) == 4, "the points")
    with frozen(stack, "mongo"):
        assert stack.post_events(purchase(customer, 500)).status == 202  # events need no store
        answer = stack.call("loyalty", "GET", f"/members/{customer}")
        assert (answer.status, answer.body["code"]) == (503, "store_unavailable")
        assert health(stack, "/healthz") == [200] * 4
    until(lambda: stack.balance(customer) == 9, "caught up", 60)
    assert not [r for r in stack.records("purchases.dlq") if r.key == customer.encode()]


def test_a_killed_server_is_started_again_and_caught_up_with(stack: Stack) -> None:
    customer = new_customer()
    for number, part in enumerate(("kafka", "mongo"), 1):
        before = stack.pid(part)
        stack.signal(part, signal.SIGKILL)
        until(lambda p=part, b=before: stack.running_pid(p) not in (None, b), f"{part} again", 60)  # type: ignore[misc]
        e = purchase(customer, 100)
        until(lambda e=e: stack.post_events(e).status == 202, "accepted", 90)  # type: ignore[misc]
        until(lambda n=number: stack.balance(customer) == n, "the balance", 90)  # type: ignore[misc]
    until(lambda: ready(stack), "all ready", 60)


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
