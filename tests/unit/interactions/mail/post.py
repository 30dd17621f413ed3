"""A house with a letter box, in memory: the real worker of interactions hears what is told of mails."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course, going_on, stands_in
from services.interactions.domain.mails import MailRow, complained_in, keys_of
from services.interactions.domain.rows import MAILS
from services.interactions.errors import INVALID_ALIAS
from services.interactions.mail.settings import MailSettings
from services.interactions.mail.taking import Envelope, Result, Taker
from shared.facts.aliases import AliasError, normalised
from shared.journal.testing import InMemoryWorker
from shared.kafka.publisher import BrokerAwayError
from shared.schemas.commands.conversations import ConversationMessageRequested
from shared.schemas.commands.followup import ReplyRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachSent
from shared.schemas.times import micros

from ..told import HANDLER, START

SERVICE = "service@shop.example"
COMPLAINTS = "complaints@shop.example"


def settings(**told: Any) -> MailSettings:
    return MailSettings.model_validate(
        {"kafka": "k:1", "mongo": "mongodb://m:1", "secret_key": "k" * 32, **told}
    )


def written(
    text: str = "Where is my parcel?",
    *,
    id: str = "m-1@home.example",
    sender: str = "Ann <ann@home.example>",
    answers: str = "",
    subject: str = "",
    more: str = "",
) -> bytes:
    """A mail of a person."""
    lines = [
        f"From: {sender}",
        f"To: {SERVICE}",
        f"Message-ID: <{id}>",
        "Date: Thu, 26 Nov 2026 10:00:00 +0000",
    ]
    lines += [f"In-Reply-To: <{answers}>"] if answers else []
    lines += [f"Subject: {subject}"] if subject else []
    lines += [more] if more else []
    return "\r\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text, ""]).encode()


class House:
    """What the process for mail asks of others."""

    def __init__(self, **told: Any) -> None:
        self.worker = InMemoryWorker(HANDLER, now=START)
        self.people: dict[str, str] = {}
        """Whose an address is."""
        self.merged: dict[str, str] = {}
        self.told: list[Event] = []
        self.away = False
        self.settings = settings(**told)
        self.taker = Taker(self.settings, self, self, self.publish, self.now)

    async def take(self, raw: bytes, *recipients: str, sender: str = "someone@home.example") -> Result:
        """A mail comes, a minute after the last."""
        self.worker.advance(timedelta(minutes=1))
        return await self.taker.take(raw, Envelope(sender, recipients or (SERVICE,)))

    def knows(self, address: str, customer: str) -> None:
        self.people[address] = customer
        self.worker.tell(customer, CustomerUpdated(email=address))

    def sends(self, customer: str, outreach_id: str, rule: str = "news", about: str | None = None) -> str:
        """Followup has sent a mail, about a complaint or not; its Message-ID."""
        sent = {"outreach_id": outreach_id, "rule": rule, "channel": "email", "due_at": self.worker.now}
        about_it = {} if about is None else {"complaint_id": about}
        self.worker.tell(customer, OutreachSent.model_validate({**sent, "attempt": 1, **about_it}))
        return f"{outreach_id}@shop.example"

    def answers(self, customer: str, conversation_id: str, text: str = "We look.") -> str:
        """An agent answers; the Message-ID of the mail that followup makes of it."""
        self.worker.advance(timedelta(minutes=1))
        asked = ConversationMessageRequested(
            conversation_id=conversation_id, text=text, author="agent", agent_id="a"
        )
        handled = self.worker.tell(customer, asked).accepted()
        [request] = [e.data for e in handled.emitted if isinstance(e.data, ReplyRequested)]
        return self.sends(customer, request.outreach_id, rule="reply")

    def conversations(self, customer: str) -> list[Conversation]:
        return [*course(self.worker.state(customer).conversations).open.values()]

    async def now(self, customer: str | None) -> datetime:
        return self.worker.now

    async def publish(self, events: Sequence[Event]) -> None:
        if self.away:
            raise BrokerAwayError("not connected to the broker")
        self.told += events
        for event in events:
            assert self.worker.send(event).status in ("applied", "repeated", "skipped")

    async def mails(self, names: Sequence[str]) -> list[MailRow]:
        rows = {row.key: row for row in MailRow.read(self.worker.rows(MAILS))}
        return [rows[key] for key in keys_of(names) if key in rows]

    async def has_address(self, customer_id: str) -> bool:
        return any(row.get("email") for row in self.worker.rows("customers") if row["_id"] == customer_id)

    async def going_on(self, customer_id: str, subject: str, at: datetime) -> str | None:
        return going_on(self.worker.state(customer_id).conversations, subject, micros(at))

    async def stands_in(self, customer_id: str, own: str) -> str | None:
        return stands_in(self.worker.state(customer_id).conversations, own)

    async def complained_in(self, customer_id: str, complaint_id: str) -> str | None:
        return complained_in(self.worker.state(customer_id), complaint_id)

    async def survivor(self, customer_id: str) -> str:
        return self.merged.get(customer_id, customer_id)

    async def resolve(self, kind: Literal["email"], value: str) -> str | None:
        try:
            return self.people.get(normalised(kind, value))
        except AliasError as error:
            raise INVALID_ALIAS(why=str(error)) from None

    async def resolve_or_make(self, kind: str, value: str, *, name: str | None = None) -> str:
        if value not in self.people:
            self.knows(value, f"c-{value.partition('@')[0]}")
        return self.people[value]
