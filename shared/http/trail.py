"""Who read or changed what about a person, written in the background: no request waits for it.

Entries wait in memory until there are some hundred or a second has passed. A process that is killed loses
those of its last second; while the store is away the newest ``MOST`` wait, and what is lost is counted.
"""

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from shared.runtime.telemetry import AUDIT_LOST
from shared.runtime.trail import AUDIT

SECONDS, AT_ONCE, MOST = 1.0, 500, 20_000
CLOSING_S = 3.0
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


class Trail:
    """Of one process. ``note`` waits for nothing; ``keep`` writes for as long as it is entered."""

    def __init__(self, service: str, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database[AUDIT.name]
        self._waiting: deque[dict[str, Any]] = deque()
        self._many = asyncio.Event()
        self._closing = False
        self._lost = AUDIT_LOST.labels(service)

    def note(self, entries: Sequence[Entry]) -> None:
        """To be written soon. Where too many wait, the oldest is lost."""
        # Named here, so that what is written again after an answer that was lost is there once.
        self._waiting += [{"_id": uuid.uuid4().hex, **asdict(entry)} for entry in entries]
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
            try:
                await self._rows.insert_many(some, ordered=False)
            except BulkWriteError as error:
                if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                    log.warning("the audit trail waits", why="the store refused some of it")
                    return
            except PyMongoError as error:
                log.warning("the audit trail waits", why=type(error).__name__)
                return
            written = {one["_id"] for one in some}
            while self._waiting and self._waiting[0]["_id"] in written:
                self._waiting.popleft()
