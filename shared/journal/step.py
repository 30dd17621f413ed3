"""A step: what of a batch goes through one transaction together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from shared.domain import S
from shared.journal.documents import Journalled
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Plan, StoredState, Timer
from shared.worker.processing import Batch, Message


@dataclass(slots=True)
class Step(Generic[S]):
    """Messages of a batch and timers that go through one transaction together, and what is known of them."""

    batch: Batch
    memory: PartitionMemory[S]
    """Of the batch's partition."""
    messages: Sequence[Message]
    due: Sequence[Timer]
    """Timers due by ``horizon``, as read for this step."""
    horizon: datetime
    """Timers that the step itself sets and that are due by then fire in it."""
    known: dict[str, Journalled] = field(default_factory=dict)
    """What the journal has been found to have of its events, by uid."""
    states: Mapping[str, StoredState[S]] = field(default_factory=dict)
    """What its last plan was made from, by customer."""

    @property
    def size(self) -> int:
        return len(self.messages) + len(self.due)

    @property
    def subjects(self) -> set[str]:
        """The customers whose states its plan is made from."""
        return {m.event.subject for m in self.messages} | {t.subject for t in self.due}

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

    def place_tombstones(self, plan: Plan[S]) -> None:
        """Complete what the plan says of retracted events: which older entries go for those that it has in
        their place, and up to where in the log they are handled."""
        retracted = {uid for uid, entry in self.known.items() if entry.retracted}
        if retracted:
            plan.forgotten |= retracted & {*(e.event.uid for e in plan.entries), *plan.tombstones}
        for tombstone in plan.tombstones.values():
            tombstone.until = self.memory.handled(tombstone.origin, self.messages)
