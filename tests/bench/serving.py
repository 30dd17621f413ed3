"""The interactions API on a socket of this process, for benchmarks that read: their client's own time counts
too."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from shared.runtime.heap import settle_heap


class NoBroker:
    """The API under test writes nothing."""

    ready = True

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions(self, topic: str) -> int:
        return 1

    async def publish(self, records: Any) -> None:
        raise AssertionError


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As run_api does: asyncio leaves it to sockets of another making, and each answer waits for 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        serving = asyncio.create_task(running.serve(sockets=[listener]))
        async with asyncio.timeout(8):
            await _started(running)
        settle_heap()  # as run_api does: all that pytest holds would be walked with it
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        running.should_exit = True
        await serving


async def _started(running: uvicorn.Server) -> None:
    if not running.started:  # it tells it in no other way
        await asyncio.sleep(0.01)
        await _started(running)
