"""What all members together have, as Prometheus gauges, refreshed from the store by the API.

Each replica of the API shows the same numbers: take ``max`` over them, not a sum.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import structlog
from fastapi import FastAPI
from pymongo.errors import PyMongoError

from services.loyalty import telemetry
from services.loyalty.domain.liability import liability
from services.loyalty.domain.program import Program
from services.loyalty.domain.times import micros
from services.loyalty.store import LoyaltyStore, Sums

log = structlog.get_logger(__name__)

_TIER = "tier "


def show(months: Sums, totals: Sums, program: Program) -> None:
    """Set every gauge from the store's sums, valued by this version of the program."""
    found = liability(months, totals.get("points", {}), program)
    telemetry.OUTSTANDING.set(found.outstanding)
    telemetry.PENDING.set(found.pending)
    telemetry.OWED.set(found.owed)
    telemetry.LIABILITY.labels(program.currency).set(found.money)
    for key, sums in totals.items():
        if key.startswith(_TIER):
            telemetry.MEMBERS.labels(key.removeprefix(_TIER)).set(sums.get("members", 0))


async def refresh(app: FastAPI) -> None:
    """Read the sums and set every gauge."""
    store = LoyaltyStore(app.state.database)
    program = app.state.programs.at(micros(await app.state.clock.now(None)))
    show(await store.liability(), await store.totals(), program)
    telemetry.REFRESHED.set_to_current_time()


def gauges(seconds: float) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The part of the API that refreshes them every so many seconds."""

    @contextlib.asynccontextmanager
    async def part(app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(_keep_fresh(app, seconds, stop))
        try:
            yield
        finally:
            # Asked, not cancelled: under Python 3.11 a cancellation can get lost inside a driver's call
            # (asyncio.wait_for drops it when its awaitable is just done), and the wait would never end.
            stop.set()
            await task

    return part


async def _keep_fresh(app: FastAPI, seconds: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await refresh(app)
        except (PyMongoError, OSError) as error:
            log.warning("loyalty gauges not refreshed", error=str(error)[:300])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
