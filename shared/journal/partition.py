"""What a worker keeps in memory of one partition. Nothing of it outlives a revoke."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Generic

from shared.domain import S
from shared.journal.counters import Recall
from shared.journal.documents import Journalled
from shared.journal.erasing import Chore
from shared.journal.plan import Plan, StoredState
from shared.journal.unerased import Unerased
from shared.worker.budget import RECENT, STATES, Budget
from shared.worker.cache import Cache, Names
from shared.worker.processing import TIMER_TOPIC, Message, Origin, TopicOffset

STATE_BYTES, BYTES_A_CHARACTER = 3000, 3
"""What a state takes in memory: so many, and so many for each character of its text. Measured on states of
loyalty and interactions of 200 to 27,000 characters."""


class PartitionMemory(Generic[S]):
    """Warm states, uids of events handled and published, names of shared counters in use."""

    def __init__(self, epoch: int, budget: Budget, erased: set[str] | None = None) -> None:
        self.epoch = epoch
        """Under which this worker took the partition over: what is written for it matches this."""
        self.attempts = 0
        """How many transactions were tried under it."""
        self.warm: Cache[StoredState[S]] = Cache(budget, STATES)
        self.recent = Names(budget, RECENT)
        self.counters = Recall()
        self.erased: set[str] = set() if erased is None else erased
        """The hashes of erased ids, of the other partitions too."""
        self.unerased = Unerased(budget)
        self.chores: dict[str, Chore] = {}
        """What is still to be removed of those of this partition, by hash."""
        self.ended: set[str] = set()
        """Customers whose removal has ended, and of whom ``recent`` may still know events."""
        self.settled: set[str] = set()
        """Topics of which all that a worker before may have left unpublished has been handled again."""
        self.unsaid = False
        """Something that is to be removed may not be published yet."""
        self._handled: dict[TopicOffset, int] = {}

    @property
    def returned(self) -> list[Chore]:
        """Customers who came back with an older store, and whom the service is to erase again."""
        return [chore for chore in self.chores.values() if chore.uid is None and chore.is_customers]

    def clear(self) -> None:
        """Another worker has written the partition: nothing of this is to be trusted."""
        self.warm.clear()
        self.recent.clear()
        self.unerased.clear()
        self._handled.clear()

    def close(self) -> None:
        """The partition is let go."""
        self.warm.close()
        self.recent.close()
        self.unerased.clear()

    def forget(self, ids: Iterable[str]) -> None:
        """The states of these may have moved: they are read again."""
        for id in ids:
            self.warm.pop(id)

    def forget_ended(self) -> None:
        """What is told anew of those of whom nothing is left, once they may come back, was not handled. All
        that is known is looked through: once a sweep, not once a customer."""
        if self.ended:
            self.recent.discard(
                [uid for uid in self.recent if not self.ended.isdisjoint(uid.rsplit(" ", 2)[1:])]
            )
            self.forget(self.ended)
            self.ended.clear()

    def learn_erased(self, asked: Set[str], gone: Set[str]) -> None:
        """By hashes: of those of whom was asked these are erased, by other workers too. Batches come one by
        one, so no other is planned by it."""
        self.erased |= gone
        self.erased -= asked - gone

    def states(self, ids: Collection[str]) -> dict[str, StoredState[S]]:
        """Those of these states that are warm."""
        return {id: stored for id in ids if (stored := self.warm.get(id)) is not None}

    def keep(self, states: Mapping[str, StoredState[S]]) -> None:
        """Keep them warm as long as there is room. Whoever has asked for them holds them himself."""
        self.warm.put((id, stored, held_bytes(stored)) for id, stored in states.items())

    def written(self, plan: Plan[S], before: Mapping[str, StoredState[S]]) -> None:
        """The plan's transaction stands; ``before`` are the states it was made from."""
        self.keep(
            {
                id: StoredState(state, before[id].version + 1, plan.sizes.get(id, 0))
                for id, state in plan.states.items()
            }
        )
        if plan.erased or plan.lifted:
            self.forget([*plan.erased, *plan.lifted.keys() - plan.states.keys()])
            self.chores |= {chore.hash: chore for chore in plan.erased.values()}
            self.erased |= self.chores.keys()
            self.unerased.discard(plan.erased)
            self.erased.difference_update(plan.lifted.values())
        # Now, not once it is published: were that given up, these must not pass for handled.
        self.recent.discard(plan.forgotten | plan.tombstones.keys())

    def handled(self, like: Origin, messages: Iterable[Message]) -> int:
        """The highest offset handled of the origin's topic and partition once these messages are."""
        where = like.topic, like.partition
        offsets = [m.origin.offset for m in messages if (m.origin.topic, m.origin.partition) == where]
        return max(like.offset, self._handled.get(where, -1), *offsets)

    def has_said(self, topic: str, partition: int, offset: int, here: int) -> bool:
        """Whether what the event there emitted is published for certain: it was handled under this epoch, or
        committed before. ``here`` is this partition; what was on another, before topics grew, is settled."""
        if topic == TIMER_TOPIC or topic in self.settled or partition != here:
            return True
        return offset <= self._handled.get((topic, partition), -1)

    def published(self, plan: Plan[S], messages: Iterable[Message], known: Mapping[str, Journalled]) -> None:
        """The plan's events are published too: whatever comes again under their ids has no effect.
        ``messages`` are all that it was made from; ``known`` is what the journal had of them."""
        for message in messages:
            self._handled[message.origin.topic, message.origin.partition] = message.origin.offset
        self.recent.add(self._known_by_now(plan, known))
        if plan.entries:
            self.counters.note(plan.counters.asked)

    @staticmethod
    def _known_by_now(plan: Plan[S], known: Mapping[str, Journalled]) -> Iterator[str]:
        refused = {entry.event.uid for entry in plan.entries if entry.until is not None}
        for message in plan.repeated:
            uid = message.event.uid
            before = known.get(uid)
            if uid in plan.forgotten or uid in plan.tombstones or uid in refused or uid in plan.nameless:
                continue
            if before is None or (not before.retracted and before.published_by(message.origin)):
                yield uid
        for entry in plan.entries:
            uid = entry.event.uid
            if entry.origin.topic != TIMER_TOPIC and entry.until is None and uid not in plan.nameless:
                yield uid


def held_bytes(stored: StoredState[S]) -> int:
    """What a state takes in memory, about."""
    return STATE_BYTES + BYTES_A_CHARACTER * stored.size
