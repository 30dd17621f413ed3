"""Who read or changed what about a person, written in the background: no request waits for it.

Entries wait in memory until there are some hundred or a second has passed. A process that is killed loses
those of its last second; while the store is away the newest ``MOST`` wait, and what is lost is counted.

Of somebody who has been erased it says the hash: who asked for that, and who asked for them since. That is
asked before it is written, so that no clear id is ever there, and again afterwards: whoever is erased in
between may have had their eraser pass by already.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from shared.facts.erased import ERASED_IDS, erased_hash
from shared.runtime.telemetry import AUDIT_LOST
from shared.runtime.trail import AUDIT

SECONDS, AT_ONCE, MOST = 1.0, 500, 20_000
CLOSING_S = 3.0
NAME_BYTES = 16
DUPLICATE_KEY = 11000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, about one customer; None of a list that named none."""

    customer: str | None
    principal: str | None
    """None of a customer's own page, which a link opens."""
    method: str
    route: str
    status: int
    outcome: str
    at: datetime


_FIELDS = tuple(field.name for field in fields(Entry))


class Trail:
    """Of one process. ``note`` waits for nothing; ``keep`` writes for as long as it is entered."""

    def __init__(self, service: str, database: AsyncDatabase[dict[str, Any]], erased_by: bytes) -> None:
        """``erased_by``: the key of erased ids' hashes."""
        self._rows, self._erased, self._key = database[AUDIT.name], database[ERASED_IDS], erased_by
        self._waiting: deque[dict[str, Any]] = deque()
        self._many = asyncio.Event()
        self._closing = False
        self._lost = AUDIT_LOST.labels(service)

    def note(self, entries: Sequence[Entry]) -> None:
        """To be written soon. Where too many wait, the oldest is lost."""
        # Named here, so that what is written again after an answer that was lost is there once.
        names = os.urandom(NAME_BYTES * len(entries)).hex()
        for n, entry in enumerate(entries):
            row: dict[str, Any] = {"_id": names[2 * NAME_BYTES * n : 2 * NAME_BYTES * (n + 1)]}
            for field in _FIELDS:  # dataclasses.asdict copies each value deeply: 20 times as dear
                row[field] = getattr(entry, field)
            self._waiting.append(row)
        while len(self._waiting) > MOST:
            self._waiting.popleft()
            self._lost.inc()
        if len(self._waiting) >= AT_ONCE:
            self._many.set()

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Write on while entered, and what is left at the end."""
        writing = asyncio.create_task(self._write_on())
        try:
            yield
        finally:
            # It ends by itself: within the driver a cancellation that meets an answer is lost (Python 3.11).
            self._closing = True
            self._many.set()
            await asyncio.wait({writing}, timeout=CLOSING_S)
            writing.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self.flush()
            self._lost.inc(len(self._waiting))

    async def _write_on(self) -> None:
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), SECONDS)
            self._many.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; it goes on waiting where the store is away."""
        while self._waiting:
            some = [self._waiting[n] for n in range(min(AT_ONCE, len(self._waiting)))]
            hashes = {
                erased_hash(self._key, who): who for row in some if (who := row["customer"]) is not None
            }
            try:
                gone = await self._gone(hashes)
                for row in some:  # where it waits, too: what is written again says no more than this time
                    row["customer"] = gone.get(row["customer"], row["customer"])
                await self._insert(some)
                await self._hide_erased(some, hashes)
            except BulkWriteError:
                log.warning("the audit trail waits", why="the store refused some of it")
                return
            except PyMongoError as error:
                log.warning("the audit trail waits", why=type(error).__name__)
                return
            written = {one["_id"] for one in some}
            while self._waiting and self._waiting[0]["_id"] in written:
                self._waiting.popleft()

    async def _insert(self, some: Sequence[dict[str, Any]]) -> None:
        """Those that are there already were written by a try that had no answer."""
        try:
            await self._rows.insert_many(some, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise

    async def _hide_erased(self, some: Sequence[dict[str, Any]], hashes: Mapping[str, str]) -> None:
        """Asked once they are written: whoever is erased after that, their eraser finds the rows."""
        for customer, hash in (await self._gone(hashes)).items():
            theirs = [row["_id"] for row in some if row["customer"] == customer]
            await self._rows.update_many({"_id": {"$in": theirs}}, {"$set": {"customer": hash}})

    async def _gone(self, hashes: Mapping[str, str]) -> dict[str | None, str]:
        """Who of these are erased by now, each with the hash."""
        gone = await self._erased.find({"_id": {"$in": [*hashes]}}, {"_id": 1}).to_list() if hashes else ()
        return {hashes[one["_id"]]: one["_id"] for one in gone}
