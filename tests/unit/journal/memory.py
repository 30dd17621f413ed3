"""A store and a publisher in memory, with the real ones' promises, that can be told to fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import AutoReconnect

from shared.domain import Append, CancelTimer, Context, Effects, Emit, Handler, RefusedError, SetTimer
from shared.journal.bisection import StatesTooLargeError
from shared.journal.documents import Journalled
from shared.journal.later import state_text
from shared.journal.plan import Plan, StoredState, Timer
from shared.journal.store import CountersMovedError, DuplicateEventsError, GoneMovedError
from shared.journal.testing_store import InMemoryStore
from shared.kafka.keys import key_hash
from shared.kafka.publisher import BrokerAwayError, Record
from shared.schemas.base import Frozen
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.worker.processing import FencedError
from tests.unit.journal.memory_erasing import MemoryErasing


class CrashError(BaseException):
    """The process died here: nothing in it can catch that."""


class UnansweredError(AutoReconnect):
    """The connection broke; the store may have done what it was asked, or not."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one write."""

    error: BaseException
    written: bool = False
    """The store has committed it: only the acknowledgement is lost."""
    late: bool = False
    """It has not by now, and does as soon as somebody settles it."""


class MemoryStore(InMemoryStore[Any]):
    """The kit's store as the processor drives it: ``WorkerStore`` in memory, that can be told to fail."""

    def __init__(self, handler: Handler[Any]) -> None:
        super().__init__(handler)
        self.erasing = MemoryErasing(self, handler.collections, self._fence)
        self.epochs: dict[int, int] = {}
        self.attempts: dict[int, int] = {}
        """The last one written, by partition."""
        self.outboxes: dict[int, list[str]] = {}
        self.watermarks: dict[int, datetime] = {}
        self.counter_reads: list[list[str]] = []
        self.loads: list[dict[str, int]] = []
        """The customers whose states were read together, and the sizes of these."""
        self.meddle: Callable[[], None] = lambda: None
        """Called before each write: what another worker does meanwhile."""
        self.faults: Iterator[Fault | None] = iter(())
        """Of the next writes, one each."""
        self.poison: dict[str, Exception] = {}
        """What the store says of a transaction with the event of this uid."""
        self.indigestible: dict[str, Exception] = {}
        """The same, of what the event would change: that it was refused can be kept."""
        self.refusal: Exception | None = None
        """What it says of every transaction."""
        self.away = 0
        self.proofs = 0
        self._open: list[Callable[[], None]] = []
        """Commits under way, that were not acknowledged."""

    @property
    def states(self) -> dict[str, tuple[Any, int]]:
        """State and version by customer."""
        return {subject: (stored.state, stored.version) for subject, stored in self.stored.items()}

    def _fence(self, partition: int, epoch: int) -> None:
        if self.epochs.get(partition) != epoch:
            raise FencedError(f"epoch {epoch}")

    def _decide(self) -> None:
        """Commits under way are done."""
        while self._open:
            self._open.pop()()

    async def first_count(self) -> int:
        return 1

    async def take_over(self, partition: int, count: int) -> int:
        self._decide()
        self.epochs[partition] = self.epochs.get(partition, 0) + 1
        self.attempts[partition] = 0
        return self.epochs[partition]

    async def settle(self, partition: int, epoch: int) -> int:
        self._decide()
        self._fence(partition, epoch)
        return self.attempts[partition]

    async def prove(self, partition: int, epoch: int) -> None:
        self.proofs += 1
        if self.refusal is not None:
            raise self.refusal
        self._fence(partition, epoch)

    async def load(self, subjects: Sequence[str], most: int) -> dict[str, StoredState[Any]]:
        found = {s: self.stored[s] for s in subjects}
        sizes = {s: len(state_text(f.state)) if f.version else 0 for s, f in found.items()}
        if len(found) > 1 and sum(sizes.values()) > most:
            raise StatesTooLargeError(f"{len(found)} states")
        self.loads.append(sizes)
        return {s: StoredState(f.state, f.version, sizes[s]) for s, f in found.items()}

    async def erased(self) -> set[str]:
        return {*self.gone.values()}

    async def due_timers(self, partition: int, partitions: int, horizon: datetime, limit: int) -> list[Timer]:
        due = [t for t in self.due(horizon) if key_hash(t.subject.encode()) % partitions == partition]
        return due[:limit]

    async def counters(self, names: Sequence[str]) -> dict[str, int | None]:
        self.counter_reads.append(list(names))
        found = {name: self.used.get(name) for name in names}
        await asyncio.sleep(0)  # others may write before the reader does
        return found

    async def journalled(self, uids: Sequence[str]) -> dict[str, Journalled]:
        return {u: self.journal[u] for u in uids if u in self.journal}

    async def outbox(self, partition: int) -> dict[str, tuple[Record, ...]]:
        return {uid: self.journal[uid].emitted for uid in self.outboxes.get(partition, [])}

    async def clear_outbox(self, partition: int, epoch: int, uids: Sequence[str]) -> None:
        self._fence(partition, epoch)
        self.outboxes[partition] = [uid for uid in self.outboxes.get(partition, []) if uid not in uids]

    async def watermark(self, partition: int) -> datetime | None:
        return self.watermarks.get(partition)

    async def write(
        self,
        plan: Plan[Any],
        stored: Mapping[str, StoredState[Any]],
        *,
        partition: int,
        epoch: int,
        attempt: int,
        watermark: datetime | None,
        counters_first: bool = False,
        told_of: frozenset[str] = frozenset(),
        gone: frozenset[str] = frozenset(),
    ) -> None:
        self.meddle()
        if self.away:
            self.away -= 1
            raise OSError("the store is away")
        self._fence(partition, epoch)
        if (found := told_of & {*self.gone.values()}) != gone:
            raise GoneMovedError(found)
        self._check(plan, stored)
        plan.sizes = {subject: len(state_text(state)) for subject, state in plan.states.items()}
        fault = next(self.faults, None)

        def commit() -> None:
            assert attempt > self.attempts[partition]
            self.attempts[partition] = attempt
            self.keep(plan, partition)
            self.outboxes.setdefault(partition, []).extend(plan.outbox)
            if watermark is not None:
                self.watermarks[partition] = max(watermark, self.watermarks.get(partition, watermark))

        if fault is None or fault.written:
            commit()
        elif fault.late:
            self._open.append(commit)
        if fault is not None:
            raise fault.error

    def _check(self, plan: Plan[Any], stored: Mapping[str, StoredState[Any]]) -> None:
        """What another worker, or the journal, has against the plan."""
        if self.refusal is not None:
            raise self.refusal
        for entry in plan.entries:
            if entry.event.uid in self.poison:
                raise self.poison[entry.event.uid]
            if entry.event.uid in self.indigestible and entry.refusal is None:
                raise self.indigestible[entry.event.uid]
        uids = Counter([*(e.event.uid for e in plan.entries), *plan.tombstones])
        if any(n > 1 or (uid in self.journal and uid not in plan.forgotten) for uid, n in uids.items()):
            raise DuplicateEventsError
        if any(stored[s].version != self.stored[s].version for s in plan.states):
            raise FencedError("version")
        assert all(all(added.values()) for added in plan.increments.values())
        for name, counter in plan.counters.asked.items():
            if counter.taken > 0 and counter.room is not None:
                made_meanwhile = counter.stored is None and name in self.used
                if made_meanwhile or self.used.get(name, 0) > counter.room:
                    raise CountersMovedError


class MemoryPublisher:
    """Keeps what is published; ``away`` publications fail first; ``crash_at`` dies before the n-th."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.away = 0
        self.crash_at: int | None = None
        self.crash_after = False
        self.dies: Iterator[str | None] = iter(())
        """Of the next publications: the process dies ``before`` or ``after`` it, or does not (None)."""
        self.meddle: Callable[[], Awaitable[None]] | None = None
        """Called before the next publication: what others do while this worker sleeps."""

    async def publish(self, records: Sequence[Record]) -> None:
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            await meddle()
        if self.away:
            self.away -= 1
            raise BrokerAwayError("away")
        death = next(self.dies, None) if records else None
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at <= 0:
                death = "after" if self.crash_after else "before"
        if death != "before":
            self.records += records
        if death is not None:
            raise CrashError


class Tally(Frozen):
    """What the test's service keeps of a customer: order matters to ``trail``."""

    customer: str
    total: int = 0
    trail: tuple[str, ...] = ()


def apply(state: Tally, event: Event, context: Context) -> Effects[Tally]:
    """Adds totals up; amounts decide which timers are set, moved and cancelled, so that firings matter."""
    data = event.data
    if isinstance(data, TimerFired):
        left = int(data.payload.get("left", 0))
        again = (SetTimer(data.name, data.due_at + timedelta(hours=7), {"left": left - 1}),) if left else ()
        note = f"{data.name}@{data.due_at:%d.%H}"
        changed = state.model_copy(update={"trail": (*state.trail, note), "total": state.total * 2 % 10_007})
        return Effects(changed, emits=(_points(changed.total, event, context),), timers=again)
    assert isinstance(data, PurchaseMade)
    amount = data.total.amount
    if data.order_id in state.trail:
        raise RefusedError("again", "the order is counted")  # a redelivery must never get here
    if amount == 13:
        raise RefusedError("unlucky", "thirteen")
    if amount == 14:
        raise RuntimeError("a bug in the domain")
    changed = state.model_copy(
        update={"trail": (*state.trail, data.order_id), "total": (state.total + amount) % 10_007}
    )
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    if amount % 3 == 0:
        timers = (SetTimer(f"t{amount % 2}", event.time + timedelta(hours=amount), {"left": amount % 4}),)
    elif amount % 7 == 0:
        timers = (CancelTimer("t0"),)
    row = Append("ledger", {"_id": context.new_id("row"), "amount": amount})
    return Effects(changed, emits=(_points(amount, event, context),), timers=timers, rows=(row,))


def _points(points: int, event: Event, context: Context) -> Emit:
    cause = {"source": "/test", "id": "cause"}
    data = PointsEarned.model_validate(
        {"entry_id": context.new_id("e"), "points": points, "balance": points, "reason": "r", "cause": cause}
    )
    return Emit(data, event.time)


HANDLER: Handler[Tally] = Handler(
    service="tally",
    consumes=(PurchaseMade,),
    state=Tally,
    initial=lambda customer: Tally(customer=customer),
    apply=apply,
)
