"""E-mail, by SMTP: what a message looks like, and the connections that it goes by."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from aiosmtplib import SMTPException
from prometheus_client import Counter, Gauge, Histogram
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode

from services.followup.channels.addresses import NO_UTF8, AddressError, mailable, needs_utf8
from services.followup.channels.base import Attempt, Channel, ChannelAwayError, ChannelSettings, Result
from services.followup.channels.dkim import Dkim
from services.followup.channels.mime import BadMessageError, Mail, build
from services.followup.channels.smtp import Envelope, Server, Session, greet
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.reports import ADDRESS
from services.followup.domain.rows import Delivery
from services.followup.domain.state import Customer, address_mark
from shared.mail.addresses import BounceAddress, checked
from shared.mail.marks import mark_of
from shared.runtime.keyring import ring, with_ring
from shared.runtime.refusal import certificate_refusal
from shared.runtime.settings import Port
from shared.runtime.transport import Authorities

SUBJECT_LIMIT = 200
MESSAGE_ID = re.compile(r"<?([!-;=?-~]+@[!-;=?-~]+)>?")
"""A mail's name, in angle brackets or without."""
LONGEST_ID = 980
"""What a header's line has room for."""

FRESH_SECONDS = 1.0
"""A connection that was idle for longer is asked first whether it still stands."""

CONNECTED = Gauge("rapport_smtp_connected", "Connections to the SMTP server.")
OUTAGES = Counter("rapport_smtp_connect_failures_total", "Failed attempts to connect to the SMTP server.")
SEND_SECONDS = Histogram(
    "rapport_smtp_send_seconds",
    "Seconds to hand a message to the SMTP server.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


class EmailSettings(ChannelSettings):
    """Where and how mail is handed over."""

    smtp_host: str = "127.0.0.1"
    """The mail server that messages are handed to."""
    smtp_port: Port = 25
    """Its port."""
    smtp_tls: bool = False
    """TLS from the first byte (usually port 465)."""
    smtp_starttls: bool | None = None
    """Whether to upgrade to TLS; None: if the server offers it, and always where there is a password."""
    smtp_ca: Authorities | None = None
    """Who signs the server's certificate (PEM); None: those that the system trusts."""
    smtp_utf8: bool | None = None
    """Whether the server takes addresses with letters beyond ASCII before the @ (SMTPUTF8); None: as it says
    when the first message to such an address goes, which is remembered."""
    smtp_username: str | None = None
    """Where it asks who sends."""
    smtp_password: SecretStr | None = None
    """Where it asks who sends."""
    smtp_timeout: float = Field(default=30.0, gt=0, le=300)
    """Seconds for the server to answer a step."""
    smtp_connections: int = Field(default=8, ge=1, le=100)
    """At once, of each worker; as many messages are under way, two for each where the server pipelines."""
    bounce_address: str | None = None
    """As ``FollowupSettings.bounce_address``."""
    secret_key: SecretStr | None = None
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """What it is signed with: as ``Settings.key_ring``."""
    dkim_domain: str | None = None
    """Whose signature the mails carry, and under which selector its public half is found; none: the relay
    signs them."""
    dkim_selector: str | None = None
    """Under which name of the domain the key is published."""
    dkim_key_file: Path | None = Field(default=None, validate_default=True)
    """The private half: PEM, RSA."""

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, told: Any) -> Any:
        return with_ring(told)

    @field_validator("dkim_key_file")
    @classmethod
    def _signs(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        Dkim.load(info.data.get("dkim_domain"), info.data.get("dkim_selector"), value)
        return value

    @field_validator("bounce_address")
    @classmethod
    def _bounces(cls, value: str | None) -> str | None:
        return None if value is None else checked(value)

    def channels(self) -> Sequence[Channel]:
        return (Email(self),)


class Email(Channel):
    """A few connections to the SMTP server, made when needed and kept."""

    name = "email"
    parts = ("subject.txt", "txt", "html")
    dependency = "smtp"

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._sessions: list[Session] = []
        self.connections = settings.smtp_connections
        self._dkim = Dkim.load(settings.dkim_domain, settings.dkim_selector, settings.dkim_key_file)
        keys = ring(settings.secret_keys, settings.secret_key or SecretStr(""))
        self._key = keys[0]
        self._bounces = (
            BounceAddress.parse(settings.bounce_address, keys) if settings.bounce_address else None
        )
        # To be announced and to say its text, and the same for the one before it.
        self.patience = timedelta(seconds=4 * settings.smtp_timeout + 10)

    def address(self, customer: Customer) -> str | None:
        """The profile's, its domain in ASCII."""
        email = customer.email
        if email is None or email.isascii():
            return email
        return None if self.unusable(customer) else mailable(email)

    def unusable(self, customer: Customer) -> str | None:
        try:
            address = mailable(customer.email or "")
        except AddressError as fault:
            return str(fault)
        if not needs_utf8(address) or self._settings.smtp_utf8:
            return None
        known = self._settings.smtp_utf8 is False or address_mark(self.name, address) in customer.refused
        return NO_UTF8 if known else None

    def write(
        self, texts: Mapping[str, str], unsubscribe_url: str | None, thread: Thread | None = None
    ) -> Message:
        return Message(
            subject=" ".join(texts["subject.txt"].split())[:SUBJECT_LIMIT],
            text=texts["txt"].strip() + "\n",
            html=texts["html"].strip() + "\n",
            headers={**_unsubscribing(unsubscribe_url), **_answering(thread)},
        )

    async def open(self, wanted: int = 1) -> None:
        """Have as many connections as are wanted, if the server grants them; one must be."""
        idle = [one for one in self._sessions if not one.load]
        for session in [one for one in idle if not one.alive or one.idle_seconds > FRESH_SECONDS]:
            session.load = session.lanes  # no message for it meanwhile
            if session.alive and not await session.answers():
                session.abort()
            session.load = 0
            self._let_go(session)
        missing = min(wanted, self.connections) - len(self._sessions)
        if missing <= 0:
            return
        found = await greet(self._server, missing)
        self._sessions += [one for one in found if isinstance(one, Session)]
        CONNECTED.set(len(self._sessions))
        for error in found:
            if isinstance(error, BaseException):
                OUTAGES.inc()
                if not isinstance(error, SMTPException | OSError | ValueError):
                    raise error
                if not self._sessions:
                    raise ChannelAwayError(self._said(error)) from error

    def _said(self, error: BaseException) -> str:
        known = self._settings
        where = f"{known.smtp_host}:{known.smtp_port}"
        refusal = certificate_refusal("smtp", str(error), where, "RAPPORT_SMTP")
        return refusal.sentence if refusal is not None else _text(error)

    @property
    def _server(self) -> Server:
        known = self._settings
        return Server(
            known.smtp_host,
            known.smtp_port,
            known.smtp_tls,
            known.smtp_starttls,
            known.smtp_username,
            known.smtp_password,
            known.smtp_timeout,
            known.smtp_ca,
        )

    @property
    def is_open(self) -> bool:
        return self.lanes > 0

    @property
    def lanes(self) -> int:
        return sum(session.lanes for session in self._sessions if session.alive)

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        session = self._take()
        if session is None:
            return Attempt(Result.LATER, "not connected")
        try:
            seven_bit = self._dkim is not None or "8bitmime" not in session.extensions
            mark = mark_of(self._key, delivery.outreach_id)
            mail = build(delivery, at, mark=mark, seven_bit=seven_bit)
        except BadMessageError as fault:
            return Attempt(Result.FAILED, str(fault))
        started = time.perf_counter()
        session.load += 1
        try:
            return await self._hand_over(session, mail, delivery.outreach_id)
        finally:
            SEND_SECONDS.observe(time.perf_counter() - started)
            session.load -= 1
            self._let_go(session)

    def _take(self) -> Session | None:
        """The one with the least to do."""
        there = [one for one in self._sessions if one.alive and one.load < one.lanes]
        return min(there, key=lambda one: one.load, default=None)

    def _let_go(self, session: Session) -> None:
        """Of one that has ended."""
        if not session.alive and session in self._sessions:
            session.abort()
            self._sessions.remove(session)
            CONNECTED.set(len(self._sessions))

    async def _hand_over(self, session: Session, mail: Mail, outreach_id: str) -> Attempt:
        sender, to, raw, eight_bit = mail
        options: tuple[str, ...] = ()
        if needs_utf8(sender + to):
            if "smtputf8" not in session.extensions:
                return Attempt(Result.FAILED, f"{ADDRESS}{NO_UTF8}")
            options = ("SMTPUTF8",)
        if eight_bit:
            options = (*options, "BODY=8BITMIME")
        if self._bounces is not None:
            sender = self._bounces.of(outreach_id)
        if self._dkim is not None:
            raw = await asyncio.to_thread(self._dkim.sign, raw)
        return await session.send(Envelope(sender, to, options), raw)

    async def close(self) -> None:
        """Politely where that is possible at once."""
        sessions, self._sessions = self._sessions, []
        CONNECTED.set(0)
        await asyncio.gather(*(session.quit() for session in sessions), return_exceptions=True)


def _unsubscribing(url: str | None) -> dict[str, str]:
    """Mail programs show a button for these, which posts to the address (RFC 8058)."""
    if url is None:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _answering(thread: Thread | None) -> dict[str, str]:
    """Mail programs show it with the message that it answers; other channels' names tell them nothing."""
    named = thread.in_reply_to if thread is not None else None
    found = MESSAGE_ID.fullmatch(named or "")
    if found is None or len(found[1]) > LONGEST_ID:
        return {}
    return dict.fromkeys(("In-Reply-To", "References"), f"<{found[1]}>")


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
