"""What an API keeps fresh from the store in the background, such as its gauges."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog
from fastapi import FastAPI
from pymongo.errors import PyMongoError

from shared.runtime.words import words

log = structlog.get_logger(__name__)


def refreshing(
    refresh: Callable[[FastAPI], Awaitable[None]], seconds: float
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A ``Part`` that calls ``refresh`` every so many seconds; a store that is away is waited for."""

    @contextlib.asynccontextmanager
    async def part(app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(_keep_fresh(app, refresh, seconds, stop))
        try:
            yield
        finally:
            # Asked, not cancelled: under Python 3.11 a cancellation can get lost inside a driver's call
            # (asyncio.wait_for drops it when its awaitable is just done), and the wait would never end.
            stop.set()
            await task

    return part


async def _keep_fresh(
    app: FastAPI, refresh: Callable[[FastAPI], Awaitable[None]], seconds: float, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await refresh(app)
        except (PyMongoError, OSError) as error:
            log.warning("not refreshed", what=refresh.__module__, error=words(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
