"""A row that cannot be read holds up nothing: it is set aside with its reason, and the rest is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.followup import telemetry
from services.followup.domain.rows import COLLECTION

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server

BAD: list[dict[str, Any]] = [
    {"to": "ada@example.org"},
    {"decided_at": "yesterday"},
    {"expires_at": "2026-01-01T00:00:00"},
    {"quiet": {"timezone": "UTC", "from": "25:00", "to": "26:00"}},
    {"quiet": {"timezone": "UTC", "from": "08:00", "to": "08:00"}},
    {"headers": {"a": 1}},
    {"text": None},
]


def failed() -> float:
    return telemetry.DELIVERIES.labels("email", "failed")._value.get()


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: next(iter(bad)))
@pytest.mark.parametrize("event_time", [False, True])
async def test_it_is_reported_as_failed_and_the_others_go(
    database: Database, inbox: Inbox, runtime: FakeRuntime, bad: dict[str, Any], event_time: bool
) -> None:
    before = failed()
    first = datetime.now(UTC) - timedelta(hours=1)
    await database[COLLECTION].insert_many([row("bad", not_before=first, **bad), row("good")])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, event_time=event_time)
        for _ in range(3):
            sender._next_doubt = 0.0
            await sender.round()
    assert sorted(runtime.reports) == [("bad", "failed"), ("good", "sent")]
    report = next(e.data for e in runtime.published if e.id == "bad-1")
    assert report.model_dump()["error"].startswith("unreadable: ")
    assert failed() == before + 1
    assert len(inbox.messages) == 1


@pytest.mark.parametrize("bad", [{"customer": None}, {"customer": 7}, {"attempt": "many"}])
async def test_one_of_which_not_even_that_can_be_told_says_so_itself(
    database: Database, inbox: Inbox, runtime: FakeRuntime, bad: dict[str, Any]
) -> None:
    before = failed()
    await database[COLLECTION].insert_many([row("bad", **bad), row("good")])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        for _ in range(3):
            await sender.round()
    assert runtime.reports == [("good", "sent")]
    kept = await database[COLLECTION].find_one({"_id": "bad"})
    assert kept is not None
    assert (kept["status"], kept["error"].partition(":")[0]) == ("failed", "unreadable")
    assert failed() == before + 1


async def test_what_a_process_that_is_gone_left_marked_is_told_too(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=30)
    marked = {"status": "sending", "attempt": 1, "claimed_by": "one that was killed", "claimed_at": long_ago}
    await database[COLLECTION].insert_many([row("bad", **marked, to=None), row("old", **marked)])
    sender = sender_of(runtime, free_port())
    for _ in range(2):
        sender._next_doubt = 0.0
        await sender.round()
    assert sorted(runtime.reports) == [("bad", "failed"), ("old", "in_doubt")]


async def test_one_of_a_customer_of_another_worker_is_left_to_it(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(row("bad", to=None))
    runtime.owned = lambda customer: False
    assert not await sender_of(runtime, free_port()).round()
    kept = await database[COLLECTION].find_one({"_id": "bad"})
    assert kept is not None
    assert kept["status"] == "ready"
