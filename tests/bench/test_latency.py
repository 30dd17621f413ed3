"""From an event told to a balance that can be read over HTTP: purchases of customers whom nobody knows yet,
by ``POST /events`` and straight into Kafka, while others buy at 10 % and at half of what the loyalty worker
takes beside all other parts of the embedded stack. ``RAPPORT_BENCH_LATENCY=300`` chooses another number of
purchases that are looked for."""

import asyncio
import os
import random
import re
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.request import urlopen

import aiohttp
import pytest
from rich.table import Table

from rapport import broker
from rapport.lag import measure
from rapport.trouble import TroubleError
from shared.kafka.brokers import Brokers
from shared.kafka.publisher import Publisher, Record
from tests.bench.events import purchase
from tests.bench.loyalty import HEADERS
from tests.bench.report import console
from tests.stack import STRUCTURED, Stack, until

pytestmark = pytest.mark.bench

PROBES = int(os.environ.get("RAPPORT_BENCH_LATENCY", "200"))
BURST, CUSTOMERS = 20 * PROBES, 1_000
LOADS = (0.1, 0.5)
AIM_MS = 250.0
TICK_S, LOOK_S, LONGEST_S = 0.02, 0.005, 60.0
WAYS = ("POST /events", "straight into Kafka")


class Seen(NamedTuple):
    """Seconds since an event was told."""

    acknowledged: float
    readable: float


def _records() -> Iterator[Record]:
    """What others buy, without end: of customers who come back, as of now."""
    run, n = uuid.uuid4().hex[:8], 0
    while True:
        customer = f"buyer-{n * 7919 % CUSTOMERS:06d}"
        key, value = purchase(customer, n, f"{run}-{n}", f"{run}-o-{n}", datetime.now(UTC))
        yield Record("purchases", key, value, HEADERS)
        n += 1


def _waits(stack: Stack) -> int:
    """Purchases that loyalty has not committed; -1 where the broker is too busy to say it."""
    try:
        with broker.admin(Brokers(stack.env["RAPPORT_KAFKA"])) as client:
            rows = measure(client)
    except TroubleError:
        return -1
    return sum(row.lag for row in rows if row.group.endswith("loyalty") and row.topic == "purchases")


async def _capacity(stack: Stack, publisher: Publisher, records: Iterator[Record]) -> float:
    """Purchases a second that loyalty takes, all others at work too."""
    burst = [next(records) for _ in range(BURST)]
    began = time.perf_counter()
    await publisher.publish(burst)
    await asyncio.to_thread(until, lambda: _waits(stack) == 0, "loyalty has all", 600)
    return BURST / (time.perf_counter() - began)


@asynccontextmanager
async def _others(publisher: Publisher, records: Iterator[Record], rate: float) -> AsyncIterator[None]:
    """They buy so often while it is entered."""

    async def buy() -> None:
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while True:
            due = int((loop.time() - began) * rate) - sent
            await publisher.publish([next(records) for _ in range(due)])
            sent += due
            await asyncio.sleep(TICK_S)

    buying = asyncio.create_task(buy())
    yield
    buying.cancel()


async def _probe(
    stack: Stack, publisher: Publisher, session: aiohttp.ClientSession, way: str, n: int
) -> Seen:
    customer = f"probe-{uuid.uuid4().hex}"
    key, value = purchase(customer, n, f"p-{customer}", f"o-{customer}", datetime.now(UTC))
    url = f"{stack.env['RAPPORT_LOYALTY_URL']}/members/{customer}"
    began = time.perf_counter()
    if way == WAYS[0]:
        told = f"{stack.env['RAPPORT_INTERACTIONS_URL']}/events"
        async with session.post(told, data=value, headers={"Content-Type": STRUCTURED}) as answer:
            assert answer.status == 202, await answer.text()
    else:
        await publisher.publish([Record("purchases", key, value, HEADERS)])
    acknowledged = time.perf_counter() - began
    last = ""
    while time.perf_counter() - began < LONGEST_S:
        async with session.get(url) as answer:
            last = f"{answer.status}: {await answer.text()}"
            if answer.status == 200 and (await answer.json())["balance"] > 0:
                return Seen(acknowledged, time.perf_counter() - began)
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"no balance of probe {n}, {way}, within {LONGEST_S} s; last: {last}")


async def _at(stack: Stack, publisher: Publisher, way: str) -> Sequence[Seen]:
    found = []
    async with aiohttp.ClientSession(headers={"X-API-Key": stack.env["RAPPORT_API_KEY"]}) as session:
        for n in range(PROBES):
            found.append(await _probe(stack, publisher, session, way, n))
            await asyncio.sleep(random.uniform(0, 0.1))  # in step with nothing
    return found


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000


_counted = re.compile(r'rapport_batch_seconds_(sum|count)\{service="loyalty",stage="(\w+)"\} (\S+)').findall


def _stages(stack: Stack) -> dict[str, tuple[float, float]]:
    """Of loyalty's batches so far, by stage: seconds, and how many."""
    part = stack.parts()["loyalty-worker"]
    with urlopen(f"http://{part.host}:{part.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, dict[str, float]] = {}
    for what, stage, number in _counted(text):
        found.setdefault(stage, {})[what] = float(number)
    return {stage: (one["sum"], one["count"]) for stage, one in found.items()}


def _show_stages(load: float, before: Mapping[str, tuple[float, float]], stack: Stack) -> None:
    means = {}
    for stage, (seconds, count) in _stages(stack).items():
        was, batches = before.get(stage, (0.0, 0.0))
        if count > batches:
            means[stage] = (seconds - was) / (count - batches) * 1000
    told = ", ".join(f"{stage} {mean:.0f}" for stage, mean in means.items())
    console.print(f"at {load:.0%}, a batch of loyalty's takes milliseconds: {told}")


async def _run(stack: Stack) -> list[tuple[float, str, Sequence[Seen]]]:
    publisher, records, found = Publisher(Brokers(stack.env["RAPPORT_KAFKA"])), _records(), []
    await publisher.start()
    await publisher.connected()
    await _capacity(stack, publisher, records)  # all is met for the first time
    most = await _capacity(stack, publisher, records)
    console.print(f"loyalty takes {most:,.0f} purchases a second beside all other parts")
    for load in LOADS:
        await asyncio.to_thread(until, lambda: _waits(stack) == 0, "loyalty has all", 600)
        before = _stages(stack)
        for way in WAYS:
            async with _others(publisher, records, load * most):
                await asyncio.sleep(1)
                found.append((load, way, await _at(stack, publisher, way)))
        _show_stages(load, before, stack)
    await publisher.stop()
    return found


def test_from_an_event_told_to_a_balance_read(stack: Stack) -> None:
    table = Table(title=f"From produce to a readable balance, {PROBES} purchases each", title_justify="left")
    for column in ("load", "way", "acknowledged p50", "p99", "readable p50", "p99", f"aim {AIM_MS:.0f} ms"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for load, way, seen in asyncio.run(_run(stack)):
        told, read = (
            _percentiles([one.acknowledged for one in seen]),
            _percentiles([one.readable for one in seen]),
        )
        word = "reached" if read[1] < AIM_MS else "not reached"
        table.add_row(f"{load:.0%}", way, *(f"{one:,.0f} ms" for one in (*told, *read)), word)
    console.print(table)
