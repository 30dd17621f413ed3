"""A team as its lead sees it, over HTTP, on a real store."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from .test_service import NOW, tell, told

ANN = {
    "agent_id": "ann",
    "name": "Ann",
    "skills": {"refunds": 5},
    "capacity": {"total": 1, "weights": {"chat": 1}},
    "on_shift": True,
    "on_break": False,
}


@pytest.fixture
def team() -> str:
    return f"team-{uuid.uuid4().hex[:8]}"


def wants(api: TestClient, team: str, number: int, **fields: Any) -> None:
    customer = f"cust-{team}-{number}"
    talk = {"channel": "chat", "kind": "message", "summary": "x", "conversation_id": f"c-{number}"}
    tell(api, told("interaction.logged", customer, {**talk, "direction": "inbound"}, number))
    said = {"conversation_id": f"c-{number}", "from": "bot", "reason": "x", "team": team}
    tell(api, told("conversation.escalated", customer, said | fields, number))


def test_what_waits_and_what_nobody_can_take(api: TestClient, team: str) -> None:
    tell(api, told("agent.changed", team, ANN | {"on_shift": False}))
    for number in range(3):
        wants(api, team, number)
    wants(api, team, 3, skills=["law"], priority="high")
    shown = api.get(f"/teams/{team}").json()
    assert (shown["team"], shown["name"], shown["waiting"]) == (team, None, 4)
    assert [(one["priority"], one["waiting"]) for one in shown["queues"]] == [("high", 1), ("normal", 3)]
    assert [(one["conversation_id"], one["missing"]) for one in shown["stuck"]] == [("c-3", ["law"])]
    assert [(one["name"], one["presence"], one["load"]) for one in shown["agents"]] == [("Ann", "off", 0)]


def test_the_people_that_hours_call_for(api: TestClient, team: str) -> None:
    for number in range(2):
        wants(api, team, number)
    staffing = api.get(f"/teams/{team}").json()["staffing"]
    assert (staffing["method"], staffing["service_level"], staffing["within_s"]) == ("Erlang C", 0.8, 300)
    hours = staffing["hours"]
    assert sum(one["arrivals"] for one in hours) == 2
    yesterday = (NOW - timedelta(days=1)).weekday()
    assert hours[0]["weekday"] in (yesterday, (yesterday + 1) % 7)
    assert all(one["scheduled"] > one["agents"] > one["load"] for one in hours)


def test_of_a_team_never_heard_of_it_is_empty(api: TestClient, team: str) -> None:
    shown = api.get(f"/teams/{team}").json()
    assert (shown["waiting"], shown["agents"], shown["staffing"]["hours"]) == (0, [], [])
