"""Bad input is refused with a problem that names what is wrong, and changes nothing."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stack import BATCH, STRUCTURED, Answer, Stack, event, new_customer, purchase, until


def problem(answer: Answer, status: int, code: str) -> Any:
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.body["code"] == code
    return answer.body


def test_a_batch_with_bad_events_publishes_none_of_it(stack: Stack) -> None:
    customer = new_customer()
    bad_amount = purchase(customer, 100)
    bad_amount["data"]["total"]["amount"] = "ten"
    unknown = event("purchase.dreamt", customer, {})
    before = stack.ends("purchases")
    answer = stack.post_events(purchase(customer, 500), bad_amount, purchase(customer, 700), unknown)
    errors = problem(answer, 422, "invalid_events")["errors"]
    assert [(e["index"], e["code"]) for e in errors] == [(1, "field"), (3, "type")]
    assert "total.amount" in json.dumps(errors[0])
    assert stack.ends("purchases") == before
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 1, "only what came later counts")


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("envelope", "specversion", {"specversion": "0.3"}),
        ("envelope", "id", {"id": "no spaces"}),
        ("envelope", "source", {"source": ""}),
        ("envelope", "subject", {"subject": None}),
        ("time", "time", {"time": "2026-11-22T10:00:00"}),
        ("future", "time", {"time": (datetime.now(UTC) + timedelta(hours=25)).isoformat()}),
        ("field", "data.order_id", {"data": {"channel": "web"}}),
        ("forbidden_source", "source", {"source": "/rapport/loyalty"}),
        ("forbidden_source", "source", {"source": "/api/loyalty/api-key/members.adjustments"}),
    ],
)
def test_a_bad_event_is_named_with_its_field(
    stack: Stack, code: str, field: str, change: dict[str, Any]
) -> None:
    before = stack.ends("purchases")
    good, bad = purchase(new_customer(), 100), {**purchase(new_customer(), 100), **change}
    errors = problem(stack.post_events(good, bad), 422, "invalid_events")["errors"]
    assert {(e["index"], e["code"]) for e in errors} == {(1, code)}
    assert field in json.dumps(errors)
    alone = problem(stack.post_events(bad), 422, "invalid_events")["errors"]
    assert {(e["index"], e["code"]) for e in alone} == {(0, code)}
    assert stack.ends("purchases") == before


def test_bodies_that_are_no_events(stack: Stack) -> None:
    def post(body: bytes, kind: str = STRUCTURED, **kw: Any) -> Answer:
        return stack.call("interactions", "POST", "/events", body, kind=kind, **kw)

    problem(post(b"{not json"), 400, "not_json")
    problem(post(b"[1,2", BATCH), 400, "not_json")
    problem(post(b'"' + b"x" * 1_100_000 + b'"'), 413, "too_large")
    problem(post(b"{}", headers={}), 401, "unauthenticated")
    problem(post(b"{}", headers={"X-API-Key": "wrong"}), 401, "unauthenticated")
    problem(post(b"a,b", "text/csv"), 415, "unsupported_media_type")
    problem(post(b"\xff\xfe"), 400, "not_json")
    problem(post(b"[]", STRUCTURED), 422, "invalid_events")
    problem(post(b"{}", BATCH), 422, "invalid_events")


def test_a_body_is_refused_above_a_mebibyte_and_taken_below(stack: Stack) -> None:
    """Nothing of a batch that is too large is published, though each of its events would do."""
    customer, limit = new_customer(), 1024 * 1024
    before = stack.ends("purchases")
    large = purchase(customer, 100)
    large["data"]["note"] = "x" * (limit // 2)
    problem(stack.post_events(large, {**large, "id": "another"}), 413, "too_large")
    assert stack.ends("purchases") == before
    large["data"]["note"] += "x" * (limit - len(json.dumps(large)))
    assert len(json.dumps(large)) == limit
    assert stack.post_events(large).status == 202
    until(lambda: stack.balance(customer) == 1, "the points of the large one alone")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (
            "points.earned",
            {
                "entry_id": "e",
                "points": 5,
                "balance": 5,
                "reason": "r",
                "cause": {"source": "/x", "id": "y"},
            },
        ),
        ("loyalty.adjustment.requested", {"points": 1000, "reason": "mine"}),
        ("clock.advanced", {"to": "2030-01-01T00:00:00Z"}),
    ],
)
def test_what_only_rapport_writes_is_refused(stack: Stack, kind: str, data: dict[str, Any]) -> None:
    answer = stack.post_events(event(kind, new_customer(), data))
    assert problem(answer, 422, "invalid_events")["errors"][0]["code"] == "forbidden_type"


def test_commands_name_the_bad_field(stack: Stack) -> None:
    customer = new_customer()
    stack.post_events(purchase(customer, 100))
    until(lambda: stack.balance(customer) == 1, "a member")
    key = uuid.uuid4().hex
    zero = stack.call("loyalty", "POST", f"/members/{customer}/adjustments", {"points": "many"}, key=key)
    assert "points" in json.dumps(problem(zero, 422, "invalid")["errors"])
    unknown = stack.call(
        "loyalty", "POST", f"/members/{customer}/redemptions", {"reward_id": "no-such"}, key=key
    )
    problem(unknown, 404, "unknown_reward")
    problem(
        stack.call("loyalty", "POST", "/vouchers/NOSUCHVOUCHER/redeem", {}, key=key), 404, "unknown_voucher"
    )
    problem(stack.call("interactions", "GET", f"/customers/{new_customer()}"), 404, "unknown_customer")
    problem(stack.call("metrics", "GET", "/kpis?window=abc"), 422, "invalid")
    problem(stack.call("loyalty", "GET", "/nowhere"), 404, "not_found")
    missing = stack.call("interactions", "POST", "/complaints", {"customer_id": customer}, key=key)
    assert {"channel", "category", "severity", "description"} <= set(
        json.dumps(problem(missing, 422, "invalid")["errors"]).replace('"', " ").replace(".", " ").split()
    )
