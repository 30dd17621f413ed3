"""A team's tasks and a customer's page with its past, on the running platform."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.stack import Stack, event, new_customer, until

NOW = datetime.now(UTC) - timedelta(days=2)


def told(kind: str, subject: str, data: dict[str, Any], hours: float) -> dict[str, Any]:
    return event(kind, subject, data, at=(NOW + timedelta(hours=hours)).isoformat())


def test_a_teams_tasks(stack: Stack) -> None:
    customer = new_customer()
    team = customer  # they do not meet
    stack.post_events(event("customer.registered", customer, {"name": "Ada"}))
    asked = {"team": team, "kind": "call_back", "text": "Ask how it went.", "customer_id": customer}
    due = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = uuid.uuid4().hex
    first, again = (
        stack.call("interactions", "POST", "/tasks", {**asked, "due_at": due}, key=key) for _ in range(2)
    )
    assert (first.status, again.body) == (201, first.body)
    mine = first.body["task_id"]
    # Of an outside system: it tells the end before the beginning.
    theirs = f"t-{uuid.uuid4().hex}"
    stack.post_events(told("task.done", team, {"task_id": theirs, "outcome": "reached"}, 5))
    stack.post_events(
        told("task.opened", team, {"task_id": theirs, "kind": "call", "text": "Call.", "due_at": due}, 1)
    )
    ended = f"/tasks?team={team}&status=done"
    until(lambda: stack.get("interactions", ended)["items"], "the task that is done")
    (shown,) = stack.get("interactions", f"/tasks?team={team}")["items"]
    assert (shown["task_id"], shown["overdue"], shown["customer_id"]) == (mine, False, customer)
    done = stack.call("interactions", "POST", f"/tasks/{mine}/done", {"outcome": "All is well."})
    assert (done.status, done.body) == (200, {"task_id": mine, "status": "done"})
    found = stack.pages("interactions", f"{ended}&limit=1")
    assert [(task["task_id"], task["outcome"]) for task in found] == [
        (mine, "All is well."),
        (theirs, "reached"),
    ]
    until(lambda: stack.timeline(customer), "the customer's timeline")
    assert [row["type"] for row in stack.timeline(customer)] == ["rapport.customer.registered.v1"]
    facts = [record for record in stack.records("teams") if record.key == team.encode()]
    assert len(facts) == 4


def test_a_bad_review_is_answered_in_public(stack: Stack) -> None:
    customer = new_customer()
    bad = event("review.posted", customer, {"sku": "mug", "rating": 1, "text": "It broke."})
    # A webhook that tells it twice, under the same event id and under another.
    stack.post_events(bad, bad, bad | {"id": uuid.uuid4().hex})
    asked = f"/tasks?customer_id={customer}&kind=public_answer"
    (task,) = until(lambda: stack.get("interactions", asked)["items"], "the task")
    assert (task["text"], task["overdue"]) == ("mug, 1/5: It broke.", False)
    body = {"outcome": "A new one is on its way.", "agent_id": "ann"}
    path = f"/tasks/{task['task_id']}/done?team={task['team']}"
    key = uuid.uuid4().hex
    answers = [stack.call("interactions", "POST", path, body, key=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]

    def contacts() -> list[Any]:
        rows = stack.timeline(customer)
        return [row["data"] for row in rows if row["type"] == "rapport.interaction.logged.v1"]

    (contact,) = until(contacts, "the answer among the contacts")
    assert (contact["kind"], contact["agent_id"], contact["text"]) == (
        "review_answer",
        "ann",
        body["outcome"],
    )
    assert stack.get("interactions", asked)["items"] == []


def test_a_customer_as_they_were(stack: Stack) -> None:
    customer = new_customer()
    consent = {"purpose": "marketing", "channel": "email", "granted": True}
    piece = {"product_id": "p-1", "sku": "kettle", "purchased_at": NOW.isoformat()}
    stack.post_events(
        told("customer.registered", customer, {"name": "Ada", "email": f"{customer}@example.test"}, 0),
        told("consent.changed", customer, consent, 1),
        told("consent.changed", customer, consent | {"granted": False}, 3),
        told("customer.updated", customer, {"name": "Ada King"}, 4),
        told("product.registered", customer, piece, 5),
    )

    def then(path: str, hours: float) -> Any:
        at = quote((NOW + timedelta(hours=hours)).isoformat())
        return stack.get("interactions", f"/customers/{customer}{path}?at={at}")

    def known() -> bool:
        page = stack.call("interactions", "GET", f"/customers/{customer}").body
        return bool(page.get("products")) and page["profile"].get("name") == "Ada King"

    until(known, "all that was told")
    assert then("", 2)["profile"]["name"] == "Ada"
    assert [c["granted"] for c in then("", 2)["consents"]] == [True]
    assert [c["granted"] for c in then("/consents", 3)["items"]] == [False]
    assert then("", 4)["profile"]["name"] == "Ada King"
    assert then("", -1)["profile"] == {}
    # What followup sends next.
    later = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    asked: dict[str, Any] = {"customer_id": customer, "template": "note", "at": later}
    asked["variables"] = {"subject": "Hello", "message": "How is the kettle?"}
    answer = until(lambda: _accepted(stack, asked), "followup knows the address")
    (planned,) = until(
        lambda: stack.get("interactions", f"/customers/{customer}")["planned"], "what is planned next"
    )
    assert (planned["outreach_id"], planned["channel"]) == (answer["outreach_id"], "email")
    assert abs(datetime.fromisoformat(planned["due_at"]) - datetime.fromisoformat(later)) < timedelta(
        seconds=1
    )


def _accepted(stack: Stack, asked: dict[str, Any]) -> Any:
    answer = stack.call("followup", "POST", "/outreach", asked, key=uuid.uuid4().hex)
    return answer.body if answer.status == 201 else None
