"""How fast a channel may send: its rate limit, which all workers share by one document of the store."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from services.followup.domain.rows import PACE
from services.followup.domain.rules.rates import RateLimit
from shared.schemas.times import Micros, micros

TRIES = 3
"""Another worker may be faster; then nothing is granted for now."""
AGAIN_SECONDS = 0.02
HELD = timedelta(minutes=1)
"""A message is held back by the limit if the limit said no so lately."""

Limits = Callable[[str, Micros], RateLimit | None]
"""A channel's limit, by the rules in force at a time; None where there is none."""


def no_limit(channel: str, at: Micros) -> None:
    """Any channel may send as fast as it can."""


class Pace:
    """Of one channel. The document says when the next message would go; a grant moves it on, unless another
    worker has moved it meanwhile. Workers' clocks must agree as far as the limit is to be kept."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        channel: str,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._paces = database[PACE]
        self._channel = channel
        self._limits = limits
        self._clock = clock
        self._at: Micros | None = None
        self._refused_at: datetime | None = None
        self.wait_seconds = 0.0
        """Until the next message may go, as the last grant left it."""

    async def grant(self, wanted: int) -> int:
        """How many of the wanted messages may go now."""
        now = self._clock()
        limit = self._limits(self._channel, micros(now))
        if limit is None or not wanted:
            self.wait_seconds = 0.0
            return wanted
        for _ in range(TRIES):
            granted = limit.grant(self._at, micros(now), wanted)
            if not granted.messages and self._at is not None:
                # Others may have moved it on; nobody moves it back.
                self.wait_seconds = max(0.001, (limit.opens(granted.at) - micros(now)) / 1_000_000)
                self._refused_at = now
                return 0
            if await self._moved(granted.at):
                self.wait_seconds = 0.0
                if granted.messages < wanted:
                    self._refused_at = now
                return granted.messages
        self.wait_seconds, self._refused_at = AGAIN_SECONDS, now
        return 0

    def held(self, since: datetime, now: datetime) -> bool:
        """Whether what was ready since then waits for the limit."""
        refused = self._refused_at
        return refused is not None and refused >= max(since, now - HELD)

    async def _moved(self, at: Micros) -> bool:
        """Whether it was as we knew it, and is moved on; else it is read."""
        try:
            if self._at is None:
                await self._paces.insert_one({"_id": self._channel, "at": at})
                self._at = at
                return True
            known = {"_id": self._channel, "at": self._at}
            if (await self._paces.update_one(known, {"$set": {"at": at}})).matched_count:
                self._at = at
                return True
        except DuplicateKeyError:
            pass
        found = await self._paces.find_one({"_id": self._channel})
        self._at = found["at"] if found else None
        return False
