"""Somebody is erased on the running platform: every service forgets, proves it, and hears nothing late."""

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

import bson
from pymongo import MongoClient

from shared.facts.certificate import checks
from shared.schemas.services import SERVICES
from tests.stack import Answer, Stack, awake, event, new_customer, purchase, until

SECONDS = 60.0
"""For all that is left of one customer to go: each collection is read whole."""


@dataclass
class Person:
    """A customer, and everything of theirs that nothing may hold afterwards."""

    id: str = field(default_factory=new_customer)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    kin: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Of the name that a second customer nearly has."""

    @property
    def name(self) -> str:
        return f"ada {self.kin}x"

    @property
    def marked(self) -> tuple[str, ...]:
        return (self.id, self.mark, self.name)


def told(person: Person, team: str) -> list[dict[str, Any]]:
    """A life, and somebody else's who has nearly the same name."""
    about = {"name": person.name, "birthday": "1990-05-05", "timezone": awake()}
    conversation = {"conversation_id": f"c-{person.id}"}
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": person.mark}
    handed = {"from": "bot", "reason": person.mark, "team": team, "skills": ["law"]}
    complaint = {"channel": "email", "category": "website", "severity": "normal", "description": person.mark}
    task = {"task_id": f"t-{team}", "kind": "call", "text": person.mark, "customer_id": person.id}
    twin = {"name": person.name.removesuffix("x"), "birthday": "1990-05-05"}
    return [
        event("customer.registered", new_customer(), twin),
        event("customer.registered", person.id, about | {"email": f"{person.mark}@example.com"}),
        event("consent.changed", person.id, {"purpose": "marketing", "channel": "email", "granted": True}),
        purchase(person.id, 10_000, order=f"o-{person.mark}"),
        event("complaint.opened", person.id, complaint | {"complaint_id": f"k-{person.mark}"}),
        event("interaction.logged", person.id, said | conversation | {"text": person.mark}),
        event("conversation.escalated", person.id, handed | conversation),
        event("task.opened", team, task),
    ]


def holding(stack: Stack, person: Person) -> set[str]:
    """Where anything of the person stands in clear, in whatever letters."""
    found = set()
    needles = [text.lower().encode() for text in person.marked]
    with MongoClient[dict[str, Any]](stack.env["RAPPORT_MONGO"]) as client:
        for service in SERVICES:
            database = client[f"rapport_{service}"]
            for name in database.list_collection_names():
                for document in database[name].find({}):
                    raw = bson.encode(document).lower()
                    if any(needle in raw for needle in needles):
                        kind, bar, _ = str(document["_id"]).partition("/")
                        found.add(f"{service} {name}" + (f" {kind}/" if name == "state" and bar else ""))
    return found


def erased(stack: Stack, person: Person) -> Answer:
    return stack.call("interactions", "DELETE", f"/customers/{person.id}")


def gone(stack: Stack, person: Person) -> None:
    for service, path in (
        ("interactions", f"/customers/{person.id}"),
        ("interactions", f"/customers/{person.id}/timeline"),
        ("loyalty", f"/members/{person.id}"),
        ("followup", f"/customers/{person.id}/outreach"),
        ("metrics", f"/customers/{person.id}/health"),
    ):
        answer = stack.call(service, "GET", path)
        assert (answer.status, answer.body["code"]) == (410, "erased"), (service, path)


def test_nothing_is_left_of_who_is_erased_and_it_is_proven(stack: Stack) -> None:
    person, team = Person(), f"team-{uuid.uuid4().hex[:8]}"
    stack.post_events(*told(person, team))
    stack.settle()
    outreach = f"/customers/{person.id}/outreach"
    until(lambda: stack.get("followup", outreach)["items"], "a message is planned")

    def suggested() -> bool:
        pages = stack.pages("interactions", "/duplicates?status=open&limit=100")
        return any(person.id in str(one) for one in pages)

    until(suggested, "that two may be one")
    assert holding(stack, person) >= {f"{service} state" for service in SERVICES if service != "metrics"}

    assert stack.call("interactions", "DELETE", f"/customers/{new_customer()}").status == 404
    certified = f"/erasures/{person.id}"
    with stack.frozen("metrics-worker"):  # which is to answer too: until it has, nothing is lifted
        first = erased(stack, person)
        assert first.status == 202, first
        until(lambda: stack.call("interactions", "GET", certified).status == 200, "it begins")
        lifted = stack.call("interactions", "POST", f"{certified}/lift")
        assert (lifted.status, lifted.body["code"]) == (409, "erasure_under_way")
    again = erased(stack, person)
    assert (again.status, again.body["status"]) == (202, "begun")
    assert again.body["location"] == f"/erasures/{again.body['erasure']}"

    def answered() -> Any:
        told = stack.call("interactions", "GET", certified).body
        return told if {one["service"] for one in told.get("services", ())} == {*SERVICES} else None

    told_of = until(answered, "all have answered", SECONDS)
    assert stack.get("interactions", again.body["location"])["erasure"] == told_of["erasure"]
    removed = {one["service"]: one["removed"] for one in told_of["services"]}
    assert removed["interactions"]["timeline"] > 3
    assert removed["loyalty"]["ledger"] > 0
    assert sum(removed["followup"].values()) > 1
    key = stack.get("interactions", "/erasure-key")["public_key"]
    assert told_of["complete"]
    assert [check for check in checks(told_of, key) if check.fault is not None] == []
    changed = copy.deepcopy(told_of)
    changed["entries"][-1]["removed"] = {"timeline": 1}
    assert {"chain", "signature"} <= {check.name for check in checks(changed, key) if check.fault is not None}

    gone(stack, person)
    # A till that was offline, and a shop that knows no better.
    stack.post_events(
        purchase(person.id, 5_000, order=f"late-{person.mark}"),
        event("customer.registered", person.id, {"name": person.name}),
    )
    stack.settle()
    gone(stack, person)
    # The audit trail is written a second after each request.
    until(lambda: not holding(stack, person), "nothing is left")

    lifted = stack.call("interactions", "POST", f"{certified}/lift")
    assert lifted.status in (200, 202), lifted
    stack.settle()
    stack.post_events(event("customer.registered", person.id, {"name": "Somebody Else"}))
    stack.settle()
    assert stack.get("interactions", f"/customers/{person.id}")["profile"]["name"] == "Somebody Else"
    assert stack.call("loyalty", "GET", f"/members/{person.id}").body.get("balance", 0) == 0
