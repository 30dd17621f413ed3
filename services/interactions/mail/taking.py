"""What becomes of a mail: whose it is, what it answers, and what is told of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

import structlog

from services.interactions.domain.conversations.messages import marked_as_answer
from services.interactions.domain.mails import MailRow, keys_of
from services.interactions.mail.events import Telling
from services.interactions.mail.kinds import kind_of
from services.interactions.mail.letter import Letter, Party, read
from services.interactions.mail.receipts import Receipts
from services.interactions.mail.settings import MailSettings
from shared.domain import RefusedError
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event

MOST_AT_ONCE = 4
"""Mails that are read at the same time: each holds a thread, and some memory."""
HELD_AT_MOST = timedelta(days=5)
"""So long a mail server keeps a mail that it cannot hand over."""
HELD_AT_LEAST = timedelta(minutes=1)
"""Servers write whole seconds: of what was not held the time is when it is heard."""

Result: TypeAlias = Literal[
    "message", "complaint", "automatic", "report",
    "ignored", "unknown_report", "own", "loop", "list", "nobody", "unreadable",
]  # fmt: skip
"""What a mail came to. The first four are told; of the others nothing is."""

log = structlog.get_logger(__name__)


class NotYetError(Exception):
    """It is to be handed in again: what it is about may be known by then."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the mail server says beside the mail."""

    sender: str
    """Empty where nothing may be answered."""
    recipients: tuple[str, ...]


class Resolving(Protocol):
    """Whose an alias is."""

    async def resolve(self, kind: Literal["email"], value: str) -> str | None: ...
    async def resolve_or_make(
        self, kind: Literal["email"], value: str, *, name: str | None = None
    ) -> str: ...


class Store(Protocol):
    """What is asked of the store."""

    async def mails(self, names: Sequence[str]) -> list[MailRow]: ...
    async def has_address(self, customer_id: str) -> bool: ...
    async def going_on(self, customer_id: str, subject: str, at: datetime) -> str | None: ...
    async def complained_in(self, customer_id: str, complaint_id: str) -> str | None: ...
    async def stands_in(self, customer_id: str, own: str) -> str | None: ...
    async def survivor(self, customer_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class _Case:
    """A mail, and what is known of it."""

    letter: Letter
    author: Party | None
    addresses: Sequence[str]
    """All that it was addressed to."""
    answers: tuple[str, ...]
    owner: str | None
    """Whose the author's address is."""
    answered: MailRow | None
    before: Sequence[str]
    """Of whom a mail of its name was told before."""


class Taker:
    """Takes mails in. The same mail handed in twice tells the same: each event's id is made from it."""

    def __init__(
        self,
        settings: MailSettings,
        store: Store,
        resolver: Resolving,
        publish: Callable[[Sequence[Event]], Awaitable[None]],
        now: Callable[[str | None], Awaitable[datetime]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._resolver = resolver
        self._publish = publish
        self._now = now
        self._receipts = Receipts(store, publish, settings.key_ring, settings.bounces)
        self._reading = asyncio.Semaphore(MOST_AT_ONCE)

    async def take(self, raw: bytes, envelope: Envelope) -> Result:
        """What it came to. Raises what store and broker raise while they are away, and ``NotYetError``: then
        it is to be handed in again."""
        async with self._reading:
            try:
                letter = await asyncio.to_thread(read, raw)
            except Exception as error:  # whatever a mail does to the parser, it is one mail
                log.warning("a mail cannot be read", error=type(error).__name__)
                return "unreadable"
        addresses = (*envelope.recipients, *letter.addressed)
        author = self._author(letter)
        kind = kind_of(
            letter.headers,
            author.address if author is not None else None,
            null_sender=not envelope.sender,
            ours=self._settings.ours,
            to=envelope.recipients,
        )
        if kind in ("report", "automatic", "postmaster") or self._receipts.signed(envelope.recipients):
            taken = await self._receipts.take(raw, addresses, letter.taken_at, await self._now(None))
            if taken == "not_yet":
                raise NotYetError
            if taken is not None:
                return taken
        if kind == "report":
            return "ignored"
        if kind in ("own", "loop"):
            return kind
        return await self._heard(letter, author, kind, addresses)

    async def _heard(
        self, letter: Letter, author: Party | None, kind: str, addresses: Sequence[str]
    ) -> Result:
        """From somebody, their program or their list."""
        answers = (*letter.answers, *self._receipts.signed(addresses))
        own = (letter.message_id,) if letter.message_id else ()
        rows = await self._store.mails((*answers, *own))
        itself = set(keys_of(own))
        if any(row.ours and row.key in itself for row in rows):
            return "own"
        if kind == "list":
            return "list"
        try:
            owner = None if author is None else await self._resolver.resolve("email", author.address)
        except RefusedError:  # an address that nobody can have: handed in again it is the same
            author = owner = None
        mine = await self._answered([row for row in rows if row.key not in itself], owner)
        before = [row.customer_id for row in rows if row.key in itself]
        case = _Case(letter, author, addresses, answers, owner, mine, before)
        return await (self._program(case) if kind == "automatic" else self._person(case))

    async def _answered(self, rows: Sequence[MailRow], owner: str | None) -> MailRow | None:
        """The mail that is answered: to, or of, whoever writes. Of one whom nobody knows a mail of ours,
        whose name only those know who got it; names of theirs are known to others too."""
        for row in rows:
            if owner is None:
                if row.ours:
                    return row
            elif await self._store.survivor(row.customer_id) == owner:
                return row
        return None

    async def _person(self, case: "_Case") -> Result:
        owner, author, answered = case.owner, case.author, case.answered
        sent_from = None
        if owner is None and answered is not None:  # from an address that nobody has: whose mail it answers
            owner = await self._store.survivor(answered.customer_id)
            sent_from = None if author is None else author.address
        if owner is None:
            if author is None:
                return "nobody"
            owner = await self._resolver.resolve_or_make("email", author.address, name=author.name)
        time = await self._time(case.letter, owner)
        telling = Telling(case.letter, owner, time)
        box, own = self._settings.box(case.addresses), telling.own_conversation
        thread = None if box is None else await self._told_in(case, owner, time)
        if thread is None and answered is not None:
            thread = await self._thread(answered, owner)
        if box is not None and thread is None:
            thread = await self._by_subject(case.letter, owner, time)
        told, complained = [], answered is not None and answered.complaint_id is not None
        if box is not None and thread in (None, own) and not complained:
            thread = own
            told.append(telling.complaint(box, own))
        told.insert(0, telling.contact(thread, case.answers, sent_from))
        if author is not None and case.owner is not None and not await self._store.has_address(owner):
            told.append(telling.profile(author))
        await self._publish(told)
        return "complaint" if any(isinstance(one.data, ComplaintOpened) for one in told) else "message"

    async def _thread(self, answered: MailRow, owner: str) -> str | None:
        """The conversation of the mail that is answered, or of the complaint that it is about."""
        if answered.complaint_id is None:
            return answered.thread
        return await self._store.complained_in(owner, answered.complaint_id)

    async def _told_in(self, case: "_Case", owner: str, time: datetime) -> str | None:
        """Where this very mail stands that was handed in before, whatever is open by now: what it told then
        it tells again. Of several mails with one Message-ID it is the one of this date."""
        for customer in case.before if case.letter.message_id is not None else (owner,):
            if await self._store.survivor(customer) == owner:
                own = Telling(case.letter, customer, time).own_conversation
                return await self._store.stands_in(owner, own)
        return None

    async def _by_subject(self, letter: Letter, owner: str, time: datetime) -> str | None:
        """The conversation that a mail answers by its subject line alone."""
        if letter.subject is None or not marked_as_answer(letter.subject):
            return None
        return await self._store.going_on(owner, letter.subject, time)

    async def _program(self, case: "_Case") -> Result:
        """Kept of those who are known, where it answers a conversation in that: nothing begins by it."""
        owner, answered = case.owner, case.answered
        if owner is None and answered is not None:
            owner = await self._store.survivor(answered.customer_id)
        if owner is None:
            return "ignored"
        telling = Telling(case.letter, owner, await self._time(case.letter, owner))
        thread = None if answered is None else await self._thread(answered, owner)
        await self._publish([telling.automatic(thread)])
        return "automatic"

    def _author(self, letter: Letter) -> Party | None:
        """Whoever wrote. A form on our own pages writes as us, and says to whom an answer goes."""
        sender, other = letter.sender, letter.reply_to
        if sender is not None and self._settings.ours(sender.address):
            return other if other is not None and not self._settings.ours(other.address) else sender
        return sender

    async def _time(self, letter: Letter, customer_id: str) -> datetime:
        """When the server had it that handed it over, where that has held it; else now."""
        now, taken = await self._now(customer_id), letter.taken_at
        held = taken is not None and HELD_AT_LEAST <= now - taken <= HELD_AT_MOST
        return taken if held and taken is not None else now
