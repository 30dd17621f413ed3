"""kill -9 while hundreds of complaints are warned about, breached and escalated at once: each once told."""

import random
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.commands.clock import advance_clock
from shared.kafka.brokers import Brokers
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event

pytestmark = pytest.mark.faults

CUSTOMERS, EACH = 150, 3
OWN = "/rapport/interactions"
STEPS = (timedelta(minutes=31), timedelta(minutes=61), timedelta(minutes=181))
"""After the opening, by the policy that ships: warned; breached and escalated; escalated once more."""
POINT = "after_timer_transaction:1"
"""Written, and not yet published."""


def openings(customers: list[str], at: datetime) -> list[dict[str, Any]]:
    return [
        event(
            "complaint.opened",
            customer,
            f"{customer}-{n}",
            at.isoformat(),
            {
                "complaint_id": f"{customer}-{n}",
                "channel": "email",
                "category": "delivery",
                "severity": "critical",
                "description": "It is late.",
            },
        )
        for customer in customers
        for n in range(EACH)
    ]


def answers(customers: list[str], at: datetime) -> list[dict[str, Any]]:
    """Of each customer's first complaint, in time."""
    return [
        event(
            "complaint.acknowledged",
            customer,
            f"{customer}-ack",
            at.isoformat(),
            {"complaint_id": f"{customer}-0"},
        )
        for customer in customers
    ]


def test_each_warning_and_breach_is_told_once_whenever_the_worker_is_killed(
    platform: Platform, worker: WorkerStarter
) -> None:
    rng, run = random.Random(29), uuid.uuid4().hex[:8]
    customers = [f"s{run}-{n}" for n in range(CUSTOMERS)]
    opened = datetime.now(UTC)
    running = worker("interactions", clock="stream")
    running.wait_ready()
    platform.send("complaints", openings(customers, opened))
    platform.send("complaints", answers(customers, opened + timedelta(minutes=20)))
    platform.wait_caught_up("interactions")
    running.kill()
    for step in STEPS:
        armed = worker("interactions", clock="stream", fault=POINT)
        armed.wait_ready()
        advance_clock(Brokers(platform.env["RAPPORT_KAFKA"]), opened + step)
        armed.wait_killed()
        for _ in range(2):
            running = worker("interactions", clock="stream")
            running.wait_ready()
            threading.Event().wait(rng.uniform(0.05, 0.6))  # any moment will do: that is the point
            running.kill()
    worker("interactions", clock="stream").wait_ready()
    platform.wait_caught_up("interactions")
    platform.wait(lambda: due_by(platform, customers, opened + STEPS[-1]) == 0, 60, "no timer is due")
    check(platform, customers, opened)


def due_by(platform: Platform, customers: list[str], until: datetime) -> int:
    timers = platform.database("interactions")["timers"]
    count: int = timers.count_documents({"subject": {"$in": customers}, "due_at": {"$lte": until}})
    return count


def check(platform: Platform, customers: list[str], opened: datetime) -> None:
    breached = [
        ("sla_warned", timedelta(minutes=30)),
        ("sla_breached", timedelta(hours=1)),
        ("escalated", timedelta(hours=1)),
        ("escalated", timedelta(hours=3)),
    ]
    answered = [("sla_met", timedelta(minutes=20))]
    expected: Counter[tuple[str, str, datetime]] = Counter()
    for customer in customers:
        for n in range(EACH):
            told = answered if n == 0 else breached
            expected.update((f"{customer}-{n}", kind, opened + after) for kind, after in told)
    on_the_topic = platform.told("complaints", customers)  # distinct ids; the same id twice is the same event
    told_of = [e for events in on_the_topic.values() for e in events.values() if e["source"] == OWN]
    assert Counter(map(key_of, told_of)) == expected
    rows = platform.database("interactions")["timeline"].find({"customer": {"$in": customers}, "source": OWN})
    assert Counter(row["type"].split(".")[2] for row in rows) == Counter(
        kind for _, kind, _ in expected.elements()
    )
    overdue = platform.database("interactions")["complaints"].find({"customer": {"$in": customers}})
    assert {row["complaint_id"].rpartition("-")[2] for row in overdue if row["overdue"]} == {"1", "2"}


def key_of(e: dict[str, Any]) -> tuple[str, str, datetime]:
    return e["data"]["complaint_id"], e["type"].split(".")[2], datetime.fromisoformat(e["time"])
