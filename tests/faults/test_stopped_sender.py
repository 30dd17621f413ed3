"""A worker is stopped while a mail is with the server: what arrived is never told as failed."""

import asyncio
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from rapport.embedded import ports
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, event, purchase

pytestmark = pytest.mark.faults

RULES = """
name: faults
sender: {name: Store, address: hello@rapport.example}
timezone: UTC
stale_after: 3d
consent: {service: not_refused}
templates:
  thank-you: {purpose: service}
rules:
  - name: thanks
    triggers: [purchase.made]
    delay: 0s
    template: thank-you
    variables: [order_id]
"""
THINKS_SECONDS = 0.9


class SlowServer:
    """Keeps each text, and takes a while to say so."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.kept: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.kept += envelope.rcpt_tos
        self.reading.set()
        await asyncio.sleep(THINKS_SECONDS)
        return "250 OK"


def test_a_mail_that_arrives_while_its_worker_stops_is_told_as_sent(
    platform: Platform, worker: WorkerStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, server, port = tmp_path / "rules.yaml", SlowServer(), ports.pick()
    rules.write_text(RULES, encoding="utf-8")
    for name, value in (("RULES", str(rules)), ("SMTP_PORT", str(port)), ("SMTP_TIMEOUT", "5")):
        monkeypatch.setenv(f"RAPPORT_{name}", value)
    customer, now = f"s{uuid.uuid4().hex[:8]}", datetime.now(UTC).isoformat()
    address = f"{customer}@example.org"
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        first = worker("followup")
        first.wait_ready()
        profile = {"name": "Ada Byron", "email": address}
        platform.send("customers", [event("customer.registered", customer, f"{customer}-p", now, profile)])
        platform.wait_caught_up("followup")
        platform.send("purchases", [purchase(customer, f"{customer}-o", 500, now)])
        assert server.reading.wait(60), first.tail()
        first.process.terminate()
        first.process.wait(10)
        worker("followup").wait_ready()
        deliveries = platform.database("followup")["deliveries"]
        settled = {"customer": customer, "status": {"$nin": ["ready", "sending"]}}
        platform.wait(lambda: deliveries.find_one(settled) is not None, 90, "the report is in")
        platform.wait_caught_up("followup")  # what a transaction wrote is told after it
    finally:
        controller.stop()
    assert server.kept == [address]
    assert [row["status"] for row in deliveries.find({"customer": customer})] == ["sent"]
    told = [e["type"] for e in platform.told("outreach", [customer])[customer].values()]
    assert told.count("rapport.outreach.sent.v1") == 1
    assert "rapport.outreach.failed.v1" not in told
