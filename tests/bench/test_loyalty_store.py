"""The loyalty path with its store, beside bare PyMongo bulk writes of the same documents."""

import asyncio
import cProfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.loyalty.domain.state import MemberState
from services.loyalty.worker import handler
from shared.domain import Collection
from shared.journal.documents import Document, Writes, writes_of
from shared.journal.plan import Plan, StoredState
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.runtime.settings import Settings
from tests.bench.events import purchases
from tests.bench.loyalty import PARTITIONS, Accepting, batches_of, decoded
from tests.bench.report import show_profile, show_ratio

pytestmark = pytest.mark.bench

EVENTS = 8_000
CUSTOMERS = 500
RUNS = 3


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("bench-mongo")
    with start_mongo(Home(root)) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


class Recording(WorkerStore[MemberState]):
    """Keeps what each transaction wrote, so that bare PyMongo can write the very same."""

    written: list[Writes]

    async def write(
        self, plan: Plan[MemberState], stored: Mapping[str, StoredState[MemberState]], **options: Any
    ) -> None:
        await super().write(plan, stored, **options)
        made = {name: options[name] for name in ("partition", "attempt", "watermark")}
        self.written.append(writes_of(plan, stored, **made))


async def _ours(mongo: str, *, record: bool) -> tuple[float, list[Writes]]:
    """Events per second: decode, load, apply, one transaction per batch. And what was written."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True)
    await client.drop_database("rapport_loyalty")
    settings = Settings(kafka="unused:1", mongo=mongo, secret_key="benchmark-benchmark")
    loyalty = handler(settings)
    store = (Recording if record else WorkerStore)(client, loyalty)
    if isinstance(store, Recording):
        store.written = []
    await store.prepare()
    target = JournalProcessor(loyalty, store, Accepting(), secret_key=b"k" * 16, stream=False)
    await target.assigned(frozenset(range(PARTITIONS)), 2)
    batches = batches_of(purchases(EVENTS, CUSTOMERS))
    started = time.perf_counter()
    for batch in batches:
        await target.process(decoded(batch))
    seconds = time.perf_counter() - started
    assert await client["rapport_loyalty"]["journal"].count_documents({}) == EVENTS
    await client.close()
    return EVENTS / seconds, store.written if isinstance(store, Recording) else []


async def _bare(mongo: str, written: list[Writes], collections: Sequence[Collection]) -> float:
    """The limit: the same documents, made beforehand, in as many transactions, by PyMongo alone."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True)
    await client.drop_database("rapport_bare")
    database = client["rapport_bare"]
    await database["timers"].create_index("due_at")
    for collection in collections:
        await database[collection.name].create_index([("member", 1), ("seq", -1)])
    started = time.perf_counter()
    for writes in written:
        async with client.start_session() as session, await session.start_transaction():
            await database["journal"].insert_many(writes.journal, ordered=False, session=session)
            await database["state"].bulk_write(writes.states, ordered=False, session=session)
            for name, documents in writes.inserts.items():
                await database[name].insert_many(documents, ordered=False, session=session)
            for name, changes in writes.changes.items():
                await database[name].bulk_write(changes, ordered=False, session=session)
    seconds = time.perf_counter() - started
    assert await database["journal"].count_documents({}) == EVENTS
    await client.close()
    return EVENTS / seconds


def test_the_loyalty_path_beside_bare_bulk_writes(mongo: str) -> None:
    _, written = asyncio.run(_ours(mongo, record=True))
    collections = handler(
        Settings(kafka="unused:1", mongo=mongo, secret_key="benchmark-benchmark")
    ).collections
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(asyncio.run(_ours(mongo, record=False))[0])
        bare.append(asyncio.run(_bare(mongo, written, collections)))
    profile = cProfile.Profile()
    profile.enable()
    asyncio.run(_ours(mongo, record=False))
    profile.disable()
    show_ratio(
        f"Loyalty with its store ({EVENTS:,} purchases of {CUSTOMERS} members, {RUNS} runs each, in turn)",
        ("Rapport: decode, load, apply, transaction", ours),
        ("PyMongo bulk writes of the same documents", bare),
        aim=0.6,
    )
    show_profile("Where the loyalty path's own process spends its time (own time)", profile)
