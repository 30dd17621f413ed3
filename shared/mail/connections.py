"""How many connections a server for mail has open at once: who is one too many is told to come again."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiosmtpd.smtp import SMTP

BUSY = b"421 4.3.2 Too many connections, come again later\r\n"
Protocol = TypeVar("Protocol", bound=SMTP)


class Connections:
    """Of one server."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[SMTP] = set()

    def next(self, make: Callable[[], Protocol]) -> Protocol | "Busy":
        """The protocol of the connection that is being made, for ``create_server``."""
        if len(self.living()) >= self._most:
            return Busy()
        protocol = make()
        self._open.add(protocol)
        return protocol

    def living(self) -> list[SMTP]:
        """Those that are open, and those that are about to be: many may be made in one turn of the loop."""
        self._open = {one for one in self._open if _lives(one)}
        return list(self._open)

    def close(self) -> None:
        """All of them."""
        for one in self.living():
            if one.transport is not None:
                one.transport.close()


class Busy(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(BUSY)
        transport.close()


def _lives(protocol: SMTP) -> bool:
    if protocol.transport is None:
        return protocol.session is None  # not made yet; afterwards it has had a session
    return not protocol.transport.is_closing()
