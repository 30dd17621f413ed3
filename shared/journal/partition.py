"""What a worker keeps in memory of one partition. Nothing of it outlives a revoke."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Generic

from shared.domain import S
from shared.journal.counters import Recall
from shared.journal.documents import Journalled
from shared.journal.plan import Plan, StoredState
from shared.worker.processing import TIMER_TOPIC, Message, Origin, TopicOffset

WARM_CUSTOMERS = 50_000
RECENT_EVENTS = 100_000


class PartitionMemory(Generic[S]):
    """Warm states, uids of events handled and published, names of shared counters in use."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        """Under which this worker took the partition over: what is written for it matches this."""
        self.attempts = 0
        """How many transactions were tried under it."""
        self.warm: OrderedDict[str, StoredState[S]] = OrderedDict()
        self.recent: OrderedDict[str, Origin] = OrderedDict()
        self.counters = Recall()
        self._handled: dict[TopicOffset, int] = {}

    def clear(self) -> None:
        """Another worker has written the partition: nothing of this is to be trusted."""
        self.warm.clear()
        self.recent.clear()
        self._handled.clear()

    def forget(self, subjects: Iterable[str]) -> None:
        """The states of these may have moved: they are read again."""
        for subject in subjects:
            self.warm.pop(subject, None)

    def missing(self, subjects: Collection[str]) -> list[str]:
        """Those whose states must be read."""
        return [s for s in subjects if s not in self.warm]

    def states(self, subjects: Collection[str]) -> dict[str, StoredState[S]]:
        """The states of these customers, all of them warm; the oldest others make room."""
        states = {}
        for subject in subjects:
            states[subject] = self.warm[subject]
            self.warm.move_to_end(subject)
        while len(self.warm) > max(WARM_CUSTOMERS, len(subjects)):
            self.warm.popitem(last=False)
        return states

    def written(self, plan: Plan[S], before: Mapping[str, StoredState[S]]) -> None:
        """The plan's transaction stands; ``before`` are the states it was made from."""
        for subject, state in plan.states.items():
            self.warm[subject] = StoredState(state, before[subject].version + 1)
        # Now, not once it is published: were that given up, these must not pass for handled.
        for uid in plan.forgotten | plan.tombstones.keys():
            self.recent.pop(uid, None)

    def handled(self, like: Origin, messages: Iterable[Message]) -> int:
        """The highest offset handled of the origin's topic and partition once these messages are."""
        where = like.topic, like.partition
        offsets = [m.origin.offset for m in messages if (m.origin.topic, m.origin.partition) == where]
        return max(like.offset, self._handled.get(where, -1), *offsets)

    def published(self, plan: Plan[S], messages: Iterable[Message], known: Mapping[str, Journalled]) -> None:
        """The plan's events are published too: whatever comes again under their ids has no effect.
        ``messages`` are all that it was made from; ``known`` is what the journal had of them."""
        for message in messages:
            self._handled[message.origin.topic, message.origin.partition] = message.origin.offset
        refused = {entry.event.uid for entry in plan.entries if entry.refusal is not None}
        for message in plan.repeated:
            uid = message.event.uid
            before = known.get(uid)
            if uid in plan.forgotten or uid in plan.tombstones or uid in refused:
                continue
            if before is None or (not before.retracted and before.published_by(message.origin)):
                self.recent[uid] = message.origin
        for entry in plan.entries:
            if entry.origin.topic != TIMER_TOPIC and entry.refusal is None:
                self.recent[entry.event.uid] = entry.origin
        while len(self.recent) > RECENT_EVENTS:
            self.recent.popitem(last=False)
        if plan.entries:
            self.counters.note(plan.counters.asked)
