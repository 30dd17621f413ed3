"""The processor's store in memory: one transaction at a time, with crashes and outages on demand."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pymongo.errors import AutoReconnect

from services.metrics.domain.cells import Delta, merged
from services.metrics.journal.seen import ID_BYTES, Chunk
from services.metrics.journal.store import Stored, Write
from shared.worker.processing import FencedError


@dataclass
class Row:
    epoch: int = 0
    version: int = 0
    offsets: Mapping[str, int] = field(default_factory=dict)
    tail: Delta = field(default_factory=dict)
    recent: bytes = b""
    chunks: dict[int, bytes] = field(default_factory=dict)
    watermark: datetime | None = None


class MemoryStore:
    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.records: dict[str, bytes] = {}
        self.folded: Delta = {}
        self.writes = self.folds = 0
        self.away = False
        self.refuses: Callable[[Write], Exception | None] = lambda write: None
        """What it says of a write; None for one that it takes."""
        self.proof: Exception | None = None
        self.proofs = 0

    def _check(self) -> None:
        if self.away:
            raise AutoReconnect("the store is away")

    async def claim(self, partition: int) -> Stored:
        self._check()
        row = self.rows.setdefault(partition, Row())
        row.epoch += 1
        chunks = tuple(Chunk(n, len(ids) // ID_BYTES) for n, ids in sorted(row.chunks.items()))
        return Stored(
            row.epoch, row.version, dict(row.offsets), row.watermark, dict(row.tail), row.recent, chunks
        )

    async def seen(self, partition: int) -> AsyncIterator[bytes]:
        for ids in self.rows[partition].chunks.values():
            yield ids

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]:
        self._check()
        return {i: self.records[i] for i in ids if i in self.records}

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
        row.offsets, row.tail, row.recent = dict(w.offsets), dict(w.tail), w.recent
        row.watermark = w.watermark or row.watermark
        self.records.update(w.customers)
        if w.fold is None:
            return
        self.folds += 1
        self.folded = merged((self.folded, w.tail))
        if w.recent:
            assert w.fold.number not in row.chunks
            ids = b"".join(row.chunks.pop(chunk.number) for chunk in w.fold.merge)
            row.chunks[w.fold.number] = ids + w.recent
        row.tail, row.recent = {}, b""

    @property
    def cells(self) -> Delta:
        """What a reader sums up."""
        return merged((self.folded, *(row.tail for row in self.rows.values())))
