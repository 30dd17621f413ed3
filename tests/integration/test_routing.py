"""From escalated to assigned, on the running platform: by Kafka alone, and by hand."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, event, new_customer, until

NOW = datetime.now(UTC) - timedelta(hours=1)


def told(kind: str, subject: str, data: dict[str, Any], minutes: float = 0) -> dict[str, Any]:
    return event(kind, subject, data, at=(NOW + timedelta(minutes=minutes)).isoformat())


def agent(agent_id: str, **more: Any) -> dict[str, Any]:
    capacity = {"total": 1, "weights": {"chat": 1}}
    return {
        "agent_id": agent_id,
        "name": agent_id,
        "skills": {"law": 5},
        "capacity": capacity,
        "on_shift": True,
        "on_break": False,
        **more,
    }


def wants(customer: str, team: str, minutes: float) -> list[dict[str, Any]]:
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "help"}
    handed = {"from": "bot", "reason": "angry", "team": team, "skills": ["law"]}
    return [
        told("interaction.logged", customer, said | {"conversation_id": customer}, minutes),
        told("conversation.escalated", customer, handed | {"conversation_id": customer}, minutes + 0.5),
    ]


def assigned(stack: Stack, *customers: str) -> list[tuple[str, str]]:
    keys = {customer.encode() for customer in customers}
    facts = [json.loads(one.value) for one in stack.records("interactions") if one.key in keys]
    mine = [one for one in facts if one["type"] == "rapport.conversation.assigned.v1"]
    distinct = {one["id"]: one for one in mine}
    return sorted((one["subject"], one["data"]["agent_id"]) for one in distinct.values())


def test_from_escalated_to_assigned(stack: Stack) -> None:
    team, ann, bob = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("care", "ann", "bob"))
    first, second, third = (new_customer() for _ in range(3))
    stack.post_events(told("agent.changed", team, agent(ann)), *wants(first, team, 1))
    until(lambda: assigned(stack, first) == [(first, ann)], "the first to be assigned")
    stack.post_events(*wants(second, team, 3))
    until(lambda: stack.call("interactions", "GET", f"/conversations/{second}").status == 200, "the second")
    queued = stack.get("interactions", f"/conversations?team={team}&status=queued")["items"]
    assert [one["conversation_id"] for one in queued] == [second]
    # Room that becomes free is used at once.
    stack.call("interactions", "POST", f"/conversations/{first}/close", {"outcome": "solved"})
    until(lambda: assigned(stack, second) == [(second, ann)], "the second to be assigned")
    # By hand it counts: the next one waits for Bob.
    stack.post_events(*wants(third, f"{team}-2", 5))
    until(lambda: stack.call("interactions", "GET", f"/conversations/{third}").status == 200, "the third")
    by_hand = stack.call("interactions", "POST", f"/conversations/{third}/assign", {"agent_id": ann})
    assert by_hand.body["warnings"] == ["over_capacity"]
    until(lambda: stack.get("interactions", f"/agents/{ann}")["load"] == 2, "what they carry")
    # Who goes home gives back what is owed an answer.
    body = {"team": team, "name": bob, "capacity": {"total": 5, "weights": {"chat": 1}}}
    put = stack.call("interactions", "PUT", f"/agents/{bob}", body | {"on_shift": True, "skills": {"law": 1}})
    assert put.status == 200, put.body
    stack.post_events(told("agent.changed", team, agent(ann, on_shift=False), 9))
    until(lambda: (second, bob) in assigned(stack, second), "the second to be given to Bob")
    assert stack.get("interactions", f"/conversations/{second}")["agent_id"] == bob
