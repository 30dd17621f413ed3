"""Two customers who are one, as their mail sees it: the running platform and its SMTP server."""

import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.test_deliverability import hook
from tests.stack import Stack, awake, event, new_customer, until

NOTE = {"template": "note", "variables": {"subject": "Hello", "message": "There"}}


def known(stack: Stack) -> tuple[str, str]:
    """A customer with an address of their own, and the id of a first message to them."""
    found = new_customer()
    profile = {"name": "Ada", "email": f"{found}@example.org", "timezone": awake()}
    stack.post_events(event("customer.registered", found, profile))
    return found, until(lambda: note(stack, found), "followup knows the customer")


def note(stack: Stack, customer: str, **more: str) -> str | None:
    """The id of a message by hand; None where it may not go."""
    asked = {**NOTE, "customer_id": customer, **more}
    answer = stack.call("followup", "POST", "/outreach", asked, key=uuid.uuid4().hex)
    return answer.body["outreach_id"] if answer.status == 201 else None


def shown(stack: Stack, customer: str) -> dict[str, dict[str, Any]]:
    items = stack.get("followup", f"/customers/{customer}/outreach")["items"]
    return {item["outreach_id"]: item for item in items}


def test_outreach_goes_on_under_the_survivor_and_home_again(stack: Stack) -> None:
    if os.environ.get("RAPPORT_TEST_HOME"):
        pytest.skip("a stack of somebody's own has other secrets")
    (old, gone), (survivor, other) = known(stack), known(stack)
    until(lambda: shown(stack, old)[gone]["status"] == "sent", "the first is sent")
    soon = (datetime.now(UTC) + timedelta(seconds=25)).isoformat()
    late = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    planned, ahead = note(stack, old, at=soon), note(stack, old, at=late)
    assert planned is not None
    assert ahead is not None
    merged = event("customer.merged", old, {"into": survivor, "reason": "the same phone"})
    assert stack.post_events(merged).status == 202
    until(lambda: {gone, planned, ahead} <= shown(stack, survivor).keys(), "the survivor has the messages")
    assert shown(stack, old).keys() == {other, gone, planned, ahead}

    # What was planned goes once, to the survivor, under its own name.
    until(lambda: shown(stack, old)[planned]["status"] == "sent", "what was planned is sent", 90)
    names = [str(mail["Message-ID"]) for mail in stack.mails(f"{survivor}@example.org")]
    assert names.count(f"<{planned}@rapport.example>") == 1
    assert len(stack.mails(f"{old}@example.org")) == 1

    # What is heard of a message from before the merge, and its link, act on the survivor.
    answer = hook(stack, "bounced", gone, name=uuid.uuid4().hex, code="5.1.1")
    assert (answer.status, answer.body["status"]) == (200, "bounced")
    until(lambda: shown(stack, survivor)[gone]["bounce_kind"] == "hard", "the bounce is heard")
    link = urlsplit(str(stack.mails(f"{old}@example.org")[0]["List-Unsubscribe"]).strip("<>")).path
    left = stack.call("followup", "POST", link, b"List-Unsubscribe=One-Click")
    assert left.status == 200
    assert note(stack, survivor) is None

    undone = event("customer.unmerged", old, {"from": survivor, "reason": "father and son"})
    assert stack.post_events(undone).status == 202
    until(lambda: shown(stack, survivor).keys() & {gone, planned, ahead} == set(), "each has their own")
    assert {gone, planned, ahead} <= shown(stack, old).keys()
    assert shown(stack, old)[ahead]["status"] == "scheduled"
    stack.settle()
    book = stack.get("followup", "/outreach/book")
    assert book["balanced"], book
