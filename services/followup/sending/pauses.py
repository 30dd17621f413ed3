"""How long a channel's sender does nothing after a failure: longer each time, up to a limit."""

import asyncio
import contextlib

import structlog

from services.followup.channels.base import ChannelAwayError
from shared.runtime.telemetry import RETRIES
from shared.runtime.words import words

log = structlog.get_logger(__name__)

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 10.0


class Pauses:
    """Of one sender."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._seconds = FIRST_SECONDS

    def over(self) -> None:
        """It goes well."""
        self._seconds = FIRST_SECONDS

    async def pause(self) -> None:
        """The next one."""
        await self.let_pass(self._seconds)
        self._seconds = min(self._seconds * 2, LONGEST_SECONDS)

    async def for_channel(self, needed: str, away: ChannelAwayError) -> None:
        """The next one, until the server that is ``needed`` may be there."""
        RETRIES.labels("followup", needed).inc()
        log.warning("waiting for a dependency", dependency=needed, error=words(away), retry_in=self._seconds)
        await self.pause()

    async def let_pass(self, seconds: float) -> None:
        """So many seconds, or fewer where the worker stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
