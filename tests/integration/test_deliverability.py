"""What comes of messages that come back, on the running platform: by webhook, and by mail."""

import json
import os
import time
import uuid
from typing import Any

import pytest

from shared.mail.marks import HEADER
from shared.runtime.webhooks import signature, signing_key
from tests.conftest import DELIVERY_SECRET
from tests.stack import Answer, Stack, awake, event, new_customer, until
from tests.unit.followup.returned_mail import ARF, mail

NOTE = {"template": "note", "variables": {"subject": "Hello", "message": "There"}}


@pytest.fixture
def customer(stack: Stack) -> str:
    if os.environ.get("RAPPORT_TEST_HOME"):
        pytest.skip("a stack of somebody's own has other secrets")
    found = new_customer()
    profile = {"name": "Ada", "email": f"{found}@example.org", "timezone": awake()}
    stack.post_events(event("customer.registered", found, profile))
    return found


def note(stack: Stack, customer: str) -> Answer:
    asked = {**NOTE, "customer_id": customer}
    return stack.call("followup", "POST", "/outreach", asked, key=uuid.uuid4().hex)


def sent(stack: Stack, customer: str) -> str:
    """The id of a message that has gone."""
    placed = until(lambda: (a := note(stack, customer)).status == 201 and a, "followup knows the customer")
    id: str = placed.body["outreach_id"]
    until(lambda: shown(stack, customer, id)["status"] == "sent", "it is sent")
    return id


def shown(stack: Stack, customer: str, id: str) -> dict[str, Any]:
    items = stack.get("followup", f"/customers/{customer}/outreach")["items"]
    found: dict[str, Any] = next(item for item in items if item["outreach_id"] == id)
    return found


def hook(stack: Stack, what: str, id: str, *, name: str, forged: bool = False, **more: str) -> Answer:
    body = json.dumps({"type": f"message.{what}", "data": {"outreach_id": id, **more}}).encode()
    now = int(time.time())
    signed = signature(b"x" * 32 if forged else signing_key(DELIVERY_SECRET), name, now, body)
    headers = {"webhook-id": name, "webhook-timestamp": str(now), "webhook-signature": signed}
    return stack.call("followup", "POST", "/hooks/delivery", body, headers=headers)


def facts(stack: Stack, customer: str) -> list[str]:
    told = [json.loads(r.value) for r in stack.records("outreach") if r.key == customer.encode()]
    return [one["type"].split(".")[2] for one in told]


def test_a_provider_says_that_it_came_back(stack: Stack, customer: str) -> None:
    id = sent(stack, customer)
    name = uuid.uuid4().hex
    assert hook(stack, "bounced", id, name=name, forged=True).status == 401
    for _ in range(2):
        answer = hook(stack, "bounced", id, name=name, code="5.1.1")
        assert (answer.status, answer.body["status"]) == (200, "bounced")
    assert hook(stack, "bounced", "nobody", name=uuid.uuid4().hex).body["code"] == "unknown_outreach"
    assert shown(stack, customer, id)["bounce_kind"] == "hard"
    refused = note(stack, customer)
    assert (refused.status, refused.body["code"]) == (409, "address_suppressed")
    assert "email" in stack.get("followup", f"/customers/{customer}/outreach")["unusable"]
    stack.settle()
    assert facts(stack, customer).count("bounced") == 1
    stack.post_events(event("customer.updated", customer, {"email": f"new-{customer}@example.org"}))
    until(lambda: note(stack, customer).status == 201, "the new address is free")


def test_a_complaint_comes_by_mail(stack: Stack, customer: str) -> None:
    id = sent(stack, customer)
    box = stack.home.root / "bounces"
    [arrived] = until(lambda: stack.mails(f"{customer}@example.org"), "the mail")
    told = mail(ARF, id=id, mark=str(arrived[HEADER]))
    for name, raw in (("forged", mail(ARF, id=id)), ("first", told), ("again", told)):
        (box / "tmp" / name).write_bytes(raw)
        (box / "tmp" / name).rename(box / "new" / f"{id}.{name}")
    until(lambda: shown(stack, customer, id)["complained_at"], "the complaint is heard")
    until(lambda: len(list((box / "cur").glob(f"{id}.*:2,S"))) == 2, "the files are moved")
    assert (box / "cur" / f"{id}.forged:2,FS").exists(), "it was looked at, and not believed"
    stack.settle()
    assert facts(stack, customer).count("complained") == 1
    assert note(stack, customer).body["code"] == "address_suppressed"
