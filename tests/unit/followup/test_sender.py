"""Sending over real SMTP: at most once, never lost, outages waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as SmtpProtocol
from aiosmtpd.smtp import Envelope
from pymongo.asynchronous.database import AsyncDatabase

from services.followup.domain.rows import COLLECTION
from services.followup.mail import BadMessage, Connection, Server, build
from services.followup.sender import SOURCE, Sender
from shared.schemas.commands import DeliveryReported
from shared.schemas.event import Event

from .conftest import free_port

Database = AsyncDatabase[dict[str, Any]]
LONG_AGO = timedelta(minutes=30)


class Inbox:
    """The server's side: keeps messages; answers as told, by recipient."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.rcpt: dict[str, str] = {}
        self.data: list[str] = []
        self.hang_up_at_data = False

    async def handle_RCPT(
        self, server: SmtpProtocol, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SmtpProtocol, session: object, envelope: Envelope) -> str:
        if self.data:
            return self.data.pop(0)
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.hang_up_at_data:
            self.hang_up_at_data = False
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"


@asynccontextmanager
async def smtp_server(inbox: Inbox, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    protocols: list[SmtpProtocol] = []

    def make() -> SmtpProtocol:
        protocols.append(SmtpProtocol(inbox, loop=loop, enable_SMTPUTF8=True, ident="test"))
        return protocols[-1]

    server = await loop.create_server(make, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for protocol in protocols:
            if protocol.transport is not None:
                protocol.transport.close()
        await asyncio.sleep(0.01)


class FakeRuntime:
    """The worker as the sender sees it: publishing is a list, ownership a predicate."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stopping = asyncio.Event()
        self.published: list[Event] = []
        self.owned: Callable[[str], bool] = lambda customer: True
        self.broker_away = False
        self.time: datetime | None = None

    def owns(self, customer_id: str) -> bool:
        return self.owned(customer_id)

    def now(self, customer_id: str) -> datetime:
        return self.time or datetime.now(UTC)

    async def publish_event(self, event: Event) -> None:
        if self.broker_away:
            raise ConnectionError("no broker")
        self.published.append(event)

    async def wait_for_commit(self, seconds: float) -> None:
        await asyncio.sleep(0.01)

    @property
    def reports(self) -> list[tuple[str, str]]:
        """(outreach id, status) in order."""
        found = []
        for event in self.published:
            assert isinstance(event.data, DeliveryReported)
            found.append((event.data.outreach_id, event.data.status))
        return found


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def runtime(database: Database) -> FakeRuntime:
    return FakeRuntime(database)


def row(id: str, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "_id": id,
        "customer": f"c-{id}",
        "rule": "thank-you",
        "template": "thank-you",
        "purpose": "marketing",
        "channel": "email",
        "due_at": now,
        "status": "ready",
        "updated_at": now,
        "attempt": 0,
        "not_before": now - timedelta(seconds=1),
        "decided_at": now,
        "expires_at": now + timedelta(days=3),
        "quiet": None,
        "from": {"name": "Störe", "address": "hello@store.example"},
        "to": {"name": "Ada Byron", "address": f"{id}@example.org"},
        "subject": "Thank you",
        "text": "Dear Ada,\n.a line with a dot\n",
        "html": "<p>Dear Ada</p>\n",
        "headers": {
            "List-Unsubscribe": "<https://rapport.example/u/token>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        **changes,
    }


def sender_of(runtime: FakeRuntime, port: int, *, event_time: bool = False, **more: Any) -> Sender:
    connection = Connection(Server("127.0.0.1", port, timeout=3.0))
    return Sender(runtime, connection, event_time=event_time, doubt_after=timedelta(minutes=1), **more)


async def statuses(database: Database) -> Mapping[str, str]:
    return {r["_id"]: r["status"] for r in await database[COLLECTION].find({}).to_list()}


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
    message = next(m for m in inbox.messages if m["Message-ID"] == "<m1@rapport>")
    assert message["From"] == "Störe <hello@store.example>"
    assert message["To"] == "Ada Byron <m1@example.org>"
    assert message["List-Unsubscribe"] == "<https://rapport.example/u/token>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines()[1] == ".a line with a dot"  # type: ignore[attr-defined]


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
    found = await sender._ready()
    await database[COLLECTION].update_one({"_id": "a"}, {"$set": {"status": "cancelled"}})
    async with smtp_server(inbox, port):
        await sender._connected()
        await sender._send(found[0])
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
    assert (night["status"], night["not_before"]) == ("ready", datetime(2026, 3, 3, 7, 0, tzinfo=UTC))


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
        {"to": {"name": "", "address": "üm@example.org"}},
        {"subject": "x\r\nBcc: c@example.org"},
        {"headers": {"List-Unsubscribe": "<x>\nBcc: c@example.org"}},
    ],
)
async def test_no_value_becomes_a_header_and_a_bad_one_fails_alone(
    database: Database, inbox: Inbox, runtime: FakeRuntime, changes: dict[str, Any]
) -> None:
    with pytest.raises(BadMessage):
        build(row("a", **changes), datetime.now(UTC))
    await database[COLLECTION].insert_many([row("bad", **changes), row("good")])
    port = free_port()
    async with smtp_server(inbox, port):
        await sender_of(runtime, port).round()
    assert sorted(runtime.reports) == [("bad", "failed"), ("good", "sent")]


def test_an_odd_name_does_not_cost_the_message() -> None:
    message = build(
        row("a", to={"name": 'A\r\nBcc: x, "é" \x00', "address": "a@example.org"}), datetime.now(UTC)
    )
    assert message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == "a@example.org"
    assert b"\nBcc" not in message.as_bytes()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the sender gives no signal of its own
            await asyncio.sleep(0.02)
