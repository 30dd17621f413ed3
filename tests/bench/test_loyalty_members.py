"""The loyalty path with few and with many members in the store, and what a batch asks of the store.

A thousand buy ten times each in a run: their states grow to 22 orders where a million's stay at 13 or so.

``RAPPORT_BENCH_MEMBERS=1000,10000`` chooses sizes (a million takes minutes to load);
``RAPPORT_BENCH_HOME`` names a folder that keeps the loaded store for the next time.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from rapport.embedded import mongo as server
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.loyalty.domain.state import MemberState
from shared.journal.plan import Plan, StoredState, Timer
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.runtime.heap import settle_heap
from shared.runtime.mongo import Document
from tests.bench.events import START, purchase
from tests.bench.loyalty import BATCH, PARTITIONS, Accepting, batches_of, decoded
from tests.bench.members import ORDERS, copies_of, fill, loyalty_of, name_of, restore
from tests.bench.report import Run, show_sizes

pytestmark = pytest.mark.bench

SIZES = tuple(int(n) for n in os.environ.get("RAPPORT_BENCH_MEMBERS", "1000,100000,1000000").split(","))
EVENTS = 10_000
SOME = 1_000
RUNS = 3
AIM = 0.8
COMMANDS_A_BATCH = 12
"""Reads: due timers, states, the rest of their reply. Writes: one for each collection, and the commit."""


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    kept = os.environ.get("RAPPORT_BENCH_HOME")
    root: Path = Path(kept) if kept else tmp_path_factory.mktemp("bench-members")
    with start_mongo(Home(root)) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


class Timed(WorkerStore[MemberState]):
    """Counts the states it reads, and the seconds of each kind of call."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seconds: Counter[str] = Counter()
        self.read = 0

    async def load(self, subjects: Sequence[str], most: int) -> dict[str, StoredState[MemberState]]:
        started = time.perf_counter()
        found = await super().load(subjects, most)
        self.seconds["load"] += time.perf_counter() - started
        self.read += len(found)
        return found

    async def due_timers(self, partition: int, partitions: int, horizon: datetime, limit: int) -> list[Timer]:
        started = time.perf_counter()
        due = await super().due_timers(partition, partitions, horizon, limit)
        self.seconds["timers"] += time.perf_counter() - started
        return due

    async def write(
        self, plan: Plan[MemberState], stored: Mapping[str, StoredState[MemberState]], **options: Any
    ) -> None:
        started = time.perf_counter()
        await super().write(plan, stored, **options)
        self.seconds["transaction"] += time.perf_counter() - started


def _stage(service: str, stage: str) -> float:
    labels = {"service": service, "stage": stage}
    return REGISTRY.get_sample_value("rapport_batch_seconds_sum", labels) or 0.0


def _records(numbers: Sequence[int], salt: str) -> list[tuple[bytes, bytes]]:
    return [
        purchase(name_of(m), n, f"r-{salt}-{n}", f"o-{salt}-{n}", START + timedelta(seconds=n))
        for n, m in enumerate(numbers)
    ]


async def _run(mongo: str, size: int, numbers: Sequence[int]) -> Run:
    """A purchase of each of these members, in this order; a new processor, so nothing is in memory yet."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True)
    loyalty = loyalty_of(size, mongo)
    store = Timed(client, loyalty)
    target = JournalProcessor(loyalty, store, Accepting(), secret_key=b"k" * 16, stream=False)
    await target.assigned(frozenset(range(PARTITIONS)), 2)
    batches = batches_of(_records(numbers, uuid4().hex[:8]))
    before = {stage: _stage(loyalty.service, stage) for stage in ("apply", "publish")}
    journal = await store.database["journal"].estimated_document_count()
    started = time.perf_counter()
    for batch in batches:
        decoding = time.perf_counter()
        ready = decoded(batch)
        store.seconds["decode"] += time.perf_counter() - decoding
        await target.process(ready)
    seconds = time.perf_counter() - started
    assert await store.database["journal"].estimated_document_count() == journal + len(numbers)
    for stage, was in before.items():
        store.seconds[stage] = _stage(loyalty.service, stage) - was
    changed = sum(len({key for key, _, _ in batch}) for batch in batches)
    copies = await copies_of(client, loyalty)
    await restore(store.database, copies, sorted(set(numbers)))
    await client.close()
    return Run(len(numbers) / seconds, seconds, store.read, changed, dict(store.seconds))


def _same(chance: random.Random, size: int) -> list[int]:
    return chance.choices(chance.sample(range(size), SOME), k=EVENTS)


def _turns(chance: random.Random, size: int) -> list[int]:
    blocks = range(0, EVENTS, PARTITIONS * BATCH)
    return [m for _ in blocks for m in chance.choices(chance.sample(range(size), SOME), k=PARTITIONS * BATCH)]


def _all(chance: random.Random, size: int) -> list[int]:
    return chance.choices(range(size), k=EVENTS)


@pytest.mark.parametrize(
    ("who", "buyers"),
    [
        (f"{SOME:,} members: only the store differs", _same),
        (f"{SOME:,} members, others in each round: a large store's are cold", _turns),
        ("all members: a large store's are cold, and a batch touches more of them", _all),
    ],
    ids=["same", "turns", "all"],
)
def test_a_million_members_beside_a_thousand(
    mongo: str, who: str, buyers: Callable[[random.Random, int], list[int]]
) -> None:
    asyncio.run(fill(mongo, SIZES))
    settle_heap()  # as a worker's process does
    runs: dict[int, list[Run]] = {size: [] for size in SIZES}
    for number in range(RUNS):
        for size in SIZES:
            runs[size].append(asyncio.run(_run(mongo, size, buyers(random.Random(number), size))))
    name, _ = server.choose(os.environ)
    show_sizes(
        f"Loyalty by members in the store: {EVENTS:,} purchases by {who}\n"
        f"{RUNS} runs of each size in turn, {ORDERS} orders per member, {name}",
        runs,
        aim=AIM,
    )


@dataclass
class Counting(CommandListener):
    """Commands sent, by name and collection."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def started(self, event: CommandStartedEvent) -> None:
        target = event.command.get("collection") or event.command.get(event.command_name)
        self.sent[event.command_name, str(target)] += 1

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


async def _commands(mongo: str, events: int) -> Counter[tuple[str, str]]:
    """What one batch of so many events, each of another member, sends to the store."""
    counting = Counting()
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True, event_listeners=[counting])
    loyalty = loyalty_of(0, mongo)
    store = WorkerStore(client, loyalty)
    await client.drop_database(store.database.name)
    await store.prepare()
    copies = await copies_of(client, loyalty)
    records = _records(range(events * PARTITIONS * 2), uuid4().hex[:8])
    batch = decoded(batches_of(records, events)[0])
    assert len(batch.messages) == events
    members = [int(message.event.subject[5:]) for message in batch.messages]
    await store.database["state"].insert_many([copies.state(n) for n in members])
    target = JournalProcessor(loyalty, store, Accepting(), secret_key=b"k" * 16, stream=False)
    await target.assigned(frozenset({batch.partition}), 2)
    counting.sent.clear()
    await target.process(batch)
    sent = counting.sent.copy()
    await client.close()
    return sent


def test_round_trips_do_not_grow_with_the_batch(mongo: str) -> None:
    totals = []
    for events in (2, 50, BATCH):
        sent = asyncio.run(_commands(mongo, events))
        totals.append(sent.total())
        print(f"{events} events: {', '.join(f'{c} {name} {n}x' for (c, name), n in sorted(sent.items()))}")
        assert sent["find", "state"] == 1
        assert sent["commitTransaction", "1"] == 1
    assert max(totals) <= min(COMMANDS_A_BATCH, totals[0] + 1)  # the one: the rest of a large reply
