"""A real SMTP server in this process, a pretended worker around the sender, and rows to send."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP as SmtpProtocol
from aiosmtpd.smtp import Envelope
from pymongo.asynchronous.database import AsyncDatabase

from rapport.embedded import ports
from services.followup.channels.email import Email, EmailSettings
from services.followup.channels.mime import build
from services.followup.domain.rows import COLLECTION, Delivery
from services.followup.sender import Sender
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event

Database = AsyncDatabase[dict[str, Any]]


def free_port() -> int:
    """None that the system may give meanwhile to an outgoing connection, of this process or another."""
    return ports.pick()


class Inbox:
    """The server's side: keeps messages; answers as told, by recipient."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.rcpt: dict[str, str] = {}
        self.data: list[str] = []
        self.hang_up_at_data = False
        self.seconds = 0.0
        """How long it thinks about a text before it answers."""
        self.reading = asyncio.Event()
        """Set once it has a text."""
        self.pipelining = False
        """Whether it says that it takes several commands together."""
        self.most_connections = 100

    async def handle_EHLO(
        self, server: SmtpProtocol, session: Any, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_RCPT(
        self, server: SmtpProtocol, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        self.recipients.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SmtpProtocol, session: object, envelope: Envelope) -> str:
        if self.data:
            return self.data.pop(0)
        assert isinstance(envelope.content, bytes)
        self.reading.set()
        await asyncio.sleep(self.seconds)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.hang_up_at_data:
            self.hang_up_at_data = False
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"


class Full(SmtpProtocol):
    """Has no room for one more."""

    def connection_made(self, transport: Any) -> None:
        transport.write(b"421 too many connections\r\n")
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """There was none."""


@asynccontextmanager
async def smtp_server(inbox: Inbox, port: int, *, utf8: bool = True) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    protocols: list[SmtpProtocol] = []

    def make() -> SmtpProtocol:
        open_ones = [one for one in protocols if one.transport and not one.transport.is_closing()]
        full = len(open_ones) >= inbox.most_connections
        made = (
            Full(inbox, loop=loop)
            if full
            else SmtpProtocol(inbox, loop=loop, enable_SMTPUTF8=utf8, ident="test")
        )
        if not full:
            protocols.append(made)
        return made

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

    async def publish_events(self, events: Sequence[Event]) -> None:
        if self.broker_away:
            raise ConnectionError("no broker")
        self.published += events

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


def delivery(id: str, **changes: Any) -> Delivery:
    """The row as a channel gets it."""
    return Delivery.model_validate(row(id, **changes))


def mail_read(delivery: Delivery) -> EmailMessage:
    """The mail as its reader gets it."""
    return message_from_bytes(build(delivery, datetime.now(UTC)).raw, policy=policy.default)


def sender_of(
    runtime: FakeRuntime, port: int, *, event_time: bool = False, connections: int = 4, **more: Any
) -> Sender:
    """``more`` are settings of the channel, or what ``Sender`` is given."""
    told = {name: more.pop(name) for name in list(more) if name in EmailSettings.model_fields}
    given = {"smtp_port": port, "smtp_timeout": 3.0, "smtp_connections": connections}
    channel = Email(EmailSettings.model_validate({**given, **told}))
    return Sender(runtime, channel, event_time=event_time, **more)


async def statuses(database: Database) -> Mapping[str, str]:
    return {r["_id"]: r["status"] for r in await database[COLLECTION].find({}).to_list()}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the sender gives no signal of its own
            await asyncio.sleep(0.02)
