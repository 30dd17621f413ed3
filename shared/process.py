"""The Faust App of a worker as we run it: no Kafka of its own, nothing but JSON lines, and a stop in time."""

import asyncio
from asyncio import all_tasks
from collections.abc import Awaitable, Callable
from typing import TypeVar

import faust
from faust.app.base import BootStrategy

T = TypeVar("T")

ENDING_SECONDS = 0.1


class _Boot(BootStrategy):
    enable_kafka = False


class App(faust.App):
    BootStrategy = _Boot

    def _create_directories(self) -> None:
        """None: it has no tables, and the file system may be read-only."""


class Worker(faust.Worker):
    """Its ending takes two seconds more than it needs as Mode has it."""

    def __init__(self, app: App, loglevel: str) -> None:
        super().__init__(app, loglevel=loglevel, override_logging=False, redirect_stdouts=False, quiet=True)
        self.spinner = None  # it would write to the terminal, in the middle of JSON lines

    def _gather_all(self) -> None:
        """What is left by now does not heed its cancellation, and ends with the process."""
        for task in all_tasks(loop=self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(ENDING_SECONDS))

    async def _sentinel_task(self) -> None:
        """Nothing is waited for."""


async def apart(work: Awaitable[T], each_second: Callable[[], None] = lambda: None) -> T:
    """Wait for this, however long it takes. Cancelled, leave it behind at once: a driver's call may heed
    its own cancellation late."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            each_second()
            await asyncio.wait({task}, timeout=1.0)
        return task.result()
    finally:
        task.cancel()


async def within(seconds: float, work: Awaitable[object]) -> None:
    """Wait for this so long at most, and leave it behind then."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        task.result()
    task.cancel()
