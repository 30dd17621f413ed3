"""Mail that comes back, handed in by a mail server over LMTP (RFC 2033), which keeps it until it is taken."""

import asyncio
import contextlib
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope as Received

from services.followup.returns.reader import Reader
from shared.mail.connections import Connections
from shared.runtime.words import words

MOST_BYTES = 25 * 1024 * 1024
IDLE_SECONDS = 60.0
RETRY_SECONDS = 5.0
MOST_CONNECTIONS = 20
"""At once; a mail server comes again."""
LONGEST_LINE = 1024 * 1024
"""Bytes: what is returned has lines as its writer made them, and a report that is refused is lost."""

log = structlog.get_logger(__name__)


class Handler:
    """Each mail has one recipient: LMTP wants an answer for each, and one that came back has one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Received, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Received) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode()
        try:
            heard = await self._reader.take(raw, tuple(map(str, envelope.rcpt_tos)))
        except Exception as error:  # the broker, the store: the server keeps it and comes again
            log.warning("mail that came back waits", error=words(error))
            return "451 4.3.0 Come again later"
        return f"250 2.0.0 OK ({heard})"


class _Lmtp(LMTP):
    line_length_limit = LONGEST_LINE


async def serve(host: str, port: int, reader: Reader, stopping: asyncio.Event) -> None:
    """Until the worker stops. Where the port is another worker's, it is waited for."""
    loop = asyncio.get_running_loop()
    connections = Connections(MOST_CONNECTIONS)

    def protocol() -> LMTP:
        return _Lmtp(
            Handler(reader),
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="rapport",
            ident="rapport",
            timeout=IDLE_SECONDS,
            loop=loop,
        )

    while not stopping.is_set():
        try:
            server = await loop.create_server(lambda: connections.next(protocol), host, port)
        except OSError as error:
            log.warning("cannot listen for mail that comes back", host=host, port=port, error=words(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
            continue
        try:
            await stopping.wait()
        finally:
            server.close()
            connections.close()
