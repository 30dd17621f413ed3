"""What the desk has on its hands: counted from rows, asked of a real store, and shown as gauges."""

import asyncio
import uuid
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.interactions.domain.desk.on_hand import OnHand, on_hand
from services.interactions.domain.routing.rows import AgentRow
from services.interactions.store import InteractionsStore
from services.interactions.telemetry import show
from shared.runtime.settings import Settings
from shared.schemas.times import SECOND, micros

from ..inline_worker import InlineWorker
from ..test_service import NOW, complaint, tell, told
from ..test_teams_api import ANN, wants


def agent(team: str, **more: Any) -> AgentRow:
    fields = {
        "key": uuid.uuid4().hex,
        "agent_id": "ann",
        "team": team,
        "left": False,
        "joined": True,
        "name": "Ann",
        "skills": [],
        "languages": [],
        "total": 3_000,
        "weights": {},
        "load": 1_500,
        "carries": 1,
        "on_shift": True,
        "on_break": False,
        "paused_until": 0,
        "at": 0,
    }
    return AgentRow(**(fields | more))


def test_it_is_counted_by_team_and_state() -> None:
    conversations = [
        {"team": "a", "status": "queued", "since": 10 * SECOND},
        {"team": "a", "status": "queued", "since": 40 * SECOND},
        {"team": "a", "status": "assigned", "since": 1},
        {"team": None, "status": "waiting"},
    ]
    agents = [agent("a"), agent("a", on_break=True), agent("b", on_shift=False)]
    tasks = [{"team": "a", "late": True}, {"team": "a", "late": False}]
    complaints = [{"waiting": True, "overdue": False}, {"waiting": False, "overdue": True}]
    found = on_hand(["c"], conversations, agents, tasks, complaints, 100 * SECOND)
    a = found.teams["a"]
    assert (a.conversations, a.oldest_s) == ({"queued": 2, "assigned": 1}, 90.0)
    assert (a.agents, a.load, a.capacity) == ({"at_work": 1, "on_break": 1}, 1.5, 3.0)
    assert a.tasks == {"open": 2, "overdue": 1}
    assert found.teams["b"].agents == {"off": 1}
    assert found.teams["none"].conversations == {"waiting": 1}
    assert (found.teams["c"].oldest_s, found.teams["c"].capacity) == (0.0, 0.0)
    assert found.complaints == {"open": 2, "waiting": 1, "overdue": 1}


@pytest.fixture(scope="module")
def worker(settings: Settings) -> InlineWorker:
    return InlineWorker(settings, wall=True)


def read(settings: Settings) -> OnHand:
    async def run() -> OnHand:
        async with AsyncMongoClient[dict[str, Any]](settings.mongo, tz_aware=True) as client:
            store = InteractionsStore(client["rapport_interactions"])
            return await store.on_hand(["nowhere"], micros(NOW))

    return asyncio.run(run())


def test_it_is_read_and_shown(api: TestClient, settings: Settings, customer: str) -> None:
    team = f"team-{customer}"
    before = read(settings).complaints
    tell(api, told("agent.changed", team, ANN | {"on_shift": False}))
    for number in range(2):
        wants(api, team, number)
    body = {"team": team, "kind": "call", "text": "x", "due_at": NOW.isoformat()}
    assert api.post("/tasks", json=body).status_code == 201
    complaint(api, customer)
    found = read(settings)
    mine = found.teams[team]
    assert (mine.conversations["queued"], mine.agents, mine.tasks["open"]) == (2, {"off": 1}, 1)
    assert mine.oldest_s == pytest.approx(24 * 3600, abs=120)
    assert found.complaints["open"] - before["open"] == 1
    show(found)
    value = REGISTRY.get_sample_value
    assert value("rapport_desk_conversations", {"team": team, "state": "queued"}) == 2
    assert value("rapport_desk_conversations", {"team": "nowhere", "state": "assigned"}) == 0
    assert value("rapport_desk_oldest_wait_seconds", {"team": team}) == mine.oldest_s
    assert value("rapport_desk_complaints", {"state": "open"}) == found.complaints["open"]
    show(OnHand({}, found.complaints))
    assert value("rapport_desk_conversations", {"team": team, "state": "queued"}) is None
