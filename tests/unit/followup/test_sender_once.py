"""Whatever breaks or competes: no message is sent twice, and none is lost without a word."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.followup.domain.rows import COLLECTION, Delivery

from .mailserver import Database, FakeRuntime, Inbox, free_port, row, sender_of, smtp_server

LONG_AGO = timedelta(minutes=30)


async def test_a_connection_lost_after_the_text_is_in_doubt_and_never_sent_again(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(row("a"))
    inbox.hang_up_at_data = True
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        for _ in range(3):
            await sender.round()
    assert runtime.reports == [("a", "in_doubt")]
    assert len(inbox.messages) == 1


async def test_what_another_process_left_marked_is_in_doubt_after_a_while(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    now = datetime.now(UTC)
    marked = {"status": "sending", "attempt": 1, "claimed_by": "one that was killed"}
    await database[COLLECTION].insert_many(
        [
            row("old", **marked, claimed_at=now - LONG_AGO),
            row("fresh", **marked, claimed_at=now),
            row("not-ours", **marked, claimed_at=now - LONG_AGO),
        ]
    )
    runtime.owned = lambda customer: customer != "c-not-ours"
    port = free_port()
    sender = sender_of(runtime, port)
    for _ in range(2):
        sender._next_doubt = 0.0
        await sender.round()
    assert runtime.reports == [("old", "in_doubt")]  # once, though it stays marked until it is applied
    assert runtime.published[0].id == "old-1"  # as the report that may be on its way
    assert not inbox.messages


async def test_reports_outlive_an_outage_of_the_broker(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(row("a"))
    runtime.broker_away = True
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        with pytest.raises(ConnectionError):
            await sender.round()
        await database[COLLECTION].insert_one(row("b"))
        with pytest.raises(ConnectionError):
            await sender.round()  # and sends nothing more meanwhile
        assert len(inbox.messages) == 1
        runtime.broker_away = False
        await sender.round()
    assert runtime.reports == [("a", "sent"), ("b", "sent")]


async def test_only_customers_of_this_worker_and_only_what_is_ready(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    rows = [row(f"x{n}", customer="other") for n in range(60)]
    await database[COLLECTION].insert_many([*rows, row("mine"), row("gone", status="cancelled")])
    runtime.owned = lambda customer: customer == "c-mine"
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert runtime.reports == [("mine", "sent")]
    assert len(inbox.messages) == 1


async def test_a_row_cancelled_between_look_and_mark_stays_unsent(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_one(row("a"))
    port = free_port()
    sender = sender_of(runtime, port)
    found = [Delivery.model_validate(row) for row in await sender._supply._ready.take(9)]
    assert len(found) == 1
    await database[COLLECTION].update_one({"_id": "a"}, {"$set": {"status": "cancelled"}})
    sender._queue._next.extend(found)
    async with smtp_server(inbox, port):
        await sender.round()
    assert not inbox.messages
    assert not runtime.published


async def test_two_senders_never_send_one_message_twice(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(20)])
    port = free_port()
    async with smtp_server(inbox, port):
        await asyncio.gather(*(sender_of(runtime, port).round() for _ in range(3)))
    assert len(inbox.messages) == 20
    assert len({id for id, _ in runtime.reports}) == len(runtime.reports) == 20


async def test_what_goes_in_the_mail_of_another_is_never_taken_by_itself(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    mate = {name: value for name, value in row("b").items() if name in ("_id", "customer", "rule", "channel")}
    await database[COLLECTION].insert_many(
        [row("a", mail="a"), {**mate, "status": "ready", "attempt": 0, "mail": "a"}]
    )
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        for _ in range(2):
            await sender.round()
    assert len(inbox.messages) == 1
    assert runtime.reports == [("a", "sent")]
    left = await database[COLLECTION].find_one({"_id": "b"})
    assert left is not None
    assert left["status"] == "ready"  # until the domain has heard of the mail
