"""From a mail that came back to the command that reports it."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import structlog
from pymongo.asynchronous.database import AsyncDatabase

from services.followup import telemetry
from services.followup.domain.rows import COLLECTION
from shared.mail.addresses import BounceAddress
from shared.mail.returned import Returned, believed, read
from shared.runtime.words import words
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.event import Event

SOURCE = "/rapport/followup/returns"
Heard = Literal["reported", "unknown", "ignored"]
"""What a mail came to: a command; a report of no message of ours; no report at all, or of a delay."""

log = structlog.get_logger(__name__)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs all that it does not know


class ReturnsRuntime(Protocol):
    """What is needed of the worker."""

    @property
    def database(self) -> AsyncDatabase[dict[str, Any]]: ...
    @property
    def stopping(self) -> asyncio.Event: ...
    def now(self, customer_id: str) -> datetime: ...
    async def publish_events(self, events: Sequence[Event]) -> None: ...


class Reader(Protocol):
    """Takes mails in."""

    async def take(self, raw: bytes, recipients: tuple[str, ...] = ()) -> Heard: ...


class ReturnsReader:
    """Finds the message of each mail, and reports it: whoever takes the same mail in twice reports it once,
    since the command's id is made from the mail."""

    def __init__(self, runtime: ReturnsRuntime, keys: Sequence[bytes], bounces: BounceAddress | None) -> None:
        self._runtime = runtime
        self._keys = keys
        self._bounces = bounces

    async def take(self, raw: bytes, recipients: tuple[str, ...] = ()) -> Heard:
        """What it came to. Raises what the store or the broker raise while they are away: then nothing has
        happened, and it is to be handed in again."""
        found = await asyncio.to_thread(_read, raw, recipients)
        heard: Heard = "ignored" if found is None else await self._report(raw, found)
        telemetry.RETURNS.labels(found.what if found else "none", heard).inc()
        return heard

    async def _report(self, raw: bytes, found: Returned) -> Heard:
        known = await self._message(found)
        if known is None:
            log.warning("a mail came back of which no message is known", what=found.what)
            return "unknown"
        outreach_id, customer = known
        told = {"outreach_id": outreach_id, "what": found.what, "kind": found.kind, "code": found.code}
        name = hashlib.sha256(outreach_id.encode() + b"\n" + raw).hexdigest()[:32]
        data = ReceiptReported.model_validate(told)
        event = Event(name, SOURCE, customer, self._runtime.now(customer), data)
        await self._runtime.publish_events([event])
        return "reported"

    async def _message(self, found: Returned) -> tuple[str, str] | None:
        """(id, customer)"""
        rows = self._runtime.database[COLLECTION]
        for outreach_id in believed(found, self._keys, self._bounces):
            row = await rows.find_one({"_id": outreach_id, "channel": "email"}, {"customer": True})
            if row is not None and isinstance(row.get("customer"), str):
                return outreach_id, row["customer"]
        return None


def _read(raw: bytes, recipients: tuple[str, ...]) -> Returned | None:
    """Whatever a mail does to the parser, it is one mail."""
    try:
        return read(raw, recipients)
    except Exception as error:  # what it is stays with the mail; the next one is read
        log.warning("a mail that came back cannot be read", error=words(error))
        return None
