"""E-mail, by SMTP: what a message looks like, and the connections that it goes by."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP as SMTP_DEFAULTS

from aiosmtplib import SMTPException
from prometheus_client import Counter, Gauge, Histogram
from pydantic import Field, SecretStr, field_validator

from services.followup.channels.addresses import NO_UTF8, AddressError, mailable, needs_utf8
from services.followup.channels.base import Attempt, Channel, ChannelAwayError, ChannelSettings, Result
from services.followup.channels.quick_mail import Written, written
from services.followup.channels.smtp import Envelope, Server, Session, greeted
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.reports import ADDRESS
from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import REPLY
from services.followup.domain.state import Customer, address_mark
from services.followup.returns.addresses import BounceAddress, checked
from shared.runtime.settings import Port

HEADERS = HeaderRegistry()
# Else it is cut at a colon, which ids may have. (Typeshed does not know that the registry mixes classes.)
HEADERS.map_to_type("message-id", UnstructuredHeader)  # type: ignore[arg-type]
# A header that does not fit its line is folded into encoded words, and no mail client decodes those in
# List-Unsubscribe: so lines may be as long as RFC 5322 allows.
SMTP_POLICY = SMTP_DEFAULTS.clone(max_line_length=998, header_factory=HEADERS)
UTF8_POLICY = SMTP_POLICY.clone(utf8=True)
"""For addresses that no encoded word may stand for: headers are written as they are."""
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
    smtp_port: Port = 25
    smtp_tls: bool = False
    """TLS from the first byte (usually port 465)."""
    smtp_starttls: bool | None = None
    """Whether to upgrade to TLS; None: if the server offers it."""
    smtp_utf8: bool | None = None
    """Whether the server takes addresses with letters beyond ASCII before the @ (SMTPUTF8); None: as it says
    when the first message to such an address goes, which is remembered."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: float = Field(default=30.0, gt=0, le=300)
    """Seconds for the server to answer a step."""
    smtp_connections: int = Field(default=8, ge=1, le=100)
    """At once, of each worker; as many messages are under way."""
    bounce_address: str | None = None
    """As ``FollowupSettings.bounce_address``."""
    secret_key: SecretStr | None = None
    """What it is signed with."""

    @field_validator("bounce_address")
    @classmethod
    def _bounces(cls, value: str | None) -> str | None:
        return None if value is None else checked(value)

    def channels(self) -> Sequence[Channel]:
        return (Email(self),)


class BadMessageError(Exception):
    """The message cannot be made into an e-mail: an impossible address or header."""


class Email(Channel):
    """A few connections to the SMTP server, made when needed and kept."""

    name = "email"
    parts = ("subject.txt", "txt", "html")
    dependency = "smtp"

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._sessions: list[Session] = []
        self._idle: list[Session] = []
        """Those that no message is with; the one that was used last goes next."""
        self.connections = settings.smtp_connections
        key = settings.secret_key.get_secret_value().encode() if settings.secret_key else b""
        self._bounces = BounceAddress.parse(settings.bounce_address, key) if settings.bounce_address else None
        self.patience = timedelta(seconds=2 * settings.smtp_timeout + 10)

    def address(self, customer: Customer) -> str | None:
        """The profile's, its domain in ASCII."""
        return None if customer.email is None or self.unusable(customer) else mailable(customer.email)

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
        doubtful = [one for one in self._idle if not one.alive or one.idle_seconds > FRESH_SECONDS]
        self._idle = [one for one in self._idle if one not in doubtful]
        for session in doubtful:
            if session.alive:
                await session.answers()
            self._give_back(session)
        missing = min(wanted, self.connections) - len(self._sessions)
        if missing <= 0:
            return
        found = await asyncio.gather(*(greeted(self._server) for _ in range(missing)), return_exceptions=True)
        made = [one for one in found if isinstance(one, Session)]
        self._sessions += made
        self._idle += made
        CONNECTED.set(len(self._sessions))
        for error in found:
            if isinstance(error, BaseException):
                OUTAGES.inc()
                if not isinstance(error, SMTPException | OSError | ValueError):
                    raise error
                if not self._sessions:
                    raise ChannelAwayError(_text(error)) from error

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
        )

    @property
    def is_open(self) -> bool:
        return self.lanes > 0

    @property
    def lanes(self) -> int:
        return sum(session.alive for session in self._sessions)

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        try:
            message = written(delivery, at) or build(delivery, at)
        except BadMessageError as fault:
            return Attempt(Result.FAILED, str(fault))
        session = self._take()
        if session is None:
            return Attempt(Result.LATER, "not connected")
        started = time.perf_counter()
        try:
            return await self._hand_over(session, message, delivery.outreach_id)
        finally:
            SEND_SECONDS.observe(time.perf_counter() - started)
            self._give_back(session)

    def _take(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if session.alive:
                return session
            self._give_back(session)
        return None

    def _give_back(self, session: Session) -> None:
        if session.alive:
            self._idle.append(session)
            return
        session.abort()
        self._sessions.remove(session)
        CONNECTED.set(len(self._sessions))

    async def _hand_over(
        self, session: Session, message: EmailMessage | Written, outreach_id: str
    ) -> Attempt:
        if isinstance(message, Written):
            sender, to, raw = message
        else:
            sender, to = (message[header].addresses[0].addr_spec for header in ("From", "To"))
            raw = message.as_bytes()
        if self._bounces is not None:
            sender = self._bounces.of(outreach_id)
        options: tuple[str, ...] = ()
        if needs_utf8(sender + to):
            if "smtputf8" not in session.extensions:
                return Attempt(Result.FAILED, f"{ADDRESS}{NO_UTF8}")
            options = ("SMTPUTF8",)
        return await session.send(Envelope(sender, to, options), raw)

    async def close(self) -> None:
        """Politely where that is possible at once."""
        sessions, self._sessions, self._idle = self._sessions, [], []
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


def build(delivery: Delivery, date: datetime) -> EmailMessage:
    """The e-mail of a message. Raises ``BadMessageError``.

    Headers go through ``EmailMessage``, which refuses line breaks: no value can become a header."""
    try:
        sender, to = mailable(delivery.sender.address), mailable(delivery.to.address)
        message = EmailMessage(policy=UTF8_POLICY if needs_utf8(sender + to) else SMTP_POLICY)
        message["From"] = _party(delivery.sender.name, sender)
        message["To"] = _party(_name(delivery.to.name), to)
        message["Subject"] = delivery.subject
        message["Date"] = date
        # By this an answer finds its way back.
        message["Message-ID"] = f"<{delivery.outreach_id}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "no" if delivery.rule == REPLY else "auto-generated"
        for name, value in delivery.headers.items():
            message[name] = value
        message.set_content(delivery.text)
        message.add_alternative(delivery.html, subtype="html")
        message.as_bytes()
    except Exception as error:  # the e-mail package raises nearly everything on impossible input
        raise BadMessageError(f"{type(error).__name__}: {error}") from error
    return message


def _party(name: str, address: str) -> Address:
    """Raises ``ValueError``, or what the e-mail package raises, where the address is not one bare address."""
    if address.isascii():
        return Address(name, addr_spec=address)
    if not address.isprintable() or " " in address:
        raise ValueError("the address has characters that nobody sees")
    # The package takes letters beyond ASCII only of an address in its parts, which it then does not check.
    Address(addr_spec="".join(c if c.isascii() else "x" for c in address))
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _name(name: str) -> str:
    """A display name without control characters: one that is odd must not cost the message."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
