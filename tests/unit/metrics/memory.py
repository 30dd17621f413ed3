"""The processor's store in memory: one transaction at a time, with crashes and outages on demand."""

from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo.errors import AutoReconnect

from services.metrics.domain.cells import Delta, merged
from services.metrics.domain.fits import Fit
from services.metrics.domain.rows import fit_of
from services.metrics.journal.erasing import OWNED
from services.metrics.journal.looks import Sweep
from services.metrics.journal.residues import Residue
from services.metrics.journal.runs import PageName
from services.metrics.journal.seen import ID_BYTES, Chunk, pack
from services.metrics.journal.writes import Stored, StoredIds, Write
from shared.facts.erased import ERASED_IDS, ERASING
from shared.journal.erasing import Chore
from shared.kafka.publisher import Record
from shared.worker.processing import FencedError


@dataclass
class Row:
    epoch: int = 0
    version: int = 0
    offsets: Mapping[str, int] = field(default_factory=dict)
    tail: Delta = field(default_factory=Delta)
    watermark: datetime | None = None
    outbox: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    sweep: Sweep | None = None
    owed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    segments: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Customers and scores by segment."""


class MemoryIds:
    """The ids' store, counting what is read."""

    def __init__(self) -> None:
        self.documents: dict[Residue, StoredIds] = {}
        self.folded: dict[Residue, dict[int, bytes]] = {}
        self.filters: dict[str, list[bytes]] = {}
        self.stored_pages: dict[PageName, bytes] = {}
        self.chunks_read = self.filters_read = self.pages_read = 0

    async def residues(self) -> list[StoredIds]:
        return list(self.documents.values())

    async def chunks(self, residue: Residue) -> AsyncIterator[tuple[Chunk, bytes]]:
        for number, ids in sorted(self.folded.get(residue, {}).items()):
            self.chunks_read += 1
            yield Chunk(number, len(ids) // ID_BYTES), ids

    async def chunk(self, residue: Residue, number: int) -> bytes:
        return self.folded[residue][number]

    async def filter(self, run: str) -> AsyncIterator[bytes]:
        for piece in self.filters[run]:
            self.filters_read += 1
            yield piece

    async def pages(self, names: Collection[PageName]) -> dict[PageName, bytes]:
        self.pages_read += len(names)
        return {name: self.stored_pages.get(name, b"") for name in names}

    async def put_pages(self, pages: Mapping[PageName, "array[int]"]) -> None:
        self.stored_pages.update({name: pack(ids) for name, ids in pages.items()})

    async def put_filter(self, run: str, pieces: Sequence[bytes]) -> None:
        self.filters[run] = list(pieces)

    async def drop(self, run: str) -> None:
        self.filters.pop(run, None)
        for name in [name for name in self.stored_pages if name.run == run]:
            del self.stored_pages[name]

    def write(self, w: Write) -> None:
        before = self.documents.get(w.residue, StoredIds(w.residue))
        recent = b"" if w.fold is not None else w.recent
        chunks = self.folded.setdefault(w.residue, {})
        runs, garbage = before.runs, before.garbage
        if w.manifest is not None:
            runs, garbage = w.manifest.runs, w.manifest.garbage
            for chunk in w.manifest.spilled:
                del chunks[chunk.number]
        self.documents[w.residue] = StoredIds(w.residue, recent, runs, garbage)
        if w.fold is not None and w.recent:
            assert w.fold.number not in chunks
            ids = b"".join(chunks.pop(chunk.number) for chunk in w.fold.merge)
            chunks[w.fold.number] = ids + w.recent


class MemoryStore:
    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.records: dict[str, bytes] = {}
        self.ids = MemoryIds()
        self.folded = Delta()
        self.put: dict[tuple[str, Any], Mapping[str, Any]] = {}
        """Rows that went with what was told, by collection and ``_id``."""
        self.writes = self.folds = 0
        self.away = False
        self.refuses: Callable[[Write], Exception | None] = lambda write: None
        """What it says of a write; None for one that it takes."""
        self.proof: Exception | None = None
        self.proofs = 0

    def _check(self) -> None:
        if self.away:
            raise AutoReconnect("the store is away")

    async def claim(self, partition: int, count: int) -> Stored:
        self._check()
        row = self.rows.setdefault(partition, Row())
        row.epoch += 1
        row.version += 1
        return Stored(
            row.epoch,
            row.version,
            dict(row.offsets),
            row.watermark,
            row.tail.copied(),
            dict(row.outbox),
            sweep=row.sweep,
            before_looks=any(
                (one.offsets and one.sweep is None) or (one.sweep is not None and one.sweep.first)
                for one in self.rows.values()
            ),
            owed=dict(row.owed),
        )

    async def first_count(self) -> int:
        return 1

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]:
        self._check()
        return {i: self.records[i] for i in ids if i in self.records}

    async def erased(self) -> list[str]:
        self._check()
        return [id for name, id in self.put if name == ERASED_IDS]

    async def returned(self, partition: int, count: int) -> list[Chore]:
        self._check()
        rows = [row for (name, _), row in self.put.items() if name == ERASING]
        return [Chore.read(dict(row)) for row in rows if row["key_hash"] % count == partition]

    async def rows_about(self, customer: str) -> dict[str, tuple[str, ...]]:
        self._check()
        found = {
            name: tuple(
                id for (of, id), row in self.put.items() if of == name and one.is_about(row, customer)
            )
            for name, one in OWNED.items()
        }
        return found | {"customers": (customer,) if customer in self.records else ()}

    async def fits(self) -> list[Fit]:
        return [fit_of(row) for (collection, _), row in self.put.items() if collection == "models"]

    async def names(self, after: str, most: int) -> list[str]:
        self._check()
        return sorted(id for id in self.records if id > after)[:most]

    async def write(self, writes: Sequence[Write]) -> None:
        self._check()
        if any((row := self.rows[w.partition]).epoch != w.epoch or row.version != w.version for w in writes):
            raise FencedError("another worker")
        for error in filter(None, map(self.refuses, writes)):
            raise error
        self.writes += 1
        for w in writes:
            self._write(self.rows[w.partition], w)

    async def prove(self, partition: int, epoch: int) -> None:
        self.proofs += 1
        if self.proof is not None:
            raise self.proof
        self.rows[partition].version += 1

    def _write(self, row: Row, w: Write) -> None:
        row.version += 1
        row.offsets, row.tail = dict(w.offsets), w.tail.copied()
        row.watermark = w.watermark or row.watermark
        for name, ids in w.removal.rows.items():
            for id in ids:
                (self.records if name == "customers" else self.put).pop(
                    id if name == "customers" else (name, id), None
                )
        for hash, stands in w.removal.tombstones.items():
            if stands:
                self.put[ERASED_IDS, hash] = {"_id": hash}
            else:
                self.put.pop((ERASED_IDS, hash), None)
        self.records.update(w.customers)
        self.ids.write(w)
        self.put |= {(put.collection, put.document["_id"]): put.document for put in w.leaving.put}
        row.outbox.update(w.leaving.told)
        row.sweep = w.sweep or row.sweep
        if w.owing.new:
            row.owed[w.version] = w.owing.new
        for version in w.owing.settled:
            del row.owed[version]
        for segment, (n, score) in w.tally.items():
            row.segments.update({(segment, "customers"): n, (segment, "score"): score})
        for id in w.leaving.published:
            del row.outbox[id]
        if w.fold is None:
            return
        self.folds += 1
        self.folded = merged((self.folded, w.tail))
        row.tail = Delta()

    @property
    def cells(self) -> Delta:
        """What a reader sums up."""
        return merged((self.folded, *(row.tail for row in self.rows.values())))
