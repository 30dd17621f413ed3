"""Sending over real SMTP: what is sent, when, and what the server's answers mean."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.followup.channels.mime import BadMessageError, build
from services.followup.domain.rows import COLLECTION
from services.followup.sending.reports import SOURCE
from shared.schemas.commands.followup import DeliveryReported

from .mailserver import (
    Database,
    FakeRuntime,
    Inbox,
    delivery,
    free_port,
    mail_read,
    row,
    sender_of,
    smtp_server,
    statuses,
    until,
)

LONG_AGO = timedelta(minutes=30)


async def test_messages_go_and_are_reported(database: Database, inbox: Inbox, runtime: FakeRuntime) -> None:
    await database[COLLECTION].insert_many([row(f"m{n}") for n in range(5)])
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port)
        assert await sender.round()
        assert not await sender.round()
    assert len(inbox.messages) == 5
    assert sorted(runtime.reports) == [(f"m{n}", "sent") for n in range(5)]
    report = runtime.published[0]
    assert (report.source, report.id) == (SOURCE, f"{report.data.outreach_id}-1")  # type: ignore[attr-defined]
    assert report.subject == f"c-{report.data.outreach_id}"  # type: ignore[attr-defined]
    message = next(m for m in inbox.messages if m["Message-ID"] == "<m1@store.example>")
    assert message["From"] == "Störe <hello@store.example>"
    assert message["To"] == "Ada Byron <m1@example.org>"
    assert message["List-Unsubscribe"] == "<https://rapport.example/u/token>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines()[1] == ".a line with a dot"


async def test_an_outage_marks_nothing_and_recovery_sends_all(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    await database[COLLECTION].insert_many([row("a"), row("b")])
    port = free_port()
    sender = sender_of(runtime, port)
    running = asyncio.create_task(sender.run())
    await asyncio.sleep(0.8)
    assert await statuses(database) == {"a": "ready", "b": "ready"}
    assert [r["attempt"] for r in await database[COLLECTION].find({}).to_list()] == [0, 0]
    async with smtp_server(inbox, port):
        await until(lambda: len(runtime.published) == 2)
        runtime.stopping.set()
        await asyncio.wait_for(running, 5)
    assert len(inbox.messages) == 2


async def test_a_server_that_went_away_between_rounds_is_found_again(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    port = free_port()
    sender = sender_of(runtime, port)
    for name in ("a", "b"):
        await database[COLLECTION].insert_one(row(name))
        async with smtp_server(inbox, port):
            assert await sender.round()
    assert runtime.reports == [("a", "sent"), ("b", "sent")]


async def test_a_refusal_for_now_is_tried_again_one_for_good_is_not(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    inbox.rcpt = {"later@example.org": "450 greylisted", "never@example.org": "550 no such user"}
    await database[COLLECTION].insert_many([row("later"), row("never"), row("fine")])
    ahead = timedelta(0)
    port = free_port()
    async with smtp_server(inbox, port):
        sender = sender_of(runtime, port, clock=lambda: datetime.now(UTC) + ahead)
        await sender.round()
        assert sorted(runtime.reports) == [("fine", "sent"), ("never", "failed")]
        assert "550 no such user" in str(runtime.published)
        assert not await sender.round()  # not at once
        inbox.rcpt, inbox.data = {}, ["451 try later"]
        ahead = timedelta(minutes=1)
        await sender.round()
        assert (await statuses(database))["later"] == "ready"
        ahead = timedelta(hours=1)
        await sender.round()
    assert runtime.reports[-1] == ("later", "sent")
    assert runtime.published[-1].id == "later-3"
    assert len(inbox.messages) == 2


async def test_a_refusal_for_good_after_the_text_is_final(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    inbox.data = ["554 looks like spam"]
    await database[COLLECTION].insert_many([row("a", not_before=datetime.now(UTC) - LONG_AGO), row("b")])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert runtime.reports == [("a", "failed"), ("b", "sent")]


async def test_a_message_that_waited_into_the_night_waits_on_and_one_too_old_is_stale(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    quiet = {"timezone": "Europe/Berlin", "from": "21:00", "to": "08:00"}
    runtime.time = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    late = {"expires_at": runtime.time - timedelta(seconds=1)}
    good = {"expires_at": runtime.time + timedelta(days=1), "quiet": quiet}
    await database[COLLECTION].insert_many([row("stale", **late), row("night", **good)])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert runtime.reports == [("stale", "failed")]
    assert runtime.published[0].data.error == "stale"  # type: ignore[attr-defined]
    assert not inbox.messages
    night = await database[COLLECTION].find_one({"_id": "night"})
    assert night is not None
    morning = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert (night["status"], night["not_before"]) == ("ready", morning)
    assert night["held"] == {"until": morning, "reason": "quiet_hours", "detail": None}


async def test_under_the_stream_clock_the_decision_is_the_time_of_sending(
    database: Database, inbox: Inbox, runtime: FakeRuntime
) -> None:
    decided = datetime(2017, 3, 1, 12, 0, tzinfo=UTC)
    runtime.time = datetime(2018, 7, 1, tzinfo=UTC)
    await database[COLLECTION].insert_one(
        row("a", decided_at=decided, not_before=decided, expires_at=decided + timedelta(days=3))
    )
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port, event_time=True).round()
    assert runtime.reports == [("a", "sent")]
    assert runtime.published[0].time == decided
    assert inbox.messages[0]["Date"].datetime == decided


@pytest.mark.parametrize(
    "changes",
    [
        {"to": {"name": "", "address": "a@b\r\nBcc: c@example.org"}},
        {"to": {"name": "", "address": "two@example.org, three@example.org"}},
        {"subject": "x\r\nBcc: c@example.org"},
        {"headers": {"List-Unsubscribe": "<x>\nBcc: c@example.org"}},
    ],
)
async def test_no_value_becomes_a_header_and_a_bad_one_fails_alone(
    database: Database, inbox: Inbox, runtime: FakeRuntime, changes: dict[str, Any]
) -> None:
    with pytest.raises(BadMessageError):
        build(delivery("a", **changes), datetime.now(UTC))
    await database[COLLECTION].insert_many([row("bad", **changes), row("good")])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert sorted(runtime.reports) == [("bad", "failed"), ("good", "sent")]


def test_an_odd_name_does_not_cost_the_message() -> None:
    message = mail_read(delivery("a", to={"name": 'A\r\nBcc: x, "é" \x00', "address": "a@example.org"}))
    assert message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == "a@example.org"
    assert b"\nBcc" not in message.as_bytes()


@pytest.mark.parametrize(
    ("rcpt", "data", "code"),
    [
        ("550 5.1.1 no such user", None, "5.1.1"),
        ("550 User unknown", None, "5.1.1"),
        ("550 No", None, "5.0.0"),
        ("554 5.7.1 blocked", None, "5.7.1"),
        (None, "554 5.2.2 mailbox full", "5.2.2"),
        (None, "554 unwanted", None),
    ],
)
async def test_what_a_refusal_says_of_the_address(
    database: Database,
    inbox: Inbox,
    runtime: FakeRuntime,
    rcpt: str | None,
    data: str | None,
    code: str | None,
) -> None:
    await database[COLLECTION].insert_one(row("a"))
    inbox.rcpt = {} if rcpt is None else {"a@example.org": rcpt}
    inbox.data = [] if data is None else [data]
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    (report,) = runtime.published
    assert isinstance(report.data, DeliveryReported)
    assert (report.data.status, report.data.code) == ("failed", code)
