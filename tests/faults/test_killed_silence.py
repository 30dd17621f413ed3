"""kill -9 while bots go on in conversations that people have, and while what was snoozed comes back."""

import random
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.commands.clock import advance_clock
from shared.kafka.brokers import Brokers
from shared.schemas.commands.conversations import ConversationMessageRequested, ConversationSnoozeRequested
from shared.schemas.commands.followup import ReplyRequested
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event

pytestmark = pytest.mark.faults

CUSTOMERS = 200
OWN = "/rapport/interactions"
RESTS = timedelta(minutes=30)
POINT = "after_timer_transaction:1"
"""Written, and not yet published."""


def facts(customer: str, at: datetime) -> list[dict[str, Any]]:
    """The customer writes to a bot, which gives up after two minutes and goes on elsewhere all the same."""
    talk = {"channel": "chat", "kind": "message", "summary": "hello", "conversation_id": f"c-{customer}"}
    bot = {**talk, "direction": "outbound", "author": "bot"}
    handed = {"conversation_id": f"c-{customer}", "from": "bot", "reason": "angry"}
    taken = {"conversation_id": f"c-{customer}", "agent_id": "a-1"}
    told = [
        (0, "interaction.logged", {**talk, "direction": "inbound"}),
        (2, "conversation.escalated", handed),
        (3, "interaction.logged", bot),
        (5, "conversation.assigned", taken),
        (6, "interaction.logged", bot),
    ]
    return [
        event(kind, customer, f"{customer}-{n}", (at + timedelta(minutes=minute)).isoformat(), data)
        for n, (minute, kind, data) in enumerate(told)
    ]


def commands(customer: str, at: datetime) -> list[dict[str, Any]]:
    """A bot writes before it gives up, and twice after; the agent lets it rest."""
    said = {"conversation_id": f"c-{customer}", "text": "Off and on?", "author": "bot", "channel": "chat"}
    rest = {"conversation_id": f"c-{customer}", "until": (at + RESTS).isoformat()}
    message, snooze = ConversationMessageRequested.event_type, ConversationSnoozeRequested.event_type
    asked = [(1, message, said), (4, message, said), (7, snooze, rest), (8, message, said)]
    return [
        command(type, customer, n, at + timedelta(minutes=minute), data)
        for n, (minute, type, data) in enumerate(asked)
    ]


def command(type: str, customer: str, n: int, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    told = event("x", customer, f"{customer}-asked-{n}", at.isoformat(), data)
    return told | {"type": type, "source": "/api/interactions/faults/conversations"}


def test_no_bot_speaks_where_people_are_and_each_rest_ends_once(
    platform: Platform, worker: WorkerStarter
) -> None:
    rng, run = random.Random(13), uuid.uuid4().hex[:8]
    customers = [f"b{run}-{n}" for n in range(CUSTOMERS)]
    # Later than where the clock of other tests stands: a rest must end by it, not be over at once.
    begun = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=4)
    # All is in the log before anybody reads it: then the stream clock takes it in the order of its times.
    for topic, told in (("interactions", facts), ("commands", commands)):
        for step in zip(*(told(one, begun) for one in customers), strict=True):
            platform.send(topic, step)
    for _ in range(4):
        running = worker("interactions", clock="stream")
        running.wait_ready()
        threading.Event().wait(rng.uniform(0.05, 0.4))  # any moment will do: that is the point
        running.kill()
    running = worker("interactions", clock="stream")
    running.wait_ready()
    platform.wait_caught_up("interactions")
    running.kill()
    armed = worker("interactions", clock="stream", fault=POINT)
    armed.wait_ready()
    advance_clock(Brokers(platform.env["RAPPORT_KAFKA"]), begun + RESTS)
    armed.wait_killed()
    worker("interactions", clock="stream").wait_ready()
    platform.wait_caught_up("interactions")
    rows = platform.database("interactions")["conversations"]
    mine = {"customer": {"$in": customers}}
    platform.wait(lambda: rows.count_documents({**mine, "snoozed": True}) == 0, 60, "every rest has ended")
    check(platform, customers)


def check(platform: Platform, customers: list[str]) -> None:
    for row in platform.database("interactions")["conversations"].find({"customer": {"$in": customers}}):
        assert (row["status"], row["agent_id"]) == ("assigned", "a-1")
    written = platform.told("interactions", customers)
    asked = platform.told("commands", customers)
    for customer in customers:
        own = [e for e in written[customer].values() if e["source"] == OWN]
        kinds = sorted(e["type"].split(".")[1] + "." + e["type"].split(".")[2] for e in own)
        assert kinds == ["conversation.snoozed", "interaction.logged"]  # what the bot wrote while it had it
        sent = [e for e in asked[customer].values() if e["type"] == ReplyRequested.event_type]
        assert len(sent) == 1
    refused = platform.database("interactions")["journal"].count_documents(
        {"subject": {"$in": customers}, "outcome.body.code": "bot_silenced"}
    )
    assert refused == 2 * len(customers)
