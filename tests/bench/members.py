"""Members in a store: one is made by the real domain, the others are copies of it under other ids."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from rich.progress import Progress

from services.loyalty.domain.state import MemberState
from services.loyalty.worker import handler
from shared.domain import Handler
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore
from shared.kafka.keys import key_hash
from shared.runtime.mongo import Document
from shared.runtime.settings import Settings
from tests.bench.events import START, purchase
from tests.bench.loyalty import Accepting, decoded
from tests.bench.report import console

ORDERS = 12
JOURNALLED = 10
"""The last purchase of every tenth member is in the journal and the ledger."""
STEP = 2_000
SPREAD_DAYS = 300


def name_of(number: int) -> str:
    return f"cust-{number:07d}"


def loyalty_of(size: int, mongo: str) -> Handler[MemberState]:
    """Loyalty with a database of its own for each size, so that runs of all sizes can take turns."""
    settings = Settings(kafka="unused:1", mongo=mongo, secret_key="benchmark-benchmark")
    return replace(handler(settings), service=f"loyalty_{size}")


class Copies:
    """What the store keeps of a member after about a year: ``ORDERS`` purchases, a lot of each."""

    def __init__(self, found: Mapping[str, Sequence[Document]]) -> None:
        """``found``: by collection, what the worker wrote of the member ``name_of(0)``."""
        self._model = name_of(0).encode()
        self._state = bson.encode(found["state"][0])
        self._journal = bson.encode(found["journal"][-1])
        self._ledger = found["ledger"][-1]
        self._timers = found["timers"]

    def _renamed(self, document: bytes, number: int) -> RawBSONDocument:
        # All names are equally long, so what comes out is BSON again.
        return RawBSONDocument(document.replace(self._model, name_of(number).encode()))

    def state(self, number: int) -> RawBSONDocument:
        return self._renamed(self._state, number)

    def journal(self, number: int) -> RawBSONDocument:
        return self._renamed(self._journal, number)

    def ledger(self, number: int) -> Document:
        return {**self._ledger, "_id": f"{number:024x}", "member": name_of(number)}

    def timers(self, number: int) -> list[Document]:
        """Due later than the benchmark's events, spread over most of a year."""
        member = name_of(number)
        later = timedelta(seconds=number * 7919 % (SPREAD_DAYS * 86_400))
        ours = {"subject": member, "key_hash": key_hash(member.encode())}
        return [
            {**timer, **ours, "_id": f"{member}|{timer['name']}", "due_at": timer["due_at"] + later}
            for timer in self._timers
        ]


async def copies_of(client: AsyncMongoClient[Document], loyalty: Handler[MemberState]) -> Copies:
    """Has the worker's own code write one member's year, and takes what is then in the store."""
    loyalty = replace(loyalty, service="loyalty_model")
    store = WorkerStore(client, loyalty)
    await client.drop_database(store.database.name)
    target = JournalProcessor(loyalty, store, Accepting(), secret_key=b"k" * 16, stream=False)
    model = name_of(0)
    records = [
        purchase(model, n * 37, f"e-{model}-{n}", f"o-{model}-{n}", START - timedelta(days=330 - 28 * n))
        for n in range(ORDERS)
    ]
    batch = decoded([(key, value, offset) for offset, (key, value) in enumerate(records)])
    await target.assigned(frozenset({batch.partition}), 2)
    await target.process(batch)
    names = ("state", "journal", "ledger", "timers")
    return Copies({name: await store.database[name].find().to_list() for name in names})


async def fill(mongo: str, sizes: Sequence[int]) -> None:
    """Give each size its members, unless they are there from before (``RAPPORT_BENCH_HOME``)."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo, tz_aware=True)
    with Progress(console=console) as progress:
        for size in sizes:
            loyalty = loyalty_of(size, mongo)
            store = WorkerStore(client, loyalty)
            if await store.database["filled"].find_one({"_id": size}):
                continue
            await client.drop_database(store.database.name)
            await store.prepare()
            task = progress.add_task(f"{size:,} members", total=size)
            copies = await copies_of(client, loyalty)
            await _fill(store.database, copies, size, lambda n, t=task: progress.advance(t, n))
            await store.database["filled"].insert_one({"_id": size})
    await client.close()


async def _fill(
    database: AsyncDatabase[Document], copies: Copies, size: int, advance: Callable[[int], None]
) -> None:
    for start in range(0, size, STEP):
        numbers = range(start, min(size, start + STEP))
        some = [n for n in numbers if n % JOURNALLED == 0]
        inserts: dict[str, list[Any]] = {
            "state": [copies.state(n) for n in numbers],
            "timers": [timer for n in numbers for timer in copies.timers(n)],
            "journal": [copies.journal(n) for n in some],
            "ledger": [copies.ledger(n) for n in some],
        }
        writes: list[Awaitable[Any]] = [
            database[name].insert_many(documents, ordered=False) for name, documents in inserts.items()
        ]
        await asyncio.gather(*writes)
        advance(len(numbers))


async def restore(database: AsyncDatabase[Document], copies: Copies, numbers: Sequence[int]) -> None:
    """The members' states as they were first: states that grow from run to run would be slower to write."""
    for start in range(0, len(numbers), STEP):
        changes = [ReplaceOne({"_id": name_of(n)}, copies.state(n)) for n in numbers[start : start + STEP]]
        await database["state"].bulk_write(changes, ordered=False)
