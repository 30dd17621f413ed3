"""A store and a publisher in memory, with the real ones' promises, that can be told to fail."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.domain import Append, CancelTimer, Context, Effects, Emit, Handler, RefusedError, SetTimer
from shared.journal.documents import Journalled
from shared.journal.plan import Plan, StoredState, Timer
from shared.journal.store import CountersMovedError, DuplicateEventsError
from shared.journal.testing_store import InMemoryStore
from shared.kafka.keys import key_hash
from shared.kafka.publisher import BrokerAwayError, Record
from shared.schemas.base import Frozen
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.worker.processing import FencedError


class CrashError(Exception):
    """The process died here."""


class MemoryStore(InMemoryStore[Any]):
    """The kit's store as the processor drives it: ``WorkerStore`` in memory, that can be told to fail."""

    def __init__(self, handler: Handler[Any]) -> None:
        super().__init__(handler)
        self.outboxes: dict[int, list[str]] = {}
        self.watermarks: dict[int, datetime] = {}
        self.counter_reads: list[list[str]] = []
        self.meddle: Callable[[], None] = lambda: None
        """Called before each write: what another worker does meanwhile."""
        self.poison: set[str] = set()
        self.away = 0

    @property
    def states(self) -> dict[str, tuple[Any, int]]:
        """State and version by customer."""
        return {subject: (stored.state, stored.version) for subject, stored in self.stored.items()}

    async def take_over(self, partition: int) -> None:
        """A write here is never left half-done."""

    async def load(self, subjects: Sequence[str]) -> dict[str, StoredState[Any]]:
        return {s: self.stored[s] for s in subjects}

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

    async def outbox(self, partition: int) -> list[Record]:
        return [r for uid in self.outboxes.get(partition, []) for r in self.journal[uid].emitted]

    async def clear_outbox(self, partition: int) -> None:
        self.outboxes.pop(partition, None)

    async def watermark(self, partition: int) -> datetime | None:
        return self.watermarks.get(partition)

    async def drop_timer(self, subject: str, name: str) -> None:
        self.timers.pop(f"{subject}|{name}", None)

    async def write(
        self,
        plan: Plan[Any],
        stored: Mapping[str, StoredState[Any]],
        *,
        partition: int,
        watermark: datetime | None,
        counters_first: bool = False,
    ) -> bool:
        self.meddle()
        if self.away:
            self.away -= 1
            raise OSError("the store is away")
        self._check(plan, stored)
        self.keep(plan, partition)
        outbox = [e.event.uid for e in plan.entries if e.origin.offset < 0 and e.emitted]
        if outbox:
            self.outboxes[partition] = outbox
        if watermark is not None:
            self.watermarks[partition] = max(watermark, self.watermarks.get(partition, watermark))
        return bool(outbox)

    def _check(self, plan: Plan[Any], stored: Mapping[str, StoredState[Any]]) -> None:
        """What another worker, or the journal, has against the plan."""
        if any(e.event.uid in self.poison for e in plan.entries):
            raise ValueError("the store cannot take this")
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

    async def publish(self, records: Sequence[Record]) -> None:
        if self.away:
            self.away -= 1
            raise BrokerAwayError("away")
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at <= 0:
                if self.crash_after:
                    self.records += records
                raise CrashError
        self.records += records


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
