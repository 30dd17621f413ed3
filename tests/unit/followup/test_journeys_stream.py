"""Under the stream clock dates, silences and steps come as event time passes, at any speed of the sender."""

from datetime import datetime
from typing import Any

import pytest

from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachGoalReached

from .driver import DAY, HOUR, NOON, granted, policy, profile, purchase, started, written

TEXT = """$HEAD
rules:
  - {name: day, triggers: [{date: profile.birthday, at: "09:00"}], template: welcome}
  - {name: lapse, triggers: [{silence: purchase.made, for: 20d}], template: win-back}
  - name: join
    triggers: [subscription.started]
    delay: 1h
    goal: {event: purchase.made, within: 9d}
    steps: [{send: welcome}, {wait: 3d}, {send: win-back}]
"""


def replayed(report_after: int) -> list[tuple[str, str | None, datetime]]:
    """What is sent, where the sender reports so many events after a message was ready."""
    worker = InMemoryWorker(handler_of(policy(written(TEXT).rules, event_time=True)), clock="stream")
    reported: set[str] = set()
    facts: list[tuple[datetime, Any]] = [
        (NOON, profile(birthday="--03-20")),
        (NOON, granted()),
        (NOON + HOUR, started()),
        (NOON + 2 * DAY, purchase("1")),
        (NOON + 30 * DAY, granted()),
        (NOON + 40 * DAY, granted()),
        *[(NOON + 41 * DAY, granted()) for _ in range(12)],
    ]
    ready: dict[str, int] = {}
    for number, (at, data) in enumerate(facts):
        worker.tell("c-1", data, at=at).accepted()
        for row in worker.rows("deliveries"):
            if row["status"] == "ready":
                ready.setdefault(row["_id"], number)
        for name, since in ready.items():
            if name not in reported and number >= since + report_after:
                reported.add(name)
                row = next(row for row in worker.rows("deliveries") if row["_id"] == name)
                told = DeliveryReported(outreach_id=name, status="sent", attempt=1)
                worker.send(Event(f"{name}-1", "/sender", "c-1", row["decided_at"], told)).accepted()
    assert len(worker.facts(OutreachGoalReached)) == 1
    rows = [row for row in worker.rows("deliveries") if row["status"] == "sent"]
    return sorted((row["rule"], row.get("step"), row["sent_at"]) for row in rows)


@pytest.mark.parametrize("report_after", [0, 1, 4])
def test_a_replay_comes_out_the_same(report_after: int) -> None:
    assert replayed(report_after) == [
        ("day", None, NOON + 18 * DAY - 3 * HOUR),
        ("join", "1", NOON + 2 * HOUR),
        ("lapse", None, NOON + 22 * DAY),
    ]
