"""The processor of three of the four services: exactly-once effects through a journal.

A batch's journal entries, states, timers and rows are one transaction; then its events are
published; then the caller commits the offsets. A crash anywhere redelivers, and the journal answers:
an event found there changes nothing, and a redelivery has its stored events published again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Generic

import structlog

from shared.runtime import faults, telemetry
from shared.runtime.documents import Journalled
from shared.runtime.effects import Handler, S
from shared.runtime.intake import dead_letter
from shared.runtime.plan import COMMANDS, TIMER_TOPIC, Held, Plan, Planner, Rejected, Timer
from shared.runtime.processing import Batch, Fenced, Origin, TopicOffset, Work
from shared.runtime.publisher import Publisher, Record
from shared.runtime.retry import retry
from shared.runtime.store import DuplicateEvents, WorkerStore
from shared.schemas.codec import encode
from shared.schemas.timer import TimerFired

log = structlog.get_logger(__name__)

TIMERS_A_STEP = 500
WARM_CUSTOMERS = 50_000
RECENT_EVENTS = 100_000


class Unstorable(Exception):
    """The store refused a step for good."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class _Partition(Generic[S]):
    """What a worker holds of a partition: nothing here outlives a revoke."""

    warm: OrderedDict[str, Held[S]] = field(default_factory=OrderedDict)
    recent: OrderedDict[str, Origin] = field(default_factory=OrderedDict)


@dataclass(slots=True)
class _Step:
    """Records of a batch that go through one transaction together."""

    works: list[Work]
    known: dict[str, Journalled] = field(default_factory=dict)


class JournalProcessor(Generic[S]):
    """Implements ``Processor`` for a ``Handler``."""

    def __init__(
        self,
        handler: Handler[S],
        store: WorkerStore[S],
        publisher: Publisher,
        *,
        secret_key: bytes,
        stream: bool,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._service = handler.service
        self._store = store
        self._publisher = publisher
        self._planner = Planner(handler, secret_key, stream=stream)
        self._stream = stream
        self._wall_clock = wall_clock
        self._partitions: dict[int, _Partition[S]] = {}
        self._durable: dict[TopicOffset, int] = {}
        self.committed = asyncio.Event()
        """Set after each batch that took effect; whoever waits for it clears it."""

    async def assigned(self, partitions: frozenset[int]) -> Mapping[TopicOffset, int]:
        self._partitions = {p: _Partition() for p in partitions}
        self._durable.clear()
        for partition in partitions:
            await retry(self._service, "mongo", partial(self._empty_outbox, partition))
        return {}

    async def _empty_outbox(self, partition: int) -> None:
        records = await self._store.outbox(partition)
        if records:
            await self._publisher.publish(records)
            await self._store.clear_outbox(partition)

    async def watermark(self, partition: int) -> datetime | None:
        return await retry(self._service, "mongo", lambda: self._store.watermark(partition))

    async def revoked(self, partitions: frozenset[int]) -> None:
        for partition in partitions:
            self._partitions.pop(partition, None)

    async def idle(self) -> None:
        """Nothing is held back between batches."""

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets

    async def process(self, batch: Batch) -> None:
        started = perf_counter()
        held = self._partitions[batch.partition]
        try:
            await self._run(batch, held, list(batch.works))
        except Fenced:
            held.warm.clear()
            held.recent.clear()
            raise
        if batch.records:
            await retry(self._service, "kafka", lambda: self._publisher.publish(batch.records))
        self._durable.update(batch.offsets)
        self.committed.set()
        telemetry.BATCH_SIZE.labels(self._service).observe(len(batch.works))
        telemetry.BATCH_SECONDS.labels(self._service, "total").observe(perf_counter() - started)

    async def _run(self, batch: Batch, held: _Partition[S], works: list[Work]) -> None:
        """All of the batch, in as many transactions as the due timers and a bad event make needed."""
        works = self._fresh(held, works)
        while True:
            due = await retry(
                self._service,
                "mongo",
                lambda: self._store.due_timers(
                    batch.partition, batch.partitions, batch.horizon, TIMERS_A_STEP
                ),
            )
            telemetry.TIMERS_DUE.labels(self._service).set(len(due))
            horizon, now = batch.horizon, works
            if len(due) == TIMERS_A_STEP:
                # More may be due: go no further than the last of these, and let the rest fire before
                # any record at that same instant.
                horizon = due[-1].due_at
                now = [w for w in works if w.at < horizon]
            await self._step(replace(batch, horizon=horizon), held, _Step(now), due)
            works = works[len(now) :]
            if len(due) < TIMERS_A_STEP:
                telemetry.TIMERS_DUE.labels(self._service).set(0)
                return

    def _fresh(self, held: _Partition[S], works: list[Work]) -> list[Work]:
        """Without what memory knows to have been handled and published."""
        fresh: dict[str, Work] = {}
        for work in works:
            uid = work.event.uid
            if uid in held.recent or uid in fresh:
                telemetry.JOURNAL_DUPLICATES.labels(self._service).inc()
            else:
                fresh[uid] = work
        return list(fresh.values())

    async def _step(self, batch: Batch, held: _Partition[S], step: _Step, due: Sequence[Timer]) -> None:
        try:
            await self._transact(batch, held, step, due)
        except Unstorable as unstorable:
            if not step.works and not due:
                raise
            await self._bisect(batch, held, step, due, unstorable.error)

    async def _bisect(
        self, batch: Batch, held: _Partition[S], step: _Step, due: Sequence[Timer], error: Exception
    ) -> None:
        """A store error that does not pass: halve the step until what is at fault stands alone."""
        works = step.works
        if len(works) + len(due) == 1:
            await self._set_aside(batch, works[0] if works else self._planner.fire(due[0]), error)
            return
        times = sorted([*(t.due_at for t in due), *(w.at for w in works)])
        middle = times[(len(times) - 1) // 2]
        early = [t for t in due if t.due_at <= middle], [w for w in works if w.at <= middle]
        late = [t for t in due if t.due_at > middle], [w for w in works if w.at > middle]
        if not late[0] and not late[1]:  # all at one instant: timers first, then the records by halves
            half = len(works) // 2 if not due else 0
            early, late = (list(due), works[:half]), ([], works[half:])
        first = replace(batch, horizon=min(batch.horizon, middle))
        await self._step(first, held, _Step(early[1], step.known), early[0])
        await self._step(batch, held, _Step(late[1], step.known), late[0])

    async def _set_aside(self, batch: Batch, work: Work, error: Exception) -> None:
        log.error("event cannot be stored", event_id=work.event.uid, error=str(error)[:500])
        letter = self._letter(Rejected(work, "store", f"{type(error).__name__}: {error}"[:500]))
        await retry(self._service, "kafka", lambda: self._publisher.publish([letter]))
        if work.origin.topic == TIMER_TOPIC:
            data = work.event.data
            assert isinstance(data, TimerFired)
            await retry(self._service, "mongo", lambda: self._store.drop_timer(work.event.subject, data.name))

    async def _transact(self, batch: Batch, held: _Partition[S], step: _Step, due: Sequence[Timer]) -> None:
        """Plan and write; when the journal knows some of the events, plan again without them."""
        while True:
            works = [w for w in step.works if w.event.uid not in step.known]
            states = await self._states(held, works, due)
            started = perf_counter()
            plan = self._planner.plan(
                works,
                due,
                states,
                now=batch.now,
                horizon=batch.horizon,
                already_fired=frozenset(step.known),
            )
            telemetry.BATCH_SECONDS.labels(self._service, "apply").observe(perf_counter() - started)
            if await self._rejected_before(step, plan):
                held.warm.clear()
                continue
            faults.point("mid_batch")
            started = perf_counter()
            try:
                outboxed = await retry(self._service, "mongo", partial(self._write, batch, plan, states))
            except Fenced:
                raise
            except DuplicateEvents:
                uids = [e.event.uid for e in plan.entries]
                found = await retry(self._service, "mongo", partial(self._store.journalled, uids))
                if not found:
                    raise Fenced("the journal refused entries that it does not have") from None
                step.known.update(found)
                held.warm.clear()  # it may be older than what the journal tells of
                await retry(self._service, "mongo", lambda: self._empty_outbox(batch.partition))
                continue
            except Exception as error:
                raise Unstorable(error) from error
            telemetry.BATCH_SECONDS.labels(self._service, "transaction").observe(perf_counter() - started)
            break
        timer_fired = any(e.origin.topic == TIMER_TOPIC for e in plan.entries)
        faults.point("after_timer_transaction" if timer_fired else "after_transaction")
        await self._after(batch, held, step, plan, states, outboxed)

    async def _rejected_before(self, step: _Step, plan: Plan[S]) -> bool:
        """Whether some that the domain rejects are redeliveries: their first time changed the state that
        now speaks against them, and only the journal can tell. They are known then."""
        uids = [r.work.event.uid for r in plan.rejected]
        if not uids:
            return False
        found = await retry(self._service, "mongo", partial(self._store.journalled, uids))
        step.known.update(found)
        return bool(found)

    async def _write(self, batch: Batch, plan: Plan[S], states: Mapping[str, Held[S]]) -> bool:
        watermark = batch.horizon if self._stream else None
        if not plan.entries and not plan.timers and watermark is None:
            return False
        return await self._store.write(plan, states, partition=batch.partition, watermark=watermark)

    async def _after(
        self,
        batch: Batch,
        held: _Partition[S],
        step: _Step,
        plan: Plan[S],
        states: Mapping[str, Held[S]],
        outboxed: bool,
    ) -> None:
        """The transaction stands: remember it, and publish what it and earlier tries emitted."""
        for subject, state in plan.states.items():
            held.warm[subject] = Held(state, states[subject].version + 1)
        records = [r for e in plan.entries for r in e.emitted]
        records += [self._letter(r) for r in plan.rejected]
        for work in step.works:
            entry = step.known.get(work.event.uid)
            if entry is not None and entry.origin == work.origin:
                records += entry.emitted
        started = perf_counter()
        await retry(self._service, "kafka", lambda: self._publisher.publish(records))
        if outboxed:
            await retry(self._service, "mongo", lambda: self._store.clear_outbox(batch.partition))
        telemetry.BATCH_SECONDS.labels(self._service, "publish").observe(perf_counter() - started)
        faults.point("after_publish")
        self._remember(held, step, plan)
        self._count(step, plan, batch)

    async def _states(
        self, held: _Partition[S], works: Sequence[Work], due: Sequence[Timer]
    ) -> dict[str, Held[S]]:
        subjects = {w.event.subject for w in works} | {t.subject for t in due}
        missing = [s for s in subjects if s not in held.warm]
        if missing:
            held.warm.update(await retry(self._service, "mongo", lambda: self._store.load(missing)))
        states = {}
        for subject in subjects:
            states[subject] = held.warm[subject]
            held.warm.move_to_end(subject)
        while len(held.warm) > max(WARM_CUSTOMERS, len(subjects)):
            held.warm.popitem(last=False)
        return states

    def _remember(self, held: _Partition[S], step: _Step, plan: Plan[S]) -> None:
        rejected = {r.work.event.uid for r in plan.rejected}
        for work in step.works:
            if work.event.uid not in rejected:
                held.recent[work.event.uid] = work.origin
        while len(held.recent) > RECENT_EVENTS:
            held.recent.popitem(last=False)

    def _count(self, step: _Step, plan: Plan[S], batch: Batch) -> None:
        service = self._service
        for entry in plan.entries:
            refused = entry.origin.topic == COMMANDS and (entry.status or 0) >= 400
            telemetry.EVENTS.labels(service, entry.event.type, "refused" if refused else "applied").inc()
            if entry.origin.topic == TIMER_TOPIC:
                telemetry.TIMERS_FIRED.labels(service).inc()
                late = (batch.now - entry.event.time).total_seconds()
                telemetry.TIMERS_LATE_SECONDS.labels(service).observe(max(0.0, late))
        for work in step.works:
            entry_before = step.known.get(work.event.uid)
            if entry_before is not None:
                again = entry_before.origin == work.origin
                telemetry.EVENTS.labels(
                    service, work.event.type, "redelivered" if again else "duplicate"
                ).inc()
                telemetry.JOURNAL_DUPLICATES.labels(service).inc()

    def _letter(self, rejected: Rejected) -> Record:
        """A dead letter for an event that only this service cannot apply."""
        work = rejected.work
        log.warning("dead letter", event_id=work.event.uid, code=rejected.code, detail=rejected.detail)
        original, origin = work.raw, work.origin
        if original is None:  # a timer of our own: it goes where commands go
            value, headers = encode(work.event)
            original = Record(COMMANDS, work.event.subject.encode(), value, tuple(headers))
            origin = Origin(COMMANDS, 0, -1)
        return dead_letter(
            self._service,
            origin,
            original,
            code=rejected.code,
            detail=rejected.detail,
            failed_at=self._wall_clock(),
        )
