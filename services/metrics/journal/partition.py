"""What a worker keeps of one partition: the effects not yet written, and the customers it has read."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.metrics.domain import insights, state
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import MINUTE, Delta
from services.metrics.domain.insights import Health, InsightsPolicy, Why
from services.metrics.domain.merging.course import MERGING_IS_TOLD, Taking, take
from services.metrics.domain.merging.joined import Joined
from services.metrics.domain.parts import GivenUp
from services.metrics.domain.rows import MOVED, RAISED, moved_document, raised_row
from services.metrics.domain.state import Customer, Ids
from services.metrics.domain.texts import apply_text, has_text
from services.metrics.domain.themes import Matcher, ThemesPolicy
from services.metrics.domain.tracked import Tracked
from services.metrics.journal import SERVICE
from services.metrics.journal.beside import BESIDE, rows_beside
from services.metrics.journal.erasing import Erased, Erasing, Result
from services.metrics.journal.holding import Holding
from services.metrics.journal.known import Known
from services.metrics.journal.looks import Looks
from services.metrics.journal.outbox import Outbox, Put
from services.metrics.journal.past import Past, wall_clock
from services.metrics.journal.seen import pack
from services.metrics.journal.writes import Stored, Write
from shared.merging.relays import erased_with
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import Micros
from shared.worker.budget import Budget

NO_THEMES = Matcher(ThemesPolicy(names=()))
FOLD_CELLS = 2_000
FOLD_IDS = 4_096
"""A tail of more than so many cells, minutes or ids is folded: it is written again with every flush."""


@dataclass(slots=True)
class Partition(Holding):
    """One partition, owned by one worker. Nothing here does I/O."""

    number: int
    epoch: int
    version: int
    offsets: dict[str, int]
    watermark: datetime | None
    known: Known
    outbox: Outbox
    looks: Looks
    erasing: Erasing
    themes: Matcher
    tail: Delta = field(default_factory=Delta)
    recent: "array[int]" = field(default_factory=lambda: array("Q"))
    """Ids that are not folded, the newest last."""
    stored: int = 0
    """How many of them stand in the store."""
    changed: set[str] = field(default_factory=set)
    events: int = 0
    """Events applied and not written."""
    moved: bool = False
    """Offsets or watermark moved since the last write."""
    watermark_moved: bool = False
    folds: int = 0
    """How often its cells were folded."""
    past: Past = field(default_factory=Past)
    """What moves days that were told."""
    before_minutes: bool = False
    """Nothing was counted by minutes yet, while there were days: so minutes count from now on."""

    @classmethod
    def take_over(
        cls,
        number: int,
        stored: Stored,
        known: Known,
        recent: "array[int]",
        budget: Budget,
        wall: Callable[[], Micros] = wall_clock,
        themes: Matcher = NO_THEMES,
        *,
        erased: Erased,
    ) -> "Partition":
        """``recent`` are those of the ids known that stand in the partition's document."""
        return cls(
            budget,
            number,
            stored.epoch,
            stored.version,
            dict(stored.offsets),
            stored.watermark,
            known,
            Outbox(number, dict(stored.outbox)),
            Looks.taken_over(known.residue.of, stored.sweep, stored.owed, before=stored.before_looks),
            Erasing(erased),
            themes,
            tail=stored.tail.copied(),
            recent=recent,
            stored=len(recent),
            folds=stored.folds,
            past=Past(wall),
            before_minutes=stored.before_minutes,
        )

    def ids_as_stored(self, version: int) -> "tuple[Known, array[int]] | None":
        """What is known without what was not written; None if the store may know more. ``version`` is what
        the takeover, which counts as a write, has made of it."""
        if version != self.version + 1:
            return None
        for _ in self.known.recent.remove(self.recent[self.stored :]):
            pass
        return self.known, self.recent[: self.stored]

    def apply(self, event: Event, h: int, now: Micros, seen: Set[int] = frozenset()) -> Result:
        """Let an event take effect, once: duplicates are of those known in memory, or ``seen``; who is not
        held was erased. A bad event's id stays unknown, and it is the record that knows it."""
        if h in seen or h in self.known.recent:
            return "duplicate"
        kind, record = event.data.__class__, event.data.state_id(event.subject)
        if record not in self.held and kind not in BESIDE:
            if kind is not ErasureLifted:
                self.outbox.follow(event, erased_with(SERVICE, event))
                return "erased"
            self.erasing.lift(record)
            self.remember(record, None)
        self.events += 1
        if self.before_minutes:
            self.tail.since, self.before_minutes = now // MINUTE + 1, False
        if kind in BESIDE:  # it changes no record
            for collection, row in rows_beside(event).items():
                self.outbox.put(collection, row)
            ids = apply(Tracked(Customer()), event, now, self.past.delta_for(event, now, self.tail), h)
        elif kind is ErasureLifted:
            ids = (h,)
        else:
            tracked = self.held[record][0]
            if tracked.data.merging is not None or kind in MERGING_IS_TOLD or event.been:
                ids = self._merging(record, tracked, event, h, now)
            elif kind is CustomerErased:
                self._erase(record, event)
                ids = (h,)
            else:
                self.changed.add(record)
                delta = self.past.delta_for(event, now, self.tail)
                if self.themes and has_text(event.data):
                    ids, raised = apply_text(tracked, event, now, delta, h, self.themes)
                    for one in raised:
                        self.outbox.put(RAISED, raised_row(one, event.subject))
                elif kind is PurchaseMade and self.past.bought(tracked, event, now, delta, self.tail):
                    ids = (h,)
                else:
                    ids = apply(tracked, event, now, delta, h)
        self.recent.extend([known for known in ids if self.known.recent.add(known)])
        return "applied"

    def _erase(self, record: str, event: Event) -> None:
        """The customer is gone with the next write. What they counted as stays."""
        self.settle(self.drop(record))
        self.changed.discard(record)
        self.erasing.erase(event, self.outbox, self.looks)

    def _merging(self, record: str, tracked: Tracked, event: Event, h: int, now: Micros) -> Ids:
        """An event of which merging makes more than what it says, or something else."""
        taking = Taking(now, h, self.themes, lambda: self.past.delta_for(event, now, self.tail))
        before = tracked.data.looked
        after = take(record, tracked, event, taking)
        if after is not tracked:
            self.replace(record, after)
        if taking.changed:
            self.changed.add(record)
        if taking.moved:
            self.past.merged(taking.moved, event, now)
        if isinstance(after, Joined) and taking.counted is self.past.delta:
            after.late = True
        self.looks.counts(before, after.data.looked)
        for one in taking.raised:
            self.outbox.put(RAISED, raised_row(one, event.told_of))
        for row in taking.rows:
            self.outbox.put(row.collection, row.document)
        self.outbox.follow(event, taking.emits)
        if taking.erased:
            self._erase(record, event)
        return taking.ids or ()

    def settle(self, tracked: Tracked) -> None:
        """Count what was told of several ids that are one customer."""
        if isinstance(tracked, Joined):
            tracked.settle(self.past.delta if tracked.late else self.tail)

    def look(
        self,
        subject: str,
        held: tuple[Tracked, int],
        health: Health,
        policy: InsightsPolicy,
        at: Micros,
        why: Why,
    ) -> None:
        """Tell what this health of a customer, as of ``at``, is another in than what was told; then the
        customer is held, with so many bytes."""
        tracked, before = held[0], held[0].data.looked
        after, said = insights.told(before, health, policy, at, why)
        if after is before:
            return
        self.looked_at(subject, *held)
        for data in said:
            self.outbox.tell(data, subject, at, insights.cause(data, at))
        tracked.data.looked = after
        tracked.place_in(after.segment, self.tail)
        self.looks.counts(before, after)

    def give_up(self, subject: str, held: tuple[Tracked, int], found: dict[int, GivenUp]) -> None:
        """What a look made of a customer's silences; where it is another than before, that is written."""
        if found != held[0].data.given_up:
            held[0].give_up(found, self.tail)
            self.looked_at(subject, *held)

    def looked_at(self, subject: str, tracked: Tracked, size: int) -> None:
        if subject not in self.held:
            self._hold(subject, tracked, size)
        self.looks.told.add(subject)

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
        moved = self.moved or self.known.moved or self.looks.swept
        return moved or bool(self.events or self.looks.told or self.looks.settled) or self.outbox.dirty

    def write(self, *, fold: bool) -> Write:
        """All that is not written yet. ``written`` must follow if it was."""
        records = {}
        for subject in self.changed | self.looks.told:
            tracked, _ = self.held[subject]
            self.settle(tracked)
            tracked.trim()
            records[subject] = state.encode(tracked.data)
        self.tail = self.past.into(self.tail)
        leaving = self.outbox.leaving(self.version)
        moved = self.past.moved(self.number, self.version, self.events)
        if moved is not None:  # of this write alone: after one that did not stand it may be another, or none
            leaving = replace(leaving, put=(*leaving.put, Put(MOVED, moved_document(moved))))
        self.tail.forget_minutes()
        minutes = self.tail.minutes
        fold = fold or max(len(self.tail), len(minutes)) > FOLD_CELLS or len(self.recent) > FOLD_IDS
        return Write(
            partition=self.number,
            residue=self.known.residue,
            epoch=self.epoch,
            version=self.version,
            offsets=dict(self.offsets),
            tail=self.tail.copied(),
            recent=pack(self.recent),
            customers=records,
            watermark=self.watermark if self.watermark_moved else None,
            fold=self.known.fold(len(self.recent))
            if fold and (self.tail or minutes or self.recent)
            else None,
            folds=self.folds,
            manifest=self.known.manifest(),
            leaving=leaving,
            sweep=self.looks.sweep if self.looks.swept else None,
            tally=dict(self.looks.tally),
            owing=self.looks.owing(self.changed),
            removal=self.erasing.removal,
        )

    def written(self, write: Write) -> Iterator[None]:
        """The write stands. Customers stay in memory as long as there is room. What is returned is to be gone
        through: it takes ids out of memory, a few at a time."""
        self.version += 1
        self.past.written()
        self.erasing.written()
        self.looks.owe(write.owing, write.version)
        self.changed.clear()
        self.looks.written()
        self.events, self.moved, self.watermark_moved = 0, False, False
        if write.fold is not None:
            self.folds += 1
            if self.recent:
                self.known.folded(write.fold, len(self.recent))
            self.tail.clear()
            self.tail.minutes = {}
            self.recent = array("Q")
        self.stored = len(self.recent)
        self.outbox.left(write.leaving)
        self._release(write.customers)
        return self.known.written(write.manifest)
