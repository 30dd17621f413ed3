"""kill -9 of a worker in the middle of a drain, against a real SMTP server: marketing arrives at most
once, service at least once, no more is in doubt than was under way, and the books balance."""

import asyncio
import email
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from rapport.embedded import ports
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event

pytestmark = pytest.mark.faults

RULES = """
name: faults
sender: {name: Store, address: hello@rapport.example}
timezone: UTC
stale_after: 3d
templates:
  welcome: {purpose: service}
  win-back: {purpose: marketing}
rules:
  - {name: offer-$LANES, triggers: [subscription.started], delay: 0s, template: win-back}
  - {name: notice-$LANES, triggers: [subscription.started], delay: 0s, template: welcome}
"""
CUSTOMERS = 90
CONNECTIONS = 6
THINKS_SECONDS = 0.05


class Server:
    """Keeps each text once it has thought about it, and says so."""

    def __init__(self, pipelining: bool) -> None:
        self.pipelining = pipelining
        self.lanes = CONNECTIONS * (2 if pipelining else 1)
        self.rules = (f"offer-{self.lanes}", f"notice-{self.lanes}")
        self.names: list[str] = []
        self.many = threading.Event()
        self.enough = CUSTOMERS // 3

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(THINKS_SECONDS)
        self.names.append(str(email.message_from_bytes(envelope.content)["Message-ID"]))
        if len(self.names) >= self.enough:
            self.many.set()
        await asyncio.sleep(THINKS_SECONDS)  # a worker that dies now does not know that it was kept
        return "250 OK"


ONE_BY_ONE = pytest.param(False, marks=pytest.mark.long, id="one by one")
"""Of what is pipelined, more is under way when its worker dies."""


@pytest.fixture(params=[ONE_BY_ONE, pytest.param(True, id="pipelined")])
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Server]:
    rules, port, kept = tmp_path / "rules.yaml", ports.pick(), Server(request.param)
    rules.write_text(RULES.replace("$LANES", f"{kept.lanes}"), encoding="utf-8")
    settings = {
        "RULES": str(rules),
        "SMTP_PORT": str(port),
        "SMTP_TIMEOUT": "1",  # what is marked is in doubt after four times that, and ten seconds
        "SMTP_CONNECTIONS": str(CONNECTIONS),
        "CLOCK": "stream",  # a minute is over when the stream says so
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"RAPPORT_{name}", value)
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


def told_of(customers: list[str]) -> dict[str, list[dict[str, Any]]]:
    """By topic: profiles, consents, and what starts both rules."""
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    people, started = [], []
    for customer in customers:
        profile = {"name": "Ada Byron", "email": f"{customer}@example.org"}
        consent = {"purpose": "marketing", "channel": "email", "granted": True}
        people += [
            event("customer.registered", customer, f"{customer}-p", at, profile),
            event("consent.changed", customer, f"{customer}-c", at, consent),
        ]
        term = {
            "subscription_id": f"{customer}-s",
            "plan": "tea",
            "price": {"amount": 999, "currency": "EUR"},
        }
        started.append(
            event(
                "subscription.started",
                customer,
                f"{customer}-s",
                at,
                {**term, "expires_at": "2030-01-01T00:00:00Z"},
            )
        )
    return {"customers": people, "purchases": started}


def test_a_worker_that_is_killed_in_a_drain(
    platform: Platform, worker: WorkerStarter, server: Server
) -> None:
    run = uuid.uuid4().hex[:8]
    customers = [f"d{run}-{n}" for n in range(CUSTOMERS)]
    first = worker("followup")
    first.wait_ready()
    for topic, events in told_of(customers).items():
        platform.wait_caught_up(
            "followup"
        )  # topics are apart: what starts a rule must not overtake a consent
        platform.send(topic, events)
    assert server.many.wait(90), first.tail()
    first.kill()
    worker("followup").wait_ready()
    deliveries = platform.database("followup")["deliveries"]
    ours = {"customer": {"$in": customers}}
    over = {**ours, "status": {"$nin": ["scheduled", "ready", "sending"]}}
    platform.wait(lambda: deliveries.count_documents(over) == 2 * CUSTOMERS, 150, "all messages have ended")
    platform.wait_caught_up("followup")  # what a transaction wrote is told after it

    rows = list(deliveries.find(ours))
    arrived = Counter(name.strip("<>").partition("@")[0] for name in server.names)
    by_rule = {rule: [row for row in rows if row["rule"] == rule] for rule in server.rules}
    assert [len(found) for found in by_rule.values()] == [CUSTOMERS, CUSTOMERS]
    for row in by_rule[server.rules[0]]:
        assert arrived[row["_id"]] <= 1
        assert row["status"] == (
            "sent" if arrived[row["_id"]] and row["status"] != "in_doubt" else "in_doubt"
        ), row
        assert "doubts" not in row
    for row in by_rule[server.rules[1]]:
        assert row["status"] == "sent"
        assert 1 <= arrived[row["_id"]] <= 1 + row.get("doubts", 0)
    doubts = [row for row in rows if row["status"] == "in_doubt" or row.get("doubts")]
    assert 1 <= len(doubts) <= server.lanes
    told = platform.told("outreach", customers)
    ends = Counter(
        e["data"]["outreach_id"]
        for events in told.values()
        for e in events.values()
        if e["type"].split(".")[2] in ("sent", "failed", "suppressed")
    )
    assert ends == Counter({row["_id"]: 1 for row in rows})
    api = worker("followup", kind="api")
    api.wait_ready()
    book = api.get("/outreach/book?from=2020-01-01&to=2100-01-01")
    assert book["balanced"], book
    ours_in_it = [one for one in book["accounts"] if one["rule"] in by_rule]
    assert sum(one["planned"] for one in ours_in_it) == 2 * CUSTOMERS
    assert sum(one["in_doubt"] for one in ours_in_it) == len([r for r in rows if r["status"] == "in_doubt"])
