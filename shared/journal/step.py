"""A step: what of a batch goes through one transaction together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Generic

from shared.domain import S
from shared.journal.documents import Journalled
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Plan, StoredState, Timer
from shared.journal.refusals import Rejected, dead_letter
from shared.kafka.publisher import Record
from shared.worker.processing import Batch, Message


@dataclass(slots=True)
class Step(Generic[S]):
    """Messages of a batch and timers that go through one transaction together, and what is known of them."""

    batch: Batch
    memory: PartitionMemory[S]
    """Of the batch's partition."""
    left: Sequence[Message]
    """What is left of the batch: its messages are the first of these."""
    most: int
    """It has so many events at most, and where that cuts it off none of the timers that it sets for later."""
    known: dict[str, Journalled] = field(default_factory=dict)
    """What the journal has been found to have of its events, by uid."""
    states: Mapping[str, StoredState[S]] = field(default_factory=dict)
    """What its last plan was made from, by id."""
    messages: Sequence[Message] = ()
    due: Sequence[Timer] = ()
    """Timers due by ``horizon``, as read for its last plan."""
    horizon: datetime = field(init=False)
    """Timers that the step itself sets and that are due by then fire in it."""
    last_key: str | None = None
    """Of those due at the horizon's own instant only the ones up to this key, where later ones may not have
    been read; None: all."""
    last: bool = False
    """Nothing of the batch is left after it."""
    told_of: frozenset[str] = frozenset()
    """The hashes of those of whom its messages tell others, and of whose their states are."""
    gone: frozenset[str] = frozenset()
    """Those of them that are taken for erased: the transaction finds out whether they are."""
    unstorable: str | None = None
    """What the store said of its only event, which takes no effect for that."""
    unkept: bool = False
    """The store does not even take that it was refused: nothing of it is journalled."""

    def __post_init__(self) -> None:
        self.horizon = self.batch.horizon

    def cut(self, due: Sequence[Timer], *, all_read: bool) -> None:
        """Settle what goes into it. ``due`` are the timers due by the batch's horizon as just read, the
        earliest first; unless ``all_read`` there may be more of the last one's instant or later."""
        self.due, self.messages, self.horizon, self.last_key = due, self.left, self.batch.horizon, None
        self.last = all_read
        if not all_read:
            # No further than the last of these: the rest fires before any message at that same instant.
            self._end_at(due[-1].due_at, due[-1].key)
            self.messages = [m for m in self.left if m.at < self.horizon]
        if self.size >= self.most:
            self._end_after(self.most)

    def _end_after(self, events: int) -> None:
        """With its first so many events by time, a timer before a message of its instant."""
        due = sorted(self.due, key=lambda t: (t.due_at, t.key))
        whole = self.size == events
        instants = merge(((t.due_at, 0) for t in due), ((m.at, 1) for m in self.messages))
        first = list(islice(instants, events))
        messages = sum(kind for _, kind in first)
        self.due, self.messages = due[: len(first) - messages], self.messages[:messages]
        end, message = first[-1]
        if not whole or end < self.horizon:
            self._end_at(end, None if message else self.due[-1].key)

    def _end_at(self, time: datetime, key: str | None) -> None:
        if time < self.horizon:
            self.horizon, self.last_key = time, key
        elif key is not None:
            self.last_key = key if self.last_key is None else min(key, self.last_key)
        self.last = False

    @property
    def size(self) -> int:
        return len(self.messages) + len(self.due)

    @property
    def state_ids(self) -> list[str]:
        """The states that its plan is made from, each once, in the order in which they come."""
        return list(
            dict.fromkeys([*(m.event.state_id for m in self.messages), *(t.subject for t in self.due)])
        )

    def seen(self, message: Message) -> bool:
        """Whether this very event was handled before, as far as memory and ``known`` can tell."""
        uid = message.event.uid
        if uid in self.memory.recent:
            return True
        entry = self.known.get(uid)
        return entry is not None and entry.covers(message.origin)

    def redelivered(self, message: Message) -> Journalled | None:
        """The journal's entry of this very record, if it is known to be one that was handled before."""
        entry = self.known.get(message.event.uid)
        return entry if entry is not None and entry.origin == message.origin else None

    def complete(self, plan: Plan[S], service: str) -> None:
        """Complete what the plan puts in the place of older journal entries: which of these go, up to where
        in the log what was retracted is handled, and what they emitted, as far as a worker may have died
        before it was published."""
        retracted = {uid for uid, entry in self.known.items() if entry.retracted}
        if retracted:
            plan.forgotten |= retracted & {*(e.event.uid for e in plan.entries), *plan.tombstones}
        unsaid = self._unsaid(plan, service)
        for uid, tombstone in plan.tombstones.items():
            tombstone.until = self.memory.handled(tombstone.origin, self.messages)
            before = self.known.get(uid)
            own = before.emitted if before is not None and before.origin == tombstone.origin else ()
            tombstone.emitted = unsaid.get(uid, own)
        if unsaid:
            plan.entries = [
                replace(e, emitted=(*unsaid.get(e.event.uid, ()), *e.emitted)) for e in plan.entries
            ]

    def _unsaid(self, plan: Plan[S], service: str) -> dict[str, tuple[Record, ...]]:
        """By uid, what older entries emitted whose very records are read again here."""
        found: dict[str, tuple[Record, ...]] = {}
        for message in plan.repeated:
            entry = self.redelivered(message)
            if entry is not None and message.event.uid in plan.forgotten:
                found[message.event.uid] = entry.emitted
                if entry.refusal is not None:
                    letter = dead_letter(service, Rejected(message, entry.refusal))
                    found[message.event.uid] += (letter,)
        return found
