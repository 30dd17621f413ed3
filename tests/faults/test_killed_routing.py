"""kill -9 while conversations find their agents: each is assigned once, and nobody ever has more than they
can carry."""

import random
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event

pytestmark = pytest.mark.faults

AGENTS, TOTAL, CUSTOMERS = 4, 2, 40
POINTS = ("after_transaction:2", "after_publish:2")
ASSIGNED, CLOSED = "rapport.conversation.assigned.v1", "rapport.conversation.closed.v1"


def now() -> str:
    return datetime.now(UTC).isoformat()


def agents(team: str) -> list[dict[str, Any]]:
    return [
        event(
            "agent.changed",
            team,
            f"{team}-{n}",
            now(),
            {
                "agent_id": f"{team}-{n}",
                "name": "Ann",
                "capacity": {"total": TOTAL, "weights": {"chat": 1}},
                "on_shift": True,
                "on_break": False,
            },
        )
        for n in range(AGENTS)
    ]


def wants(customer: str, team: str) -> list[dict[str, Any]]:
    said = {"channel": "chat", "direction": "inbound", "kind": "message", "summary": "help"}
    handed = {"from": "bot", "reason": "angry", "team": team, "conversation_id": customer}
    logged = event(
        "interaction.logged", customer, f"{customer}-1", now(), {**said, "conversation_id": customer}
    )
    return [logged, event("conversation.escalated", customer, f"{customer}-2", now(), handed)]


def close(customer: str) -> dict[str, Any]:
    data = {"conversation_id": customer, "outcome": "solved"}
    return event("conversation.closed", customer, f"{customer}-3", now(), data)


def happened(platform: Platform, customers: list[str]) -> list[tuple[str, str, str, str]]:
    """When, what, whose, and the agent: the assignments and the ends, by time."""
    told = platform.told("interactions", customers)
    events = [e for mine in told.values() for e in mine.values() if e["type"] in (ASSIGNED, CLOSED)]
    return sorted((e["time"], e["type"], e["subject"], e["data"].get("agent_id", "")) for e in events)


def most_at_once(course: list[tuple[str, str, str, str]]) -> Counter[str]:
    """By agent, the most conversations that they had at a time."""
    holder, load, most = dict[str, str](), Counter[str](), Counter[str]()
    for _, kind, customer, agent in course:
        if kind == CLOSED:
            load[holder[customer]] -= 1
        else:
            holder[customer] = agent
            load[agent] += 1
            most[agent] = max(most[agent], load[agent])
    return most


def test_capacity_holds_whenever_the_worker_is_killed(platform: Platform, worker: WorkerStarter) -> None:
    rng, run = random.Random(44), uuid.uuid4().hex[:8]
    team, customers = f"t{run}", [f"s{run}-{n}" for n in range(CUSTOMERS)]
    platform.send("teams", agents(team))
    platform.send("interactions", [e for customer in customers for e in wants(customer, team)])
    closed = set[str]()

    def go_on() -> bool:
        """Whoever has one is done with it; True when all are over."""
        had = [customer for _, kind, customer, _ in happened(platform, customers) if kind == ASSIGNED]
        platform.send("interactions", [close(customer) for customer in had if customer not in closed])
        closed.update(had)
        return len(closed) == CUSTOMERS

    for point in POINTS:
        armed = worker("interactions", fault=point)
        armed.wait_killed()
        go_on()
    for _ in range(3):
        running = worker("interactions")
        running.wait_ready()
        go_on()
        threading.Event().wait(rng.uniform(0.05, 0.6))  # any moment will do: that is the point
        running.kill()
    worker("interactions").wait_ready()
    platform.wait(go_on, 90, "all are assigned and over")
    platform.wait_caught_up("interactions")
    course = happened(platform, customers)
    assert Counter(kind for _, kind, _, _ in course) == {ASSIGNED: CUSTOMERS, CLOSED: CUSTOMERS}
    most = most_at_once(course)
    assert set(most) == {f"{team}-{n}" for n in range(AGENTS)}
    assert max(most.values()) <= TOTAL
    rows = list(platform.database("interactions")["agents"].find({"team": team}))
    assert [(row["load"], row["carries"]) for row in rows] == [(0, 0)] * AGENTS
