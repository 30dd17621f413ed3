"""A team on the running platform: what its people learn, whom customers thank, and what its lead sees."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack, event, new_customer, until

NOW = datetime.now(UTC)


def told(kind: str, subject: str, data: dict[str, Any], minutes_ago: float) -> dict[str, Any]:
    return event(kind, subject, data, at=(NOW - timedelta(minutes=minutes_ago)).isoformat())


def test_an_agent_learns_is_thanked_and_is_seen_by_their_lead(stack: Stack) -> None:
    customer, team, agent = new_customer(), f"team-{uuid.uuid4().hex[:8]}", f"ann-{uuid.uuid4().hex[:8]}"
    ann, bob = stack.caller("desk", name=agent), stack.caller("desk", "events:write", name="bob")
    capacity = {"total": 2, "weights": {"chat": 1}}
    here = {"agent_id": agent, "name": "Ann", "capacity": capacity, "on_shift": True, "on_break": False}
    talk = {"channel": "chat", "kind": "message", "summary": "Hello?", "conversation_id": f"c-{customer}"}
    stack.post_events(
        told("agent.changed", team, here, 60),
        told("interaction.logged", customer, {**talk, "direction": "inbound"}, 50),
        told(
            "conversation.escalated",
            customer,
            {"conversation_id": f"c-{customer}", "from": "bot", "reason": "angry", "team": team},
            49,
        ),
    )

    def carrying() -> Any:
        shown = stack.get("interactions", f"/teams/{team}")
        return shown if shown["agents"] and shown["agents"][0]["conversations"] else None

    shown = until(carrying, "Ann has it")
    assert [(one["name"], one["load"], one["total"]) for one in shown["agents"]] == [("Ann", 1, 2)]
    assert sum(one["arrivals"] for one in shown["staffing"]["hours"]) in (
        0,
        1,
    )  # the hour may have just begun

    # Praise finds its way to the wall by itself.
    reply = stack.call(
        "interactions",
        "POST",
        f"/conversations/c-{customer}/messages",
        {
            "text": "Here I am.",
            "agent_id": agent,
        },
    )
    assert reply.status == 201
    about = {"kind": "conversation", "id": f"c-{customer}"}
    praise = {"survey": "nps", "score": 10, "comment": "Ann was lovely", "about": about}
    stack.post_events(event("survey.answered", customer, praise))
    wall = f"/stories?team={team}"
    until(lambda: stack.get("interactions", wall)["items"], "the customer's words")
    thanks = {"team": team, "agent_id": agent, "text": "took my shift", "told_by": "bob"}
    key = uuid.uuid4().hex
    for _ in range(2):
        asked = stack.call("interactions", "POST", "/stories", thanks, key=key, headers=bob)
        assert asked.status == 201
    found = stack.get("interactions", wall)["items"]
    assert {(one["text"], one["agent_id"]) for one in found} == {
        ("Ann was lovely", agent),
        ("took my shift", agent),
    }
    assert len(found) == 2

    # What she learnt must be refreshed soon; what her trainer says is for her alone.
    learnt = {
        "team": team,
        "training": "listening",
        "refresh_by": (NOW + timedelta(days=3)).isoformat(),
        "feedback": f"let them finish {customer}",
    }
    path = f"/agents/{agent}"
    asked = stack.call("interactions", "POST", f"{path}/trainings/pass", learnt, headers=bob)
    assert (asked.status, asked.body["status"]) == (201, "passed")
    (task,) = until(lambda: stack.get("interactions", f"/tasks?team={team}")["items"], "the reminder")
    assert (task["kind"], task["text"]) == ("refresher", f"{agent}: listening")
    record = stack.get("interactions", f"{path}/record")
    assert [(one["badge"], one["fresh"]) for one in record["badges"]] == [("Good listener", True)]
    mine = stack.call("interactions", "GET", f"{path}/feedback", headers=ann)
    assert [one["text"] for one in mine.body["items"]] == [learnt["feedback"]]
    assert stack.call("interactions", "GET", f"{path}/feedback", headers=bob).status == 403
    words = b"let them finish"
    assert not any(words in (record.value or b"") for record in stack.records("commands"))
    month = stack.call("interactions", "GET", f"{path}/figures", headers=ann).body["periods"][2]
    assert (month["conversations"], month["first_responses"], month["csat_answers"]) == (1, 1, 0)
