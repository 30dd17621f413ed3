"""Agents and their conversations over HTTP, on a real store."""

import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

from .inline_worker import InlineWorker
from .test_conversation_routes import Talk


@pytest.fixture
def team() -> str:
    return f"team-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def talk(api: TestClient, worker: InlineWorker, customer: str) -> Talk:
    return Talk(api, worker, customer)


def put(api: TestClient, agent_id: str, team: str, key: str | None = None, **more: Any) -> Any:
    body = {
        "team": team,
        "name": agent_id,
        "capacity": {"total": 1, "weights": {"chat": 1}},
        "on_shift": True,
        **more,
    }
    return api.put(f"/agents/{agent_id}", json=body, headers={} if key is None else {"Idempotency-Key": key})


def escalated(talk: Talk, id: str, team: str, minutes: float = 0, **more: Any) -> None:
    talk.writes("help", minutes, channel="chat", conversation_id=id)
    said = {"from": "bot", "reason": "angry", "team": team, **more}
    talk.tell("conversation.escalated", minutes + 1, conversation_id=id, **said)


def test_an_agent_and_what_they_carry(api: TestClient, talk: Talk, team: str) -> None:
    ann = f"ann-{team}"
    assert api.get(f"/agents/{ann}").json()["code"] == "unknown_agent"
    told = put(api, ann, team, key=f"k-{team}", skills={"a.b$": 7}, languages=["en"])
    assert told.status_code == 200, told.text
    again = put(api, ann, team, key=f"k-{team}", skills={"a.b$": 7}, languages=["en"])
    assert again.json() == told.json()
    one = api.get(f"/agents/{ann}").json()
    assert (one["team"], one["skills"], one["available"], one["load"]) == (team, {"a.b$": 7}, True, 0)
    escalated(talk, f"one-{team}", team, skills=["a.b$"], language="en-GB")
    escalated(talk, f"two-{team}", team, 2)
    one = api.get(f"/agents/{ann}").json()
    assert (one["load"], one["conversations"], one["capacity"]["total"]) == (1, 1, 1)
    assert [held["conversation_id"] for held in one["held"]] == [f"one-{team}"]
    (queued,) = api.get("/conversations", params={"team": team, "status": "queued"}).json()["items"]
    assert (queued["conversation_id"], queued["waiting_since"] is not None) == (f"two-{team}", True)
    assert (talk.get(f"one-{team}")["waits_for"], talk.get(f"two-{team}")["waits_for"]) == (None, "room")
    (mine,) = api.get("/conversations", params={"agent": ann, "status": "assigned"}).json()["items"]
    assert mine["conversation_id"] == f"one-{team}"
    assert talk.post(f"one-{team}", "close").status_code == 200
    (mine,) = api.get(f"/agents/{ann}").json()["held"]
    assert mine["conversation_id"] == f"two-{team}"
    assert [agent["agent_id"] for agent in api.get("/agents", params={"team": team}).json()["items"]] == [ann]


def test_who_changes_teams_has_one(api: TestClient, talk: Talk, team: str) -> None:
    ann, other = f"ann-{team}", f"{team}-2"
    put(api, ann, team)
    escalated(talk, f"one-{team}", team)
    put(api, ann, other)
    assert api.get("/agents", params={"team": team}).json()["code"] == "unknown_team"
    one = api.get(f"/agents/{ann}").json()
    assert (one["team"], one["load"]) == (other, 1)
    escalated(talk, f"two-{team}", other, 5)
    assert api.get("/conversations", params={"agent": ann}).json()["items"][0]["conversation_id"] == (
        f"one-{team}"
    )
    talk.post(f"one-{team}", "close")
    assert talk.get(f"two-{team}")["agent_id"] == ann


@pytest.mark.parametrize(
    ("more", "warnings"),
    [
        ({}, []),
        ({"on_shift": False}, ["off_shift"]),
        ({"on_break": True}, ["on_break"]),
        ({"capacity": {"total": 0, "weights": {"chat": 1}}}, ["over_capacity"]),
        ({"capacity": {"total": 5}}, ["channel_not_taken"]),
        ({"languages": ["fr"]}, ["lacks_language:de"]),
        ({"skills": {"tax": 3}}, ["lacks_skill:law"]),
    ],
)
def test_by_hand_all_is_possible_and_said(
    api: TestClient, talk: Talk, team: str, more: dict[str, Any], warnings: list[str]
) -> None:
    ann = f"ann-{team}"
    put(api, ann, team, **{"skills": {"law": 1}, "languages": ["de"], **more})
    escalated(talk, f"one-{team}", f"{team}-2", skills=["law"], language="de")
    answer = talk.post(f"one-{team}", "assign", agent_id=ann, key=f"k-{team}")
    assert answer.status_code == 200
    assert (answer.json()["agent_id"], answer.json()["warnings"]) == (ann, warnings)
    # A retry has the same answer, though they carry it by now.
    assert talk.post(f"one-{team}", "assign", agent_id=ann, key=f"k-{team}").json() == answer.json()
    assert api.get(f"/agents/{ann}").json()["conversations"] == 1


@pytest.mark.parametrize(
    "more",
    [
        {"capacity": {"total": -1}},
        {"capacity": {"total": 1, "weights": {"fax": 1}}},
        {"skills": {"law": 11}},
        {"skills": {"law": 0}},
        {"team": "two words"},
        {"name": ""},
        {"shift": True},
    ],
)
def test_bodies_that_are_not_valid(api: TestClient, team: str, more: dict[str, Any]) -> None:
    answer = put(api, "ann", **{"team": team, **more})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_team_that_nobody_is_in(api: TestClient, team: str) -> None:
    answer = api.get("/agents", params={"team": team})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_team")
    assert api.get("/agents", params={"team": "service"}).status_code == 200
