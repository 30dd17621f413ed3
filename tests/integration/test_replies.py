"""What a customer is told by mail in a conversation and about a complaint, on the running platform."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, awake, event, new_customer, until

THEIRS = "<their-question@mail.example.org>"


def register(stack: Stack, customer: str, **profile: Any) -> str:
    address = f"{customer}@example.org"
    stack.post_events(event("customer.registered", customer, {"name": "Ada", "email": address, **profile}))
    return address


def outreach(stack: Stack, customer: str) -> list[tuple[str, str]]:
    """(rule, status) of each message, the latest due first."""
    answer = stack.call("followup", "GET", f"/customers/{customer}/outreach")
    return [(one["rule"], one["status"]) for one in answer.body.get("items", [])]


def known(stack: Stack, customer: str, reason: str | None) -> None:
    """Wait until followup knows the customer, and has this against a message."""

    def asked() -> bool:
        path = "/rules/complaint-check/preview"
        answer = stack.call("followup", "POST", path, {"customer_id": customer})
        return answer.status == 200 and answer.body["reason"] == reason

    until(asked, f"followup knows the customer: {reason}")


def asleep() -> str:
    """A time zone where it is the middle of the night."""
    offset = (datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{offset:+d}" if offset else "UTC"


def test_a_reply_arrives_at_night_under_its_name_once(stack: Stack) -> None:
    customer, reply_id = new_customer(), uuid.uuid4().hex[:24]
    address = register(stack, customer, timezone=asleep())
    refused = {"purpose": "service", "channel": "email", "granted": False}
    stack.post_events(event("consent.changed", customer, refused))
    known(stack, customer, reason="no_consent")
    reply = {
        "outreach_id": reply_id,
        "conversation_id": "v-1",
        "channel": "email",
        "text": "Dear Ada,\n\nit is on its <way>.\n\nJo",
        "in_reply_to": THEIRS,
        "agent_id": "a-1",
    }
    asked = {**event("followup.reply.requested", customer, reply), "source": "/rapport/interactions"}
    for again in (asked, asked, {**asked, "id": uuid.uuid4().hex}):
        stack.send("commands", again)
    until(lambda: ("reply", "sent") in outreach(stack, customer), "the reply is sent")
    mails = until(lambda: stack.mails(address), "the mail")
    stack.settle()
    [mail] = stack.mails(address)
    assert str(mail["Message-ID"]) == str(mails[0]["Message-ID"]) == f"<{reply_id}@rapport.example>"
    assert str(mail["In-Reply-To"]) == str(mail["References"]) == THEIRS
    assert str(mail["Subject"]) == "Re: your message to Rapport Store"
    assert mail["List-Unsubscribe"] is None
    plain, html = mail.get_payload()
    assert plain.get_payload(decode=True).decode().split() == reply["text"].split()
    assert b"&lt;way&gt;" in html.get_payload(decode=True)
    told = {
        (item["type"].split(".")[2], item["summary"])
        for item in stack.timeline(customer)
        if item["type"].startswith("rapport.outreach.")
    }
    assert told == {
        ("scheduled", "Message planned, reply by email"),
        ("sent", "Message sent, reply by email"),
    }
    stack.send("commands", {**asked, "id": "c-2", "data": {**reply, "outreach_id": "r-2", "channel": "chat"}})
    until(lambda: ("reply", "suppressed") in outreach(stack, customer), "no way to reach a chat")


def test_a_complaints_steps_are_told_in_the_agents_words(stack: Stack) -> None:
    customer = new_customer()
    address = register(stack, customer, timezone=awake())
    known(stack, customer, reason=None)
    opened = {
        "customer_id": customer,
        "channel": "email",
        "category": "delivery",
        "severity": "high",
        "description": "It is late.",
    }
    placed = stack.call("interactions", "POST", "/complaints", opened, key=uuid.uuid4().hex)
    complaint = placed.body["complaint_id"]

    def step(action: str, **data: Any) -> None:
        path = f"/complaints/{complaint}/{action}"
        assert stack.call("interactions", "POST", path, data, key=uuid.uuid4().hex).status < 300

    step("acknowledge", message="Jo looks after it.")
    acknowledged = until(lambda: stack.mails(address), "the acknowledgement")[0]
    assert str(acknowledged["Subject"]) == "We have your complaint, and we are sorry"
    promised = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    about = {"complaint_id": complaint, "message": "The store has found it.", "promised_by": promised}
    for _ in range(2):  # one thing under two event ids
        stack.post_events(event("complaint.updated", customer, about, at=datetime.now(UTC).isoformat()))
    until(lambda: len(stack.mails(address)) >= 3, "the updates")
    step("resolve", resolution="Sent again.")
    rules = until(lambda: [o for o in outreach(stack, customer) if o[0] == "complaint-check"], "the check")
    assert rules == [("complaint-check", "scheduled")]
    texts = [mail.get_payload()[0].get_payload(decode=True).decode() for mail in stack.mails(address)]
    assert sum("Jo looks after it." in text for text in texts) == 1
    update = next(text for text in texts if "The store has found it." in text)
    assert "You will hear from us again by " in update
    assert complaint in update
