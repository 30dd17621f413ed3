"""What it costs to forget: a customer of 10,000 events, what others wait for it meanwhile, and the look
whether somebody was erased, with 100,000 who were.

``RAPPORT_BENCH_ERASED_EVENTS=2000`` chooses a shorter life.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo import AsyncMongoClient
from rich.table import Table

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from shared.facts.erased import erased_hash
from shared.journal.drafting import Drafter
from shared.journal.partition import PartitionMemory
from shared.journal.plan import StoredState
from shared.journal.planner import Planner
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.keys import partition_of
from shared.runtime.mongo import Document
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.worker.budget import Budget
from shared.worker.processing import Batch, Message, Origin
from tests.bench.events import START, purchase
from tests.bench.loyalty import PARTITIONS, Accepting, batches_of, decoded
from tests.bench.members import loyalty_of
from tests.bench.report import console

pytestmark = pytest.mark.bench

LONG = int(os.environ.get("RAPPORT_BENCH_ERASED_EVENTS", "10000"))
OTHERS = 500
ENDS = START - timedelta(days=30)
"""Of the long life; others go on."""
SECONDS = 5.0
"""For which others are served before, for comparison."""
MOST_S = 300.0
ERASING_AIM_S, LOOK_AIM_US = 5.0, 0.1
WHO = "cust-of-long"
KEY = b"benchmark-benchmark"

ERASED = 100_000
EVENTS, BATCH = 1_000_000, 500
CUSTOMERS = (20_000, 100_000)
"""Of a partition: of so many all states stay warm, of so many they do not."""
NOTHING: Any = None
PARTS = 4
PART = EVENTS // BATCH // PARTS
TEXT = 1_500
"""Characters of a state."""


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_mongo(Home(tmp_path_factory.mktemp("bench-erasing"))) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


class Served:
    """One worker, its store, and what others do there all the time."""

    def __init__(self, target: JournalProcessor[Any], at: datetime) -> None:
        self.target, self.at, self.events, self._n = target, at, 0, 0
        self._offset = 2 * LONG
        """Beyond those of the long life, in every partition."""
        self.longest = 0.0
        """Seconds of a batch with what is done after it."""

    async def round(self) -> None:
        """A hundred purchases of others, and what the worker does between batches."""
        records = []
        for _ in range(100):
            self._n += 1
            self.at += timedelta(seconds=1)
            uid = f"n-{self._n:07d}"
            records.append(purchase(f"other-{self._n * 7919 % OTHERS}", self._n, uid, uid, self.at))
        first, self._offset = self._offset, self._offset + len(records)
        for batch in batches_of(records):
            batch = [(key, value, first + offset) for key, value, offset in batch]
            began = time.perf_counter()
            await self.target.process(decoded(batch))
            await self.target.idle(None)
            self.longest = max(self.longest, time.perf_counter() - began)
            self.events += len(batch)

    async def rate(self, until: float) -> float:
        """Events a second until then."""
        began, before = time.perf_counter(), self.events
        while time.perf_counter() < until:
            await self.round()
        return (self.events - before) / (time.perf_counter() - began)


@asynccontextmanager
async def served(mongo: str) -> AsyncIterator[Served]:
    async with AsyncMongoClient[Document](mongo, tz_aware=True) as client:
        loyalty = loyalty_of(LONG, mongo)
        store = WorkerStore(client, loyalty)
        await store.prepare()
        target = JournalProcessor(loyalty, store, Accepting(), secret_key=KEY, stream=True)
        await target.assigned(frozenset(range(PARTITIONS)), PARTITIONS)
        life = (
            purchase(who, n, f"{who}-{n}", f"o-{who}-{n}", ENDS - timedelta(hours=2 * (LONG - n)))
            for n in range(LONG)
            for who in ([WHO, f"other-{n % OTHERS}"] if n % 2 else [WHO])
        )
        for batch in batches_of(life):
            await target.process(decoded(batch))
        yield Served(target, ENDS)


def erasure(at: datetime) -> Batch:
    partition = partition_of(WHO.encode(), PARTITIONS)
    event = Event("the-end", "/api/interactions/bench", WHO, at, CustomerErased())
    message = Message(partition, at, event, Origin("customers", partition, 0))
    return Batch(partition, PARTITIONS, (message,), at, at)


def completed() -> float:
    name, labels = "rapport_erasures_completed_total", {"service": f"loyalty_{LONG}"}
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def _measured(mongo: str) -> None:
    async with served(mongo) as worker:
        alone = await worker.rate(time.perf_counter() + SECONDS)
        before, calm, worker.longest = worker.events, worker.longest, 0.0
        began = time.perf_counter()
        await worker.target.process(erasure(worker.at))
        gone = time.perf_counter() - began
        while not completed():
            await worker.round()
            assert time.perf_counter() - began < MOST_S, "it does not end"
        seconds = time.perf_counter() - began
        meanwhile = (worker.events - before) / seconds
    table = Table(title=f"A customer of {LONG:,} events is erased", title_justify="left")
    for column in ("", "alone", "meanwhile"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("others' events a second", f"{alone:,.0f}", f"{meanwhile:,.0f}")
    table.add_row("their longest batch, ms", f"{calm * 1e3:,.0f}", f"{worker.longest * 1e3:,.0f}")
    console.print(table)
    word = "reached" if seconds < ERASING_AIM_S else "not reached"
    console.print(
        f"their state is gone after {gone * 1e3:,.0f} ms, all of them after {seconds:.1f} s; "
        f"aim {ERASING_AIM_S:.0f} s: {word}\n"
    )


def test_a_long_life_goes_and_others_are_served(mongo: str) -> None:
    asyncio.run(_measured(mongo))
    assert completed() == 1


def drawn(chance: random.Random, customers: int) -> list[list[str]]:
    """Batches of a partition's customers, of whom few come often and many seldom (Zipf, 1.1)."""
    weights = list(accumulate(1 / rank**1.1 for rank in range(1, customers + 1)))
    names = [f"cust-{number:07d}" for number in chance.sample(range(customers), customers)]
    stream = chance.choices(names, cum_weights=weights, k=EVENTS)
    return [stream[start : start + BATCH] for start in range(0, EVENTS, BATCH)]


class Looking:
    """A partition's memory under the default budget, and what looks among the erased."""

    def __init__(self, erased: set[str]) -> None:
        self._budget = Budget()
        self._memory: PartitionMemory[Any] = PartitionMemory(1, self._budget, erased)
        planner: Planner[Any] = Planner(loyalty_of(1, "mongodb://unused"), KEY, stream=True, erased_by=KEY)
        unasked: Any = None
        self._drafter: Drafter[Any] = Drafter("bench", unasked, planner, lambda: START, self._budget)

    def look(self, batches: Sequence[Sequence[str]]) -> tuple[int, int]:
        """How many states were loaded, as the budget did not keep them warm, and how many of their ids had
        been looked up before."""
        loads = known = 0
        for batch in batches:
            self._budget.advance()
            ids = dict.fromkeys(batch)
            states = self._memory.states(ids)
            loaded = {id: StoredState(NOTHING, 1, TEXT) for id in ids if id not in states}
            known += sum(id in self._memory.unerased for id in loaded)
            assert not self._drafter._looked_up(self._memory, loaded)
            self._memory.keep(loaded)
            loads += len(loaded)
        return loads, known

    def cost(self, count: int = 10_000) -> tuple[float, float]:
        """Microseconds of a look the first time, and again: the least that was seen."""
        steps = [[f"{n}-{at}" for at in range(100)] for n in range(count // 100)]
        loaded = [{id: StoredState(NOTHING, 1, TEXT) for id in ids} for ids in steps]
        return min(map(self._timed, loaded)), min(map(self._timed, loaded))

    def _timed(self, loaded: Mapping[str, StoredState[Any]]) -> float:
        began = time.perf_counter()
        self._drafter._looked_up(self._memory, loaded)
        return (time.perf_counter() - began) / len(loaded) * 1e6


def test_the_look_whether_somebody_was_erased() -> None:
    erased = {erased_hash(KEY, f"gone-{n}") for n in range(ERASED)}
    first, again = Looking(erased).cost()
    table = Table(title=f"The look among {ERASED:,} who were erased", title_justify="left")
    for column in ("customers", "events", "states loaded", "looked up before", "µs an event"):
        table.add_column(column, justify="right")
    last = []
    for customers in CUSTOMERS:
        looking, batches = Looking(erased), drawn(random.Random(1), customers)
        for some in (batches[place * PART : (place + 1) * PART] for place in range(PARTS)):
            loads, known = looking.look(some)
            events = len(some) * BATCH
            us = ((loads - known) * first + known * again) / events
            table.add_row(f"{customers:,}", f"{events:,}", f"{loads:,}", f"{known:,}", f"{us:.3f}")
        last.append(us)
    console.print(table)
    word = "reached" if last[0] < LOOK_AIM_US else "not reached"
    console.print(f"a look takes {first:.2f} µs, again {again:.2f} µs")
    console.print(f"aim {LOOK_AIM_US} µs an event where states are warm: {word}\n")
    assert len(last) == len(CUSTOMERS)
