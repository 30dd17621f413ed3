"""Mail that comes back: what it says of a message of ours is told to followup by a command."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from services.interactions.domain.mails import MailRow, own_key
from shared.mail.addresses import BounceAddress
from shared.mail.returned import Returned, believed, read
from shared.runtime.words import words
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.event import Event

SOURCE = "/rapport/interactions/mail"
SOON = timedelta(minutes=10)
"""What comes back so soon may be heard before what was sent is known here."""
Heard = Literal["report", "unknown_report", "not_yet"]

log = structlog.get_logger(__name__)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs all that it does not know


class Known(Protocol):
    """What is asked of the store."""

    async def mails(self, names: Sequence[str]) -> list[MailRow]: ...


class Receipts:
    """Finds the message of each report, and hands it on: the same mail is the same command."""

    def __init__(
        self,
        store: Known,
        publish: Callable[[Sequence[Event]], Awaitable[None]],
        keys: Sequence[bytes],
        bounces: BounceAddress | None,
    ) -> None:
        self._store = store
        self._publish = publish
        self._keys = keys
        self._bounces = bounces

    def signed(self, addresses: Sequence[str]) -> tuple[str, ...]:
        """The messages whose envelope these addresses are."""
        if self._bounces is None:
            return ()
        return tuple(name for one in addresses if (name := self._bounces.read(one)))

    async def take(
        self, raw: bytes, recipients: Sequence[str], taken_at: datetime | None, now: datetime
    ) -> Heard | None:
        """None where it says nothing of a message: no report, or one of a delay. Raises what the store or the
        broker raise while they are away."""
        found = await asyncio.to_thread(_read, raw, tuple(recipients))
        if found is None:
            return None
        names = believed(found, self._keys, self._bounces)
        row = next((row for row in await self._store.mails(names) if row.key in map(own_key, names)), None)
        if row is None:
            soon = taken_at is not None and now - taken_at < SOON
            return "not_yet" if names and soon else "unknown_report"
        await self._publish([self._event(raw, found, row, names, now)])
        return "report"

    def _event(self, raw: bytes, found: Returned, row: MailRow, names: Sequence[str], now: datetime) -> Event:
        outreach_id = next(name for name in names if own_key(name) == row.key)
        told = {"outreach_id": outreach_id, "what": found.what, "kind": found.kind, "code": found.code}
        id = hashlib.sha256(outreach_id.encode() + b"\n" + raw).hexdigest()[:32]
        return Event(id, SOURCE, row.customer_id, now, ReceiptReported.model_validate(told))


def _read(raw: bytes, recipients: tuple[str, ...]) -> Returned | None:
    """Whatever a mail does to the parser, it is one mail."""
    try:
        return read(raw, recipients)
    except Exception as error:  # what it is stays with the mail; the next one is read
        log.warning("a mail that came back cannot be read", error=words(error))
        return None
