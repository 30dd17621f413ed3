"""Ordinary events while breaches fall due, 10,000 in an hour and ten times as many; and beside 100,000 clocks
that are not due. And how long all 10,000 take that are due at once."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient
from rich.table import Table

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.interactions.domain.state import Customer
from services.interactions.worker import handler
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Record
from shared.runtime.mongo import Document
from shared.runtime.settings import Settings
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.worker.processing import Batch, Message, Origin
from tests.bench.loyalty import PARTITIONS, Accepting
from tests.bench.report import console

pytestmark = pytest.mark.bench

BREACHES, RUNNING, CUSTOMERS = 10_000, 100_000, 5_000
SECONDS = 60.0
STEP = 500
HOUR = datetime(2026, 1, 7, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("bench-mongo")
    with start_mongo(Home(root)) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


Fact = tuple[str, datetime, Data]
"""Customer, time, what happened."""


class Bench:
    """Interactions on a store of its own, in the place of the record loop."""

    def __init__(self, mongo: str, name: str) -> None:
        settings = Settings(kafka="unused:1", mongo=mongo, secret_key="benchmark-benchmark")
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True)
        self._handler = replace(handler(settings), service=f"interactions_{name}")
        self._publisher = Accepting()
        self._told = 0
        self._now = dict.fromkeys(range(PARTITIONS), HOUR - timedelta(hours=2))

    async def start(self) -> None:
        store: WorkerStore[Customer] = WorkerStore(self._client, self._handler)
        await self._client.drop_database(store.database.name)
        await store.prepare()
        self.database = store.database
        self._target = JournalProcessor(
            self._handler, store, self._publisher, secret_key=b"k" * 16, stream=True
        )
        await self._target.assigned(frozenset(range(PARTITIONS)), 2)

    async def stop(self) -> None:
        await self._client.close()

    async def process(
        self, partition: int, facts: Sequence[tuple[str, datetime, Data]], to: datetime
    ) -> None:
        """A batch, and all timers due by ``to``."""
        messages = []
        for customer, at, data in facts:
            self._told += 1
            event = Event(f"e-{self._told}", "/bench", customer, at, data)
            origin = Origin(data.topic, partition, self._told)
            raw = Record(data.topic, customer.encode(), b"", ())
            messages.append(Message(partition, at, event, origin, raw))
        horizon = max(self._now[partition], to)
        await self._target.process(
            Batch(partition, PARTITIONS, tuple(messages), self._now[partition], horizon)
        )
        self._now[partition] = horizon

    async def open(self, count: int, severity: str, first: datetime, spread: timedelta, name: str) -> None:
        """So many complaints of as many customers, opened over a time."""
        queues: dict[int, list[Fact]] = {p: [] for p in range(PARTITIONS)}
        for n in range(count):
            customer, at = f"{name}-{n:07d}", first + spread * (n / count)
            opened = ComplaintOpened.model_validate(
                {
                    "complaint_id": customer,
                    "channel": "email",
                    "category": "delivery",
                    "severity": severity,
                    "description": "It is late.",
                }
            )
            queues[partition_of(customer.encode(), PARTITIONS)].append((customer, at, opened))
        for partition, queue in queues.items():
            for start in range(0, len(queue), STEP):
                facts = queue[start : start + STEP]
                await self.process(partition, facts, facts[-1][1])

    async def live(self, rate: float, speed: float) -> list[float]:
        """Seconds from the arrival to the end of each event's batch, at so many events a second. Event time
        runs faster by ``speed``; without events a partition has a batch a second, for its timers."""
        count, delays = int(rate * SECONDS), list[float]()
        queues: dict[int, list[tuple[float, str]]] = {p: [] for p in range(PARTITIONS)}
        for n in range(count):
            customer = f"cust-{n * 7919 % CUSTOMERS:06d}"
            queues[partition_of(customer.encode(), PARTITIONS)].append((n / rate, customer))
        started, last = time.perf_counter(), dict.fromkeys(queues, 0.0)
        while any(queues.values()) or time.perf_counter() - started < SECONDS:
            for partition, queue in queues.items():
                elapsed = time.perf_counter() - started
                arrived = [one for one in queue[:STEP] if one[0] <= elapsed]
                if not arrived and elapsed < last[partition] + 1:
                    continue
                del queue[: len(arrived)]
                last[partition] = elapsed
                facts: list[Fact] = [(customer, _at(at, speed), LOGGED) for at, customer in arrived]
                await self.process(partition, facts, _at(elapsed, speed))
                done = time.perf_counter() - started
                delays += [done - at for at, _ in arrived]
            await asyncio.sleep(0.001)
        await self.drain(_at(SECONDS, speed))
        return delays

    async def drain(self, to: datetime) -> None:
        """All that is due by then."""
        for partition in range(PARTITIONS):
            await self.process(partition, [], to)

    async def told(self) -> int:
        found: int = await self.database["timeline"].count_documents(
            {"type": "rapport.complaint.sla_breached.v1"}
        )
        return found


def _at(seconds: float, speed: float) -> datetime:
    return HOUR + timedelta(seconds=speed * min(seconds, SECONDS))


LOGGED = InteractionLogged.model_validate(
    {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "Where is my parcel?"}
)


async def _capacity(mongo: str) -> float:
    """Events a second, as fast as it goes."""
    bench = Bench(mongo, "capacity")
    await bench.start()
    facts = [(f"cust-{n * 7919 % CUSTOMERS:06d}", HOUR, LOGGED) for n in range(8 * STEP)]
    started = time.perf_counter()
    for partition in range(PARTITIONS):
        mine = [one for one in facts if partition_of(one[0].encode(), PARTITIONS) == partition]
        for start in range(0, len(mine), STEP):
            await bench.process(partition, mine[start : start + STEP], HOUR)
    seconds = time.perf_counter() - started
    await bench.stop()
    return len(facts) / seconds


async def _beside(
    mongo: str, name: str, rate: float, speed: float, breaches: int, running: int
) -> tuple[list[float], int]:
    bench = Bench(mongo, name)
    await bench.start()
    if running:
        await bench.open(running, "low", HOUR - timedelta(minutes=10), timedelta(minutes=10), "far")
    if breaches:
        await bench.open(breaches, "critical", HOUR - timedelta(hours=1), timedelta(hours=1), "due")
    delays = await bench.live(rate, speed)
    told = await bench.told()
    await bench.stop()
    return delays, told


async def _at_once(mongo: str) -> float:
    bench = Bench(mongo, "at_once")
    await bench.start()
    await bench.open(BREACHES, "critical", HOUR - timedelta(hours=1), timedelta(minutes=20), "due")
    await bench.drain(HOUR - timedelta(seconds=1))  # their warnings
    started = time.perf_counter()
    await bench.drain(HOUR + timedelta(hours=1))
    seconds = time.perf_counter() - started
    assert await bench.told() == BREACHES
    await bench.stop()
    return seconds


def test_events_beside_breaches_and_beside_clocks_that_run(mongo: str) -> None:
    rate = asyncio.run(_capacity(mongo)) / 2
    table = Table(title=f"Ordinary events at half load, {rate:,.0f}/s, for {SECONDS:.0f} s")
    for column in ("beside", "events", "p50 ms", "p99 ms", "breaches told"):
        table.add_column(column, justify="left" if column == "beside" else "right")
    found = {}
    for name, speed, breaches, running in (
        ("nothing", 1.0, 0, 0),
        (f"{RUNNING:,} clocks running", 1.0, 0, RUNNING),
        (f"{BREACHES:,} breaches an hour", 1.0, BREACHES, 0),
        (f"{10 * BREACHES:,} breaches an hour", 10.0, BREACHES, 0),
    ):
        database = f"{breaches}_{running}_{speed:.0f}"
        delays, told = asyncio.run(_beside(mongo, database, rate, speed, breaches, running))
        cuts = [1e3 * cut for cut in statistics.quantiles(delays, n=100)]
        found[name] = cuts[98]
        table.add_row(name, f"{len(delays):,}", f"{cuts[49]:.1f}", f"{cuts[98]:.1f}", f"{told:,}")
        assert told == (int(breaches * speed * SECONDS / 3600) + 1 if breaches else 0)
    console.print(table)
    for name, p99 in found.items():
        ratio = p99 / found["nothing"]
        console.print(f"p99 beside {name}: {ratio:.2f} of that beside nothing; aim: 2 at most")
    seconds = asyncio.run(_at_once(mongo))
    console.print(f"{BREACHES:,} breaches due at once, with their escalations: {seconds:.1f} s")
