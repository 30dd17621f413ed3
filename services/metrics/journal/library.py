"""Which ids are known: what stands of them is loaded at a takeover, and looked up for a batch."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from services.metrics.journal import SERVICE
from services.metrics.journal.known import Job, Known
from services.metrics.journal.residues import Residue
from services.metrics.journal.runs import PageCache, PageName, Run, RunInfo, by_page, holds, joined, pieces
from services.metrics.journal.seen import Chunk, IdSet, unpack
from services.metrics.journal.writes import StoredIds
from shared.kafka.keys import key_hash
from shared.worker.retry import retry

Opened: TypeAlias = tuple[Known, "array[int]"]
"""The ids of a residue, and of them those that are not folded."""

STEP_IDS = 131_072
"""Of a job at a time: about a tenth of a second, between two flushes."""
LEAST_RECENT = 16_384
"""A partition keeps so many ids in memory, however many partitions there are."""


class IdStore(Protocol):
    """What it needs of ``id_store.IdStore``."""

    async def residues(self) -> Sequence[StoredIds]: ...

    def chunks(self, residue: Residue) -> AsyncIterator[tuple[Chunk, bytes]]: ...

    async def chunk(self, residue: Residue, number: int) -> bytes: ...

    def filter(self, run: str) -> AsyncIterator[bytes]: ...

    async def pages(self, names: Collection[PageName]) -> Mapping[PageName, bytes]: ...

    async def put_pages(self, pages: Mapping[PageName, "array[int]"]) -> None: ...

    async def put_filter(self, run: str, pieces: Sequence[bytes]) -> None: ...

    async def drop(self, run: str) -> None: ...


class Library:
    """For the partitions of one worker. ``recent_ids`` stay in memory, of all of them; so do all filters, and
    ``page_bytes`` of the pages read last."""

    def __init__(self, store: IdStore, *, recent_ids: int, page_bytes: int) -> None:
        self._store = store
        self._recent_ids = recent_ids
        self._pages = PageCache(page_bytes)
        self._own: dict[Residue, Known] = {}
        self._past: dict[Residue, Known] = {}
        self._past_counts: tuple[int, ...] = ()
        """Numbers of partitions that there were before, as far as ids stand under them."""
        self._serial = 0

    @property
    def bytes(self) -> int:
        """In memory: recent ids, filters, pages."""
        return self._pages.bytes + sum(k.bytes for k in (*self._own.values(), *self._past.values()))

    async def open(
        self, residues: Collection[Residue], kept: Mapping[Residue, Opened]
    ) -> dict[Residue, Opened]:
        """Of these, all under one number of partitions, and of those before that their keys may be in.
        ``kept`` are as the store has them, and are not read again; nor are those of the past, as nobody
        writes them any more."""
        stored = {s.residue: s for s in await retry(SERVICE, "mongo", self._store.residues)}
        opened: dict[Residue, Opened] = {}
        for residue in residues:
            found = stored.get(residue) or StoredIds(residue)
            opened[residue] = kept.get(residue) or (await self._load(found), unpack(found.recent))
        counts = {residue.of for residue in residues}
        past = [r for r in stored if r.of not in counts and any(r.meets(own) for own in residues)]
        self._past = {r: self._past.get(r) or await self._load(stored[r]) for r in past}
        self._past_counts = tuple(sorted({residue.of for residue in past}))
        self._own = {residue: known for residue, (known, _) in opened.items()}
        return opened

    async def _load(self, stored: StoredIds) -> Known:
        return await retry(SERVICE, "mongo", partial(self._read, stored))

    async def _read(self, stored: StoredIds) -> Known:
        """Streamed, and sorted in a thread: the worker polls meanwhile."""
        recent, chunks = IdSet(), []
        async for chunk, packed in self._store.chunks(stored.residue):
            chunks.append(chunk)
            await asyncio.to_thread(recent.load, packed)
        await asyncio.to_thread(recent.sort)
        for h in unpack(stored.recent):
            recent.add(h)
        runs = []
        for info in stored.runs:
            bloom = joined([piece async for piece in self._store.filter(info.id)])
            runs.append(Run(info, bloom))
        return Known(stored.residue, recent, tuple(chunks), tuple(runs), stored.garbage)

    # Looking up

    async def seen(self, own: Known, asked: Iterable[tuple[str, int]]) -> frozenset[int]:
        """Of these (key, hash) the hashes that stand in a run, or under a number of partitions before. Those
        in ``own.recent`` need not be among them."""
        if not own.runs and not self._past_counts:
            return frozenset()
        found = set[int]()
        pages: dict[PageName, list[int]] = {}
        for key, h in asked:
            if h in own.recent:
                continue
            for known in (own, *self._before(key)):
                if known is not own and h in known.recent:
                    found.add(h)
                for run in known.runs:
                    if h in run.filter:
                        pages.setdefault(PageName(run.info.id, run.info.page_of(h)), []).append(h)
        for name, page in (await self._get(pages)).items():
            found.update(h for h in pages[name] if holds(page, h))
        return frozenset(found)

    def _before(self, key: str) -> list[Known]:
        """Where the key's ids stand from before."""
        if not self._past_counts:
            return []
        hashed = key_hash(key.encode())
        residues = (Residue(of, hashed % of) for of in self._past_counts)
        return [known for r in residues if (known := self._past.get(r)) is not None]

    async def _get(self, names: Collection[PageName]) -> dict[PageName, "array[int]"]:
        found = {name: page for name in names if (page := self._pages.get(name)) is not None}
        missing = [name for name in names if name not in found]
        if missing:
            read = await retry(SERVICE, "mongo", lambda: self._store.pages(missing))
            fresh = {name: unpack(read[name]) for name in missing}
            self._pages.put(fresh)
            found |= fresh
        return found

    # Jobs

    async def work(self, known: Known, epoch: int) -> None:
        """The next step of what is to be done for these ids, if anything. Raises what the store raises: the
        step is then done again."""
        job = known.job
        if job is None:
            if known.garbage:
                await self._store.drop(known.garbage[0])
                known.cleared(known.garbage[0])
            else:
                self._serial += 1
                most = max(self._recent_ids // max(1, len(self._own)), LEAST_RECENT)
                known.plan(epoch, self._serial, most)
        elif job.announced and not job.finished:
            await self._step(known.residue, job)
            known.moved = known.moved or job.finished

    async def _step(self, residue: Residue, job: Job) -> None:
        info = job.output
        if job.next_page < info.pages:
            await self._write_pages(residue, job)
        if job.next_page == info.pages:
            await self._store.put_filter(info.id, pieces(job.filter))
            job.finished = True

    async def _write_pages(self, residue: Residue, job: Job) -> None:
        info = job.output
        if job.chunks and not job.ids:
            packed = [await self._store.chunk(residue, chunk.number) for chunk in job.chunks]
            job.ids = await asyncio.to_thread(_sorted, packed)
        end = min(info.pages, job.next_page + max(1, info.pages * STEP_IDS // info.ids))
        ids = job.ids if job.chunks else await self._merged(job, job.next_page, end)
        pages = dict(by_page(info, ids, job.next_page, end))
        for page in pages.values():
            job.filter.update(page)
        await self._store.put_pages({PageName(info.id, n): page for n, page in pages.items()})
        job.next_page = end

    async def _merged(self, job: Job, first: int, end: int) -> "array[int]":
        """The sorted ids of a stretch of its pages, from the runs that it is made of."""
        names = [
            PageName(run.id, page) for run in job.runs for page in _pages_under(run, job.output, first, end)
        ]
        read = await self._store.pages(names)
        # One run after the other: to sort what is sorted in eight stretches is to merge it.
        return _sorted([read[name] for name in names])


def _pages_under(run: RunInfo, output: RunInfo, first: int, end: int) -> range:
    """The pages of a run, no larger than the output, that cover these pages of the output."""
    shift = output.bits - run.bits
    return range(first >> shift, ((end - 1) >> shift) + 1)


def _sorted(packed: Sequence[bytes]) -> "array[int]":
    return array("Q", sorted(unpack(b"".join(packed))))
