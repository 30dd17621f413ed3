"""A theme was acted upon, on the running platform: one call, and those who had spoken of it are told."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, awake, event, new_customer, until

ACTED = "rapport.feedback.acted.v1"


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def speaks(customer: str, words: str) -> dict[str, Any]:
    complaint = {
        "complaint_id": uuid.uuid4().hex,
        "channel": "email",
        "category": "website",
        "severity": "normal",
        "description": words,
    }
    return event("complaint.opened", customer, complaint, at=ago(1))


def customer_with_mail() -> tuple[str, dict[str, Any]]:
    customer = new_customer()
    profile = {"name": "Ann Ono", "email": f"{customer}@example.com", "timezone": awake()}
    return customer, event("customer.registered", customer, profile, at=ago(2))


def heard(stack: Stack, customer: str) -> list[str]:
    return [row["summary"] for row in stack.timeline(customer) if row["type"] == ACTED]


def planned(stack: Stack, customer: str) -> list[dict[str, Any]]:
    rows = stack.get("followup", f"/customers/{customer}/outreach")["items"]
    return [row for row in rows if row["rule"] == "what-changed"]


def test_those_who_had_spoken_of_it_are_told_what_changed(stack: Stack) -> None:
    (ann, told), (bob, also), (cy, other) = (customer_with_mail() for _ in range(3))
    stack.post_events(told, also, other)
    stack.post_events(
        speaks(ann, "The checkout is broken."),
        speaks(bob, "I cannot log in."),
        speaks(cy, "It is too expensive."),
    )
    until(lambda: not stack.behind(), "all of it read")

    def counted() -> bool:
        today = datetime.now(UTC).date()
        monday = today - timedelta(days=today.weekday())
        themes = stack.get("metrics", f"/themes?week={monday.isoformat()}")["themes"]
        return any(one["theme"] == "website" and one["mentions"] >= 2 for one in themes)

    until(counted, "what they wrote of")
    text, key = f"The shop is new, {uuid.uuid4().hex[:6]}.", uuid.uuid4().hex
    answer = stack.call("metrics", "POST", "/themes/website/acted", {"text": text}, key=key)
    assert answer.status == 201, answer
    assert (answer.body["theme"], answer.body["text"]) == ("website", text)
    for customer in (ann, bob):
        said = until(lambda customer=customer: heard(stack, customer), "feedback.acted", 30.0)
        assert said == [f"Feedback acted on, website: {text}"]
        (row,) = until(lambda customer=customer: planned(stack, customer), "a message planned", 30.0)
        assert row["status"] in ("scheduled", "ready")
    again = stack.call("metrics", "POST", "/themes/website/acted", {"text": text}, key=key)
    assert (again.status, again.body) == (201, answer.body)
    mismatch = stack.call("metrics", "POST", "/themes/website/acted", {"text": "Else."}, key=key)
    assert (mismatch.status, mismatch.body["code"]) == (422, "idempotency_mismatch")

    def done() -> Any:
        acts = stack.get("metrics", "/themes/website/acted")["items"]
        return next((act for act in acts if act["act_id"] == answer.body["act_id"] and act["done"]), None)

    assert until(done, "all told")["told"] >= 2
    until(lambda: not stack.behind(), "all of it read")
    assert [len(heard(stack, customer)) for customer in (ann, bob, cy)] == [1, 1, 0]
    assert planned(stack, cy) == []


def test_who_may_not_write_to_customers_may_not_say_so(stack: Stack) -> None:
    asked = {"text": "It is done."}
    reader = stack.caller("metrics:read", name="a-reader")
    assert stack.call("metrics", "POST", "/themes/website/acted", asked, headers=reader).status == 403
    writer = stack.caller("outreach:write", name="a-writer")
    assert stack.call("metrics", "POST", "/themes/weather/acted", asked, headers=writer).status == 404
    assert stack.call("metrics", "POST", "/themes/website/acted", {"text": " "}, headers=writer).status == 422
