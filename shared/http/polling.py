"""Asking the journal again and again until the answer is there, or the time is up."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.http.problems import STORE_AWAY

FIRST_POLL_S = 0.01
SLOWEST_POLL_S = 0.1

T = TypeVar("T")


async def polled(ask: Callable[[], Awaitable[T | None]], deadline: float) -> T | None:
    """The first answer that is not None; None where there is none by ``deadline``, in the event loop's time.
    A store that is away is asked again."""
    pause, loop = FIRST_POLL_S, asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            # A cancellation that meets an answer is lost within the driver (``wait_for``, Python 3.11).
            while loop.time() < deadline:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, SLOWEST_POLL_S)
                with contextlib.suppress(*STORE_AWAY):
                    if (answer := await ask()) is not None:
                        return answer
    return None
