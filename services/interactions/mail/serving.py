"""The server that mail is handed to: LMTP (RFC 2033) or SMTP. Whoever hands mail over keeps it until it is
taken."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Received

from services.interactions.mail.settings import MailSettings
from services.interactions.mail.taking import Envelope, NotYetError, Result
from services.interactions.mail.telemetry import CONNECTIONS, MAILS
from shared.mail.connections import Connections
from shared.runtime.words import words

MOST_RECIPIENTS = 50
IDLE_SECONDS = 120.0
"""For a command, and for a whole mail."""
LONGEST_LINE = 1024 * 1024
"""Bytes; many programs write lines that are longer than they may be."""
TAKE_SECONDS = 60.0
GRACE_SECONDS = 5.0

OK = "250 2.0.0 OK"
LATER = "451 4.3.0 Come again later"
REFUSED: dict[Result, str] = {
    "loop": "554 5.4.6 It goes in circles",
    "nobody": "554 5.6.0 It does not say who it is from",
    "unreadable": "554 5.6.0 It cannot be read",
}
"""What will never be taken."""

log = structlog.get_logger(__name__)


class Takes(Protocol):
    """What becomes of mails."""

    async def take(self, raw: bytes, envelope: Envelope) -> Result: ...


class Handler:
    """Answers for one mail at a time."""

    def __init__(self, taker: Takes, settings: MailSettings) -> None:
        self._taker = taker
        self._settings = settings
        self._busy = 0
        self.idle = asyncio.Event()
        """Set while no mail is being taken."""
        self.idle.set()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Received, address: str, options: list[str]
    ) -> str:
        if not self._settings.takes(address):
            return "550 5.1.1 No such address here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Received) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode()
        sender = (envelope.mail_from or "").strip("<>")  # of the null sender it keeps the brackets
        answer = await self._answer(raw, Envelope(sender, tuple(envelope.rcpt_tos)))
        # LMTP wants an answer for each recipient.
        count = len(envelope.rcpt_tos) if isinstance(server, LMTP) else 1
        return "\r\n".join([answer] * count)

    async def handle_exception(self, error: Exception) -> str:
        """Of what the protocol itself met: a line that cannot be read, say."""
        log.warning("a connection for mail failed", error=type(error).__name__)
        return LATER

    async def _answer(self, raw: bytes, envelope: Envelope) -> str:
        self._busy += 1
        self.idle.clear()
        try:
            return await self._taken(raw, envelope)
        finally:
            self._busy -= 1
            if not self._busy:
                self.idle.set()

    async def _taken(self, raw: bytes, envelope: Envelope) -> str:
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                result = await self._taker.take(raw, envelope)
        except NotYetError:
            MAILS.labels("later").inc()
            return LATER
        except Exception as error:  # the broker, the store: the server keeps it and comes again
            MAILS.labels("later").inc()
            log.warning("a mail waits", error=words(error))
            return LATER
        MAILS.labels(result).inc()
        return REFUSED.get(result, f"{OK} ({result})")


class _Lmtp(LMTP):
    line_length_limit = LONGEST_LINE


class _Smtp(SMTP):
    line_length_limit = LONGEST_LINE


class MailServer:
    """Listens until it is stopped."""

    def __init__(self, settings: MailSettings, taker: Takes) -> None:
        self._settings = settings
        self._handler = Handler(taker, settings)
        self._tls = _tls(settings)
        self._connections = Connections(settings.mail_connections)
        self._server: asyncio.Server | None = None

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Where it listens."""
        sockets = self._server.sockets if self._server is not None else ()
        return [one.getsockname()[:2] for one in sockets]

    async def start(self) -> None:
        """Raises ``OSError`` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connected, self._settings.mail_host or self._settings.host, self._settings.mail_port
        )
        log.info("listening for mail", protocol=self._settings.mail_protocol, at=self.addresses)

    async def stop(self) -> None:
        """No more connections; mails that are being taken have a few seconds."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._handler.idle.wait()
        self._connections.close()
        CONNECTIONS.set(0)

    def _connected(self) -> asyncio.Protocol:
        found = self._connections.next(self._protocol)
        CONNECTIONS.set(len(self._connections.living()))
        return found

    def _protocol(self) -> SMTP:
        known = self._settings
        return (_Lmtp if known.mail_protocol == "lmtp" else _Smtp)(
            self._handler,
            data_size_limit=known.mail_max_bytes,
            enable_SMTPUTF8=True,
            hostname="rapport",
            ident="rapport",
            tls_context=self._tls,
            require_starttls=known.mail_tls_required,
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )


def _tls(settings: MailSettings) -> ssl.SSLContext | None:
    if settings.mail_tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.mail_tls_cert, settings.mail_tls_key)
    return context
