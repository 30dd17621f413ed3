"""Events a second of ``POST /events`` on one API process of the embedded stack, by batches of several sizes
and over several connections, beside a bare route that looks at nothing and publishes as many records, made
beforehand, by the same producer to the same broker. The workers stand still meanwhile.
``RAPPORT_BENCH_INGEST=10000`` chooses another number of events a run; of single ones it is a tenth."""

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from rich.table import Table

from tests.bench.bare import Server, bare_server
from tests.bench.events import START, purchase
from tests.bench.report import console, processor_seconds
from tests.frozen import frozen
from tests.stack import BATCH, Stack

pytestmark = pytest.mark.bench

EVENTS = int(os.environ.get("RAPPORT_BENCH_INGEST", "20000"))
RUNS, CUSTOMERS = 3, 5_000
SIZES, CONNECTIONS = (1, 20, 100, 500), (1, 8)
AIM = 0.8


class Found(NamedTuple):
    """Of one run."""

    rate: float
    """Events a second."""
    cost: float
    """Microseconds of the server's processor an event."""


@pytest.fixture(scope="module")
def bare(stack: Stack) -> Iterator[Server]:
    with bare_server("tests.bench.bare_ingest", stack.env["RAPPORT_KAFKA"]) as server:
        yield server


def _bodies(count: int, size: int) -> list[bytes]:
    """Purchases that were never told before, as batches."""
    run = uuid.uuid4().hex[:8]
    events = [
        purchase(
            f"cust-{n * 7919 % CUSTOMERS:06d}", n, f"{run}-{n}", f"{run}-o-{n}", START + timedelta(seconds=n)
        )[1]
        for n in range(count)
    ]
    return [b"[" + b",".join(events[n : n + size]) + b"]" for n in range(0, count, size)]


def _requests(path: str, key: str, bodies: Sequence[bytes]) -> list[bytes]:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: {BATCH}\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


async def _send(port: int, requests: Sequence[bytes], connections: int) -> None:
    waiting = iter(requests)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))


def _run(server: Server, requests: Sequence[bytes], connections: int, events: int) -> Found:
    before, began = processor_seconds(server.pid), time.perf_counter()
    asyncio.run(_send(server.port, requests, connections))
    seconds = time.perf_counter() - began
    return Found(events / seconds, (processor_seconds(server.pid) - before) / events * 1e6)


def test_events_by_batches(stack: Stack, bare: Server) -> None:
    port = urlsplit(stack.env["RAPPORT_INTERACTIONS_URL"]).port
    assert port is not None
    ours, key = Server(port, stack.pid("interactions-api")), stack.env["RAPPORT_API_KEY"]
    asyncio.run(_send(port, _requests("/events", key, _bodies(2_000, 500)), 1))  # it has met the type then
    workers = [stack.pid(part) for part in stack.parts() if part.endswith("-worker")]
    table = Table(
        title=f"POST /events, beside a bare route ({RUNS} runs each, in turn)", title_justify="left"
    )
    for column in ("events a batch", "connections", "events/s", "bare", "ratio", "API µs an event", "bare"):
        table.add_column(column, justify="right")
    ratios = {}
    for size in SIZES:
        events = max(size * 8, EVENTS // 10 if size == 1 else EVENTS)
        for connections in CONNECTIONS:
            runs: list[tuple[Found, Found]] = []
            for _ in range(RUNS):
                bodies = _bodies(events, size)
                told, looked_at = _requests("/events", key, bodies), _requests(f"/events/{size}", key, bodies)
                with frozen(*workers):
                    runs.append(
                        (_run(ours, told, connections, events), _run(bare, looked_at, connections, events))
                    )
            ratios[size, connections] = statistics.median(one.rate / other.rate for one, other in runs)
            rates = (statistics.median(run[side].rate for run in runs) for side in (0, 1))
            costs = (statistics.median(run[side].cost for run in runs) for side in (0, 1))
            table.add_row(
                f"{size}",
                f"{connections}",
                *(f"{rate:,.0f}" for rate in rates),
                f"{ratios[size, connections]:.2f}",
                *(f"{cost:.0f}" for cost in costs),
            )
    console.print(table)
    best = max(ratios.values())
    console.print(f"the best ratio {best:.2f}; aim {AIM}: {'reached' if best >= AIM else 'not reached'}\n")
