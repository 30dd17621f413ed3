"""What a worker keeps of one partition: the effects not yet written, and the customers it has read."""

from array import array
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.metrics.domain import state
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.seen import Chunk, IdSet, pack, to_merge, unpack
from services.metrics.journal.store import Fold, Stored, Write
from shared.schemas.event import Event
from shared.schemas.times import Micros

FOLD_CELLS = 2_000
FOLD_IDS = 4_096
"""A tail of more than so many cells or ids is folded: it is written again with every flush."""


@dataclass(slots=True)
class Partition:
    """One partition, owned by one worker. Nothing here does I/O."""

    number: int
    epoch: int
    version: int
    offsets: dict[str, int]
    watermark: datetime | None
    seen: IdSet
    chunks: tuple[Chunk, ...]
    tail: Delta = field(default_factory=dict)
    recent: "array[int]" = field(default_factory=lambda: array("Q"))
    customers: OrderedDict[str, Tracked] = field(default_factory=OrderedDict)
    changed: set[str] = field(default_factory=set)
    events: int = 0
    """Events applied and not written."""
    moved: bool = False
    """Offsets or watermark moved since the last write."""
    watermark_moved: bool = False

    @classmethod
    def take_over(cls, number: int, stored: Stored, seen: IdSet) -> "Partition":
        """``seen`` holds the ids of the chunks; the recent ones are added here."""
        recent = unpack(stored.recent)
        for h in recent:
            seen.add(h)
        return cls(
            number,
            stored.epoch,
            stored.version,
            dict(stored.offsets),
            stored.watermark,
            seen,
            stored.chunks,
            tail=dict(stored.tail),
            recent=recent,
        )

    def remember(self, subject: str, record: bytes | None) -> None:
        """Take in a customer's stored record, or begin one."""
        self.customers[subject] = Tracked(state.decode(record) if record is not None else Customer())

    def apply(self, event: Event, h: int, now: Micros) -> bool:
        """Let an event take effect, once; False for a duplicate. Its customer must be in memory."""
        if not self.seen.add(h):
            return False
        self.recent.append(h)
        self.events += 1
        self.changed.add(event.subject)
        self.customers.move_to_end(event.subject)
        apply(self.customers[event.subject], event, now, self.tail)
        return True

    def advance(self, offsets: Mapping[str, int], watermark: datetime | None) -> None:
        """The events up to these offsets have been applied."""
        if offsets:
            self.offsets.update(offsets)
            self.moved = True
        if watermark is not None and (self.watermark is None or watermark > self.watermark):
            self.watermark = watermark
            self.moved = self.watermark_moved = True

    @property
    def dirty(self) -> bool:
        return self.moved or bool(self.events)

    def write(self, *, fold: bool) -> Write:
        """All that is not written yet. ``written`` must follow if it was."""
        records = {}
        for subject in self.changed:
            tracked = self.customers[subject]
            tracked.trim()
            records[subject] = state.encode(tracked.data)
        fold = fold or len(self.tail) > FOLD_CELLS or len(self.recent) > FOLD_IDS
        return Write(
            partition=self.number,
            epoch=self.epoch,
            version=self.version,
            offsets=dict(self.offsets),
            tail=dict(self.tail),
            recent=pack(self.recent),
            customers=records,
            watermark=self.watermark if self.watermark_moved else None,
            fold=self._fold() if fold and (self.tail or self.recent) else None,
        )

    def _fold(self) -> Fold:
        number = max((chunk.number for chunk in self.chunks), default=0) + 1
        return Fold(number, to_merge(self.chunks) if self.recent else ())

    def written(self, write: Write, keep: int) -> None:
        """The write stands. Of the customers, the ``keep`` used last stay in memory."""
        self.version += 1
        self.changed.clear()
        self.events, self.moved, self.watermark_moved = 0, False, False
        if write.fold is not None:
            if self.recent:
                ids = len(self.recent) + sum(chunk.ids for chunk in write.fold.merge)
                left = tuple(c for c in self.chunks if c not in write.fold.merge)
                self.chunks = (*left, Chunk(write.fold.number, ids))
            self.tail = {}
            self.recent = array("Q")
        while len(self.customers) > keep:
            self.customers.popitem(last=False)
