"""A store that breaks at any step: what was read is read again, and what is known is written down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.followup.domain.rows import COLLECTION

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server, statuses

LATE = datetime.now(UTC) - timedelta(hours=1)


def broken_at(thing: Any, name: str, monkeypatch: pytest.MonkeyPatch, call: int = 1) -> None:
    """This call of the method finds no store, the others do."""
    works, calls = getattr(thing, name), 0

    async def once(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise ConnectionError("no store")
        return await works(*given)

    monkeypatch.setattr(thing, name, once)


async def rounds(sender: Any, most: int = 4) -> int:
    """How many of them broke."""
    broke = 0
    for _ in range(most):
        try:
            await sender.round()
        except ConnectionError:
            broke += 1
    return broke


@pytest.mark.parametrize(
    ("part", "method", "call"),
    [("_pace", "grant", 1), ("_marks", "defer", 1), ("_marks", "claim", 1), ("_marks", "claim", 2)],
)
async def test_what_is_late_is_told_though_the_store_broke(
    database: Database,
    inbox: Inbox,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    method: str,
    call: int,
) -> None:
    await database[COLLECTION].insert_many([row("late", expires_at=LATE), row("good")])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        broken_at(getattr(sender, part), method, monkeypatch, call)
        await rounds(sender)
    assert sorted(runtime.reports) == [("good", "sent"), ("late", "failed")]
    assert not sender._held
    assert len(inbox.messages) == 1


async def test_what_is_marked_goes_though_the_store_broke_at_those_of_more_tries(
    database: Database, inbox: Inbox, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each number of tries is a write of its own."""
    await database[COLLECTION].insert_many([row("a"), row("b", attempt=1)])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        broken_at(sender._marks._rows, "update_many", monkeypatch, 2)
        await rounds(sender)
    assert sorted(runtime.reports) == [("a", "sent"), ("b", "sent")]
    assert not sender._held


async def test_what_was_refused_for_now_is_put_back_though_the_store_broke(
    database: Database, inbox: Inbox, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database[COLLECTION].insert_one(row("a"))
    inbox.rcpt["a@example.org"] = "450 later"
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        broken_at(sender._marks, "put_back", monkeypatch)
        assert await rounds(sender, 1) == 1
        await database[COLLECTION].update_one({"_id": "a"}, {"$set": {"claimed_at": LATE}})  # a long outage
        sender._next_doubt = 0.0
        assert await rounds(sender) == 0
    assert await statuses(database) == {"a": "ready"}
    assert not sender._held
    assert not runtime.reports
