"""A store with so many ids of events as metrics would have them after years, and a takeover of it."""

import asyncio
import random
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.rows import COLLECTIONS, chunk_id
from services.metrics.journal.id_store import IdStore
from services.metrics.journal.library import Library
from services.metrics.journal.residues import Residue
from services.metrics.journal.runs import PageName, RunInfo, empty_filter, pieces
from services.metrics.journal.seen import pack
from shared.journal.store import prepare

Client = AsyncMongoClient[dict[str, Any]]

OWN = Residue(1, 0)
RECENT_IDS = 1_000_000
SIZES = (32_000_000, 4_000_000, 500_000)
"""Of runs, as merging by eight makes them."""
CHUNK = 250_000
BATCHES, BATCH = 40, 500
TICK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Takeover:
    """What it took."""

    runs: int
    seconds: float
    again: float
    """Seconds, where nobody has written the partition meanwhile."""
    counted: int
    """Bytes, as the worker counts them."""
    resident: int
    """Bytes by which the process grew."""
    stall: float
    """The longest time in which the event loop did nothing else."""
    rate: float
    """New ids looked up per second, in batches."""
    pages: float
    """Pages read for each of them."""


def shape(ids: int) -> list[int]:
    """The sizes of the runs; half of what may stay in memory is in chunks."""
    left, runs = ids - RECENT_IDS // 2, []
    for size in SIZES:
        runs += [size] * (left // size)
        left %= size
    return runs


async def build(uri: str, name: str, ids: int) -> None:
    """Write it, page by page."""
    async with Client(uri, tz_aware=True) as client:
        await _write(client[name], ids)


async def _write(database: AsyncDatabase[dict[str, Any]], ids: int) -> None:
    await prepare(database, COLLECTIONS)
    store, dice = IdStore(database), random.Random(ids)
    infos: list[dict[str, Any]] = []
    for number, size in enumerate(shape(ids)):
        info = RunInfo(f"{OWN.name}:1.{number}", size)
        bloom = empty_filter(size)
        some: dict[PageName, array[int]] = {}
        for page, hashes in _pages(info, dice):
            bloom.update(hashes)
            some[PageName(info.id, page)] = hashes
            if len(some) == 256:
                await store.put_pages(some)
                some.clear()
        await store.put_pages(some)
        await store.put_filter(info.id, pieces(bloom))
        infos.append({"id": info.id, "ids": size})
    await database["ids"].insert_one({"_id": OWN.name, "recent": b"", "runs": infos, "garbage": []})
    for number in range(RECENT_IDS // 2 // CHUNK):
        hashes = pack([dice.getrandbits(64) for _ in range(CHUNK)])
        await database["seen"].insert_one({"_id": chunk_id(OWN.name, number), "n": CHUNK, "ids": hashes})


def _pages(info: RunInfo, dice: random.Random) -> Iterator[tuple[int, "array[int]"]]:
    width = 64 - info.bits
    for page in range(info.pages):
        low = page << width
        yield page, array("Q", sorted(low | dice.getrandbits(width) for _ in range(info.ids // info.pages)))


def take_over(uri: str, name: str) -> Takeover:
    """In a process of its own, so that its memory can be told."""
    return asyncio.run(_take_over(uri, name))


class Counting(IdStore):
    """Counts the pages read."""

    read = 0

    async def pages(self, names: Any) -> dict[PageName, bytes]:
        self.read += len(names)
        return await super().pages(names)


async def _take_over(uri: str, name: str) -> Takeover:
    async with Client(uri, tz_aware=True) as client:
        store = Counting(client[name])
        library = Library(store, recent_ids=RECENT_IDS, page_bytes=32 * 1024 * 1024)
        await store.residues()  # connected, and the code is warm
        before = _resident()
        stalls: list[float] = []
        ticking = asyncio.create_task(_tick(stalls))
        began = time.perf_counter()
        opened = await library.open([OWN], {})
        seconds = time.perf_counter() - began
        ticking.cancel()
        began = time.perf_counter()
        opened = await library.open([OWN], opened)
        again = time.perf_counter() - began
        known, _ = opened[OWN]
        grown = _resident() - before
        dice = random.Random(7)
        asked = [[("c", dice.getrandbits(64)) for _ in range(BATCH)] for _ in range(BATCHES)]
        began = time.perf_counter()
        for batch in asked:
            await library.seen(known, batch)
        rate = BATCHES * BATCH / (time.perf_counter() - began)
        pages = store.read / (BATCHES * BATCH)
        return Takeover(len(known.runs), seconds, again, library.bytes, grown, max(stalls), rate, pages)


async def _tick(stalls: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        stalls.append(time.perf_counter() - began - TICK_SECONDS)


def _resident() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
