"""A plan in the making: the time it has come to, the timers that may still fire in it, its entries so far."""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic

from shared.domain import Append, CancelTimer, Increment, Put, Retract, S, SetTimer, Unseen
from shared.journal.erasing import Chore
from shared.journal.plan import Entry, Plan, StoredState, Timer, Tombstone
from shared.kafka.publisher import Record
from shared.worker.processing import Message, Origin


class LiftTooSoonError(Exception):
    """Somebody is erased and the erasure is lifted in one plan: what is to be removed of them goes first."""


@dataclass(slots=True)
class Course(Generic[S]):
    """A plan in the making. What an event does goes into it through these methods."""

    plan: Plan[S]
    stored: Mapping[str, StoredState[S]]
    clock: datetime
    """What ``Context.now`` is for the next event."""
    limit: tuple[datetime, str]
    """Timers set meanwhile fire in this plan up to this instant and, in it, up to this key."""
    failed_at: datetime
    """The wall clock for dead letters."""
    unstorable: str | None
    """What the store said of the plan's only event: the domain is not asked then."""
    seen: Callable[[Message], bool]
    """Whether an event was handled before the plan."""
    due: dict[str, Timer]
    """The timers that may fire in this plan, by key."""
    heap: list[tuple[datetime, str]] = field(default_factory=list)
    """Their ``due_at`` and key, and those of timers that were moved or cancelled meanwhile."""
    entries: dict[str, Entry] = field(default_factory=dict)
    """By uid, in the order they were made."""
    fired: set[str] = field(default_factory=set)
    """Uids of the timers' firings so far."""
    gone: Collection[str] = frozenset()
    """Of those of whom its events tell others, the hashes of the erased."""

    def __post_init__(self) -> None:
        self.heap = [(timer.due_at, key) for key, timer in self.due.items()]
        heapq.heapify(self.heap)

    def state(self, state_id: str) -> S:
        """The state as the plan has it by now."""
        state = self.plan.states.get(state_id)
        return self.stored[state_id].state if state is None else state

    def is_erased(self, state_id: str) -> bool:
        """Whether the state has gone for good, before this plan or in it."""
        plan = self.plan
        return state_id in plan.erased or (self.stored[state_id].erased and state_id not in plan.lifted)

    def knows(self, uid: str, state_id: str) -> bool:
        """Whether an entry of the plan says that such an event was handled: one without effect does not any
        more, once they may come back."""
        return uid not in self.plan.nameless or self.is_erased(state_id)

    def erase(self, state_id: str, hash: str, message: Message) -> None:
        """The state goes, and whatever is or was to fire for it. ``message`` is why."""
        plan = self.plan
        plan.states.pop(state_id, None)
        plan.lifted.pop(state_id, None)
        removed = {"state": 1} if self.stored[state_id].version else {}
        at = whole_milliseconds(message.at)
        plan.erased[state_id] = Chore(hash, state_id, message.event.uid, at, removed)
        for key in [key for key, timer in self.due.items() if timer.subject == state_id]:
            del self.due[key]
        for key in [key for key, timer in plan.timers.items() if timer and timer.subject == state_id]:
            plan.timers[key] = None

    def lift(self, state_id: str, hash: str) -> None:
        """There is a state again, the initial one. Raises ``LiftTooSoonError`` where it goes in this plan."""
        if state_id in self.plan.erased:
            raise LiftTooSoonError
        self.plan.lifted[state_id] = hash

    def next_timer(self, limit: datetime) -> Timer | None:
        """The earliest timer due by ``limit``; its row goes. None if there is none."""
        heap = self.heap
        while heap and heap[0][0] <= limit:
            due_at, key = heapq.heappop(heap)
            timer = self.due.get(key)
            if timer is None or timer.due_at != due_at:
                continue  # moved or cancelled by an earlier event of this batch
            del self.due[key]
            if key not in self.plan.timers:
                self.plan.fired[key] = due_at
            self.plan.timers[key] = None
            return timer
        return None

    def keep_rows(self, rows: Sequence[Append | Put | Increment]) -> None:
        """Of two that put one document the later wins; increments of one field add up."""
        plan = self.plan
        for row in rows:
            match row:
                case Append():
                    plan.appends.setdefault(row.collection, []).append(row.document)
                case Put():
                    plan.puts.setdefault(row.collection, {})[row.document["_id"]] = row.document
                case Increment():
                    sums = plan.increments.setdefault((row.collection, row.key), {})
                    for name, amount in row.fields.items():
                        sums[name] = sums.get(name, 0) + amount

    def keep_timers(self, state_id: str, changes: Sequence[SetTimer | CancelTimer]) -> None:
        """In their order; one that is set and due within the limit fires in this plan."""
        for change in changes:
            key = f"{state_id}|{change.name}"
            self.due.pop(key, None)
            self.plan.fired.pop(key, None)
            self.plan.timers[key] = None
            if isinstance(change, SetTimer):
                timer = Timer(state_id, change.name, whole_milliseconds(change.due_at), change.payload)
                self.plan.timers[key] = timer
                if (timer.due_at, key) <= self.limit:
                    self.due[key] = timer
                    heapq.heappush(self.heap, (timer.due_at, key))

    def enter(self, entry: Entry) -> None:
        """The event is handled; one that was rejected under its id before is so no longer."""
        self.entries[entry.event.uid] = entry
        self.plan.tombstones.pop(entry.event.uid, None)
        if not entry.erased:
            self.plan.nameless.discard(entry.event.uid)

    def take_back(self, bad: Sequence[Retract | Unseen], cause: str) -> list[Record]:
        """Take back that these were handled. What they emitted in this plan is still to be published, so
        it is returned for the entry that now stands for them. ``cause`` is the uid of the event that found
        it out: where it takes itself back the journal may have it, as of a first time, or the plan, and its
        own entry is yet to come."""
        plan = self.plan
        emitted: list[Record] = []
        for one in bad:
            uid = one.event.uid
            entry = self.entries.pop(uid, None) if uid != cause else None
            if entry is not None:
                emitted += entry.emitted
            elif uid not in plan.tombstones and uid != cause:
                plan.forgotten.add(uid)
            origin = Origin.parse(one.origin)
            plan.tombstones[uid] = Tombstone(one.event, origin, origin.offset)
        return emitted

    def finish(self) -> Plan[S]:
        """The plan, once all has been applied."""
        self.plan.entries = list(self.entries.values())
        self.plan.increments = _without_zeros(self.plan.increments)
        return self.plan


def _without_zeros(
    increments: Mapping[tuple[str, str], Mapping[str, int]],
) -> dict[tuple[str, str], dict[str, int]]:
    left = {where: {n: amount for n, amount in sums.items() if amount} for where, sums in increments.items()}
    return {where: sums for where, sums in left.items() if sums}


def whole_milliseconds(time: datetime) -> datetime:
    """The time, or the next whole millisecond: BSON keeps no more, and a timer must not fire early."""
    return time + timedelta(microseconds=-time.microsecond % 1000)
