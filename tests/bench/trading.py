"""A worker of metrics in a process of its own: it fills the store with a company's two years, and then writes
what goes on, by the code that writes it, each second: so that the process under test only reads."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from pymongo import AsyncMongoClient

from services.metrics.domain.cells import LEVELS, Delta, add
from services.metrics.journal.partition import FOLD_CELLS
from services.metrics.journal.residues import Residue
from services.metrics.journal.store import WorkerStore
from services.metrics.journal.writes import Fold, Write
from shared.runtime.mongo import Document
from tests.bench.company import Company, documents

PARTITIONS = 4
DATABASE = "rapport_metrics"
FOLD_SECONDS = 15
"""Twice as often as a worker does."""
INSERT = 50
"""Documents at once."""
FILLED = 900.0
"""Seconds that filling may take."""


@dataclass(frozen=True, slots=True)
class Trade:
    """How much there is, and goes on."""

    mongo: str
    days: int
    customers: int
    purchases: int
    """A second."""


@dataclass(slots=True)
class Trader:
    """The other process, as this one sees it."""

    _tell: Connection

    def start(self) -> None:
        """Begin to write."""
        self._tell.send("start")

    def stop(self) -> int:
        """Write no more; returns how often it was written."""
        self._tell.send("stop")
        return int(self._tell.recv())


@contextmanager
def trading(trade: Trade) -> Iterator[Trader]:
    """Once the store is filled."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(trade, theirs), daemon=True)
    process.start()
    theirs.close()
    assert ours.poll(FILLED), "the store was not filled in time"
    assert ours.recv() == "filled"
    try:
        yield Trader(ours)
    finally:
        process.terminate()
        process.join()


def _run(trade: Trade, told: Connection) -> None:
    asyncio.run(_work(trade, told))


async def _work(trade: Trade, told: Connection) -> None:
    company = Company(trade.customers, PARTITIONS)
    company.live(datetime.now(UTC), trade.days)
    async with AsyncMongoClient[Document](trade.mongo, tz_aware=True) as client:
        store = WorkerStore(client[DATABASE], client)
        worker = [_Partition(number, store) for number in range(PARTITIONS)]
        for one in worker:
            await one.begin(client[DATABASE], company.taken(one.number))
        told.send("filled")
        await asyncio.to_thread(told.recv)
        writes = 0
        while not told.poll():
            company.trade(datetime.now(UTC), trade.purchases)
            fold = writes % FOLD_SECONDS == FOLD_SECONDS - 1
            await store.write([one.write(company.taken(one.number), fold=fold) for one in worker])
            writes += 1
            await asyncio.sleep(1)
        told.send(writes)


class _Partition:
    def __init__(self, number: int, store: WorkerStore) -> None:
        self.number = number
        self._store = store
        self._tail = Delta()
        self._version = self._epoch = self._folds = 0

    async def begin(self, database: Any, lived: Delta) -> None:
        for collection, found in documents(self.number, lived).items():
            for start in range(0, len(found), INSERT):
                await database[collection].insert_many(found[start : start + INSERT])
        stored = await self._store.claim(self.number, PARTITIONS)
        self._version, self._epoch = stored.version, stored.epoch
        levels: dict[str, dict[str, int]] = {level: {} for level in LEVELS}
        for (_, place, name), n in lived.items():
            if name in levels:
                levels[name][place] = levels[name].get(place, 0) + n
        await database["partitions"].update_one({"_id": self.number}, {"$set": levels})

    def write(self, changes: Delta, *, fold: bool) -> Write:
        for cell, n in changes.items():
            add(self._tail, cell, n)
        fold = fold or len(self._tail) > FOLD_CELLS
        write = Write(
            partition=self.number,
            residue=Residue(PARTITIONS, self.number),
            epoch=self._epoch,
            version=self._version,
            offsets={},
            tail=self._tail,
            recent=b"",
            fold=Fold(self._folds) if fold else None,
            folds=self._folds,
        )
        self._version += 1
        if fold:
            self._folds += 1
            self._tail = Delta()
        return write
