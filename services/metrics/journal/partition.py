"""What a worker keeps of one partition: the effects not yet written, and the customers it has read."""

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from services.metrics.domain import state
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.journal.known import Known
from services.metrics.journal.seen import pack
from services.metrics.journal.writes import Stored, Write
from shared.schemas.event import Event

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
    known: Known
    tail: Delta = field(default_factory=dict)
    recent: "array[int]" = field(default_factory=lambda: array("Q"))
    """Ids that are not folded, the newest last."""
    stored: int = 0
    """How many of them stand in the store."""
    customers: OrderedDict[str, Tracked] = field(default_factory=OrderedDict)
    changed: set[str] = field(default_factory=set)
    events: int = 0
    """Events applied and not written."""
    moved: bool = False
    """Offsets or watermark moved since the last write."""
    watermark_moved: bool = False

    @classmethod
    def take_over(cls, number: int, stored: Stored, known: Known, recent: "array[int]") -> "Partition":
        """``recent`` are those of the ids known that stand in the partition's document."""
        return cls(
            number,
            stored.epoch,
            stored.version,
            dict(stored.offsets),
            stored.watermark,
            known,
            tail=dict(stored.tail),
            recent=recent,
            stored=len(recent),
        )

    def ids_as_stored(self, version: int) -> "tuple[Known, array[int]] | None":
        """What is known without what was not written; None if the store may know more. ``version`` is what
        the takeover, which counts as a write, has made of it."""
        if version != self.version + 1:
            return None
        for _ in self.known.recent.remove(self.recent[self.stored :]):
            pass
        return self.known, self.recent[: self.stored]

    def remember(self, subject: str, record: bytes | None) -> None:
        """Take in a customer's stored record, or begin one."""
        self.customers[subject] = Tracked(state.decode(record) if record is not None else Customer())

    def apply(self, event: Event, h: int, seen: Set[int] = frozenset()) -> bool:
        """Let an event take effect, once; False for a duplicate: of those known in memory, or ``seen``. Its
        customer must be in memory."""
        if h in seen or not self.known.recent.add(h):
            return False
        self.recent.append(h)
        self.events += 1
        self.changed.add(event.subject)
        self.customers.move_to_end(event.subject)
        apply(self.customers[event.subject], event, h, self.tail)
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
        return self.moved or bool(self.events) or self.known.moved

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
            residue=self.known.residue,
            epoch=self.epoch,
            version=self.version,
            offsets=dict(self.offsets),
            tail=dict(self.tail),
            recent=pack(self.recent),
            customers=records,
            watermark=self.watermark if self.watermark_moved else None,
            fold=self.known.fold(len(self.recent)) if fold and (self.tail or self.recent) else None,
            manifest=self.known.manifest(),
        )

    def written(self, write: Write, keep: int) -> Iterator[None]:
        """The write stands. Of the customers, the ``keep`` used last stay in memory. What is returned is to
        be gone through: it takes ids out of memory, a few at a time."""
        self.version += 1
        self.changed.clear()
        self.events, self.moved, self.watermark_moved = 0, False, False
        if write.fold is not None:
            if self.recent:
                self.known.folded(write.fold, len(self.recent))
            self.tail = {}
            self.recent = array("Q")
        self.stored = len(self.recent)
        while len(self.customers) > keep:
            self.customers.popitem(last=False)
        return self.known.written(write.manifest)
