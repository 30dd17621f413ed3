"""What agents learn and are thanked for, over HTTP, on a real store."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from shared.runtime.settings import Settings

from .conftest import KEY
from .inline_worker import InlineWorker
from .test_service import tell, told

KEYS = {"ann": ["desk"], "bob": ["desk"], "tim": ["customers:read"]}


@pytest.fixture(scope="module")
def settings(mongo: str) -> Settings:
    keys = {
        name: {"key_sha256": hashlib.sha256(f"key of {name}".encode()).hexdigest(), "scopes": scopes}
        for name, scopes in KEYS.items()
    }
    given = {"kafka": "nowhere:1", "mongo": mongo, "secret_key": "0123456789abcdef", "api_key": KEY}
    return Settings.model_validate(given | {"api_keys": keys})


@pytest.fixture
def team() -> str:
    return f"team-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def agent() -> str:
    return f"agent-{uuid.uuid4().hex[:8]}"


def as_(name: str) -> dict[str, str]:
    return {"X-API-Key": f"key of {name}"}


def soon(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_training_from_booked_to_a_badge(api: TestClient, team: str, agent: str) -> None:
    body = {"team": team, "training": "fit", "kind": "role_play"}
    answer = api.post(f"/agents/{agent}/trainings/book", json=body)
    assert (answer.status_code, answer.json()["status"]) == (201, "booked")
    shown = api.get(f"/agents/{agent}/record").json()
    assert [(t["training"], t["kind"], t["status"]) for t in shown["trainings"]] == [
        ("fit", "role_play", "booked")
    ]
    assert shown["badges"] == []
    answer = api.post(f"/agents/{agent}/trainings/pass", json=body | {"refresh_by": soon(3)})
    assert (answer.status_code, answer.json()["status"]) == (201, "passed")
    shown = api.get(f"/agents/{agent}/record").json()
    (training,) = shown["trainings"]
    assert (training["status"], training["booked_at"]) == ("due", None)
    assert [(badge["badge"], badge["fresh"]) for badge in shown["badges"]] == [("fit", True)]


def test_of_one_who_is_not_known_it_is_empty(api: TestClient, agent: str) -> None:
    shown = api.get(f"/agents/{agent}/record").json()
    assert shown == {"agent_id": agent, "skills": [], "trainings": [], "badges": []}


def test_facts_from_outside_of_two_teams_are_one_record(api: TestClient, team: str, agent: str) -> None:
    for whose, minute in ((team, 0), (f"{team}-2", 60)):
        tell(api, told("training.passed", whose, {"agent_id": agent, "training": "fit"}, minute))
    shown = api.get(f"/agents/{agent}/record").json()
    assert len(shown["trainings"]) == len(shown["badges"]) == 1
    assert shown["badges"][0]["at"] < shown["trainings"][0]["passed_at"]


def test_feedback_is_for_the_agent_alone(
    api: TestClient, mongo: str, team: str, worker: InlineWorker
) -> None:
    words = f"you interrupt {uuid.uuid4().hex}"
    body = {"team": team, "training": "fit", "feedback": words}
    headers = as_("bob") | {"Idempotency-Key": f"k-{team}"}
    for _ in range(2):
        assert api.post("/agents/ann/trainings/pass", json=body, headers=headers).status_code == 201
    (shown,) = api.get("/agents/ann/feedback", headers=as_("ann")).json()["items"]
    assert (shown["training"], shown["text"]) == ("fit", words)
    for somebody in (as_("bob"), {}):
        answer = api.get("/agents/ann/feedback", headers=somebody)
        assert (answer.status_code, answer.json()["code"]) == (403, "own_alone")
    assert api.get("/agents/ann/feedback", headers=as_("tim")).json()["code"] == "forbidden"
    # Neither what is published nor what is stored has the words.
    assert words not in repr(worker.emitted)
    with MongoClient[dict[str, Any]](mongo) as client:
        database = client["rapport_interactions"]
        for name in database.list_collection_names():
            assert words not in repr(list(database[name].find())), name


def test_figures_are_for_the_agent_and_for_who_may_read_metrics(
    api: TestClient, customer: str, team: str, agent: str
) -> None:
    talk = {"channel": "chat", "kind": "message", "summary": "x", "conversation_id": f"c-{customer}"}
    tell(api, told("interaction.logged", customer, {**talk, "direction": "inbound"}, 0))
    wrote = {**talk, "direction": "outbound", "author": "agent", "agent_id": "ann"}
    tell(api, told("interaction.logged", customer, wrote, 4))
    answer = {"survey": "csat", "score": 5, "about": {"kind": "conversation", "id": f"c-{customer}"}}
    tell(api, told("survey.answered", customer, answer, 9))
    shown = api.get("/agents/ann/figures", headers=as_("ann")).json()
    assert shown == api.get("/agents/ann/figures").json()
    month = shown["periods"][2]
    assert (month["period"], month["conversations"], month["first_response_p50_s"]) == ("28d", 1, 240)
    assert (month["csat_answers"], month["csat"], month["resolved"]) == (1, 1, 0)
    refused = api.get("/agents/ann/figures", headers=as_("bob"))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    nobody = api.get(f"/agents/{agent}/figures").json()
    assert [one["conversations"] for one in nobody["periods"]] == [0, 0, 0]


def test_the_wall(api: TestClient, team: str, agent: str) -> None:
    body = {"team": team, "agent_id": agent, "text": "took <b>my</b> shift", "told_by": "bob"}
    answer = api.post("/stories", json=body)
    assert (answer.status_code, answer.json()) == (201, {"agent_id": agent, "team": team})
    tell(api, told("story.told", team, {"agent_id": agent, "text": "found my shoes", "customer_id": "c-7"}))
    seen, cursor = [], None
    while True:
        query = {"team": team, "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = api.get("/stories", params=query).json()
        seen += page["items"]
        if (cursor := page["cursor"]) is None:
            break
    assert [(s["text"], s["told_by"], s["customer_id"]) for s in seen] == [
        ("took <b>my</b> shift", "bob", None),
        ("found my shoes", None, "c-7"),
    ]
    assert api.get("/stories", params={"agent_id": agent}).json()["items"] == seen
    assert len({s["id"] for s in seen}) == 2
    assert [s for s in api.get("/stories").json()["items"] if s["team"] == team] == seen


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/stories", {"team": "x", "agent_id": "ann", "text": "I am great", "told_by": "ann"}),
        ("/stories", {"team": "x", "agent_id": "ann", "text": ""}),
        ("/agents/ann/trainings/book", {"team": "x"}),
        ("/agents/ann/trainings/book", {"team": "x", "training": "fit", "kind": "magic"}),
        ("/agents/ann/trainings/book", {"team": "x", "training": "fit", "feedback": "before it was passed"}),
        ("/agents/a%20nn/trainings/pass", {"team": "x", "training": "fit"}),
    ],
)
def test_bodies_that_are_not_valid(api: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_only_at_the_desk(api: TestClient) -> None:
    for path in ("/stories", "/agents/ann/record", "/agents/ann/feedback"):
        answer = api.get(path, headers=as_("tim"))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_team_need_not_be_named_of_an_agent_who_is_known(api: TestClient, team: str, agent: str) -> None:
    body = {"agent_id": agent, "text": "took my shift"}
    answer = api.post("/stories", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_agent")
    here = {
        "name": "Ann",
        "capacity": {"total": 1},
        "on_shift": True,
        "on_break": False,
        "skills": {"fit": 7},
    }
    tell(api, told("agent.changed", team, here | {"agent_id": agent}))
    assert api.post("/stories", json=body).json() == {"agent_id": agent, "team": team}
    taken = api.post(f"/agents/{agent}/trainings/book", json={"training": "fit"}).json()
    assert (taken["team"], taken["status"]) == (team, "booked")
    tell(api, told("training.passed", team, {"agent_id": agent, "training": "fit", "refresh_by": soon(-1)}))
    (skill,) = api.get(f"/agents/{agent}/record").json()["skills"]
    assert (skill["skill"], skill["level"], skill["fresh"]) == ("fit", 7, False)
