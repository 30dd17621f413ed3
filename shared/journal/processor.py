"""The processor of three of the four services: exactly-once effects through a journal.

A batch's journal entries, states, timers and rows are one transaction; then its events are
published; then the caller commits the offsets. A crash anywhere redelivers, and the journal answers:
an event found there changes nothing, and a redelivery has its stored events published again.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Generic

import structlog

from shared.domain import Handler, S
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Held, Plan, Rejected, Timer
from shared.journal.planner import Planner
from shared.journal.step import Step
from shared.journal.store import CountersMoved, DuplicateEvents, WorkerStore
from shared.journal.telemetry import count
from shared.kafka.publisher import Publisher, Record
from shared.runtime import telemetry
from shared.schemas.timer import TimerFired
from shared.worker import faults
from shared.worker.dead_letters import dead_letter, written_anew
from shared.worker.processing import TIMER_TOPIC, Batch, Fenced, TopicOffset, Work
from shared.worker.retry import retry

log = structlog.get_logger(__name__)

TIMERS_A_STEP = 500
CONTENDED_SECONDS = 0.005
"""The first pause after another worker was faster at a shared counter; it doubles, up to 0.3 s."""


class Unstorable(Exception):
    """The store refused a step for good."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


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
        observe: Callable[[Plan[S]], None] | None = None,
    ) -> None:
        """``observe`` is called with each plan that is written and published, so that a service can count
        what is its own; it must not raise."""
        self._service = handler.service
        self._store = store
        self._publisher = publisher
        self._planner = Planner(handler, secret_key, stream=stream)
        self._stream = stream
        self._wall_clock = wall_clock
        self._observe = observe
        self._partitions: dict[int, PartitionMemory[S]] = {}
        self._durable: dict[TopicOffset, int] = {}
        self.committed = asyncio.Event()
        """Set after each batch that took effect; whoever waits for it clears it."""

    async def assigned(self, partitions: frozenset[int]) -> Mapping[TopicOffset, int]:
        self._partitions = {p: PartitionMemory() for p in partitions}
        self._durable.clear()
        for partition in partitions:
            await retry(self._service, "mongo", partial(self._store.take_over, partition))
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
            held.clear()
            raise
        if batch.records:
            await retry(self._service, "kafka", lambda: self._publisher.publish(batch.records))
        self._durable.update(batch.offsets)
        self.committed.set()
        telemetry.BATCH_SIZE.labels(self._service).observe(len(batch.works))
        telemetry.BATCH_SECONDS.labels(self._service, "total").observe(perf_counter() - started)

    async def _run(self, batch: Batch, held: PartitionMemory[S], works: list[Work]) -> None:
        """All of the batch, in as many transactions as the due timers and a bad event make needed."""
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
            await self._step(replace(batch, horizon=horizon), held, Step(now), due)
            works = works[len(now) :]
            if len(due) < TIMERS_A_STEP:
                telemetry.TIMERS_DUE.labels(self._service).set(0)
                return

    async def _step(self, batch: Batch, held: PartitionMemory[S], step: Step, due: Sequence[Timer]) -> None:
        try:
            await self._transact(batch, held, step, due)
        except Unstorable as unstorable:
            if not step.works and not due:
                raise
            await self._bisect(batch, held, step, due, unstorable.error)

    async def _bisect(
        self, batch: Batch, held: PartitionMemory[S], step: Step, due: Sequence[Timer], error: Exception
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
        await self._step(first, held, Step(early[1], step.known), early[0])
        await self._step(batch, held, Step(late[1], step.known), late[0])

    async def _set_aside(self, batch: Batch, work: Work, error: Exception) -> None:
        log.error("event cannot be stored", event_id=work.event.uid, error=str(error)[:500])
        letter = self._letter(Rejected(work, "store", f"{type(error).__name__}: {error}"[:500]))
        await retry(self._service, "kafka", lambda: self._publisher.publish([letter]))
        if work.origin.topic == TIMER_TOPIC:
            data = work.event.data
            assert isinstance(data, TimerFired)
            await retry(self._service, "mongo", lambda: self._store.drop_timer(work.event.subject, data.name))

    async def _transact(
        self, batch: Batch, held: PartitionMemory[S], step: Step, due: Sequence[Timer]
    ) -> None:
        """Plan and write; plan again, on fresh reads, when the journal knows some of the events or another
        worker was faster at a shared counter."""
        contended = 0
        while True:
            states = await self._states(held, step.works, due)
            plan = await self._plan(batch, held, step, due, states)
            if await self._rejected_before(step, plan):
                held.warm.clear()
                continue
            faults.point("mid_batch")
            started = perf_counter()
            try:
                outboxed = await self._write(batch, plan, states, contended=contended > 0)
            except Fenced:
                raise
            except CountersMoved:
                await asyncio.sleep(CONTENDED_SECONDS * 2 ** min(contended, 6) * random.uniform(0.5, 1.5))
                contended += 1
                continue
            except DuplicateEvents:
                await self._look_up(batch, held, step, plan)
                continue
            except Exception as error:
                raise Unstorable(error) from error
            telemetry.BATCH_SECONDS.labels(self._service, "transaction").observe(perf_counter() - started)
            break
        timer_fired = any(e.origin.topic == TIMER_TOPIC for e in plan.entries)
        faults.point("after_timer_transaction" if timer_fired else "after_transaction")
        held.written(plan, states)
        await self._publish(batch, step, plan, outboxed)
        held.published(plan, step.works, step.known)
        count(self._service, plan, step.known, batch.now)
        if self._observe is not None:
            self._observe(plan)

    async def _plan(
        self,
        batch: Batch,
        held: PartitionMemory[S],
        step: Step,
        due: Sequence[Timer],
        states: Mapping[str, Held[S]],
    ) -> Plan[S]:
        """The step's plan, on shared counters read for it: those used lately and those it asks for."""
        counters = await self._counters(held.counters.names if step.works or due else [])
        while True:
            started = perf_counter()
            plan = self._planner.plan(
                step.works,
                due,
                states,
                now=batch.now,
                horizon=batch.horizon,
                seen=lambda work: work.event.uid in held.recent or step.knows(work),
                counters=counters,
                failed_at=self._wall_clock(),
            )
            telemetry.BATCH_SECONDS.labels(self._service, "apply").observe(perf_counter() - started)
            if not plan.counters.unread:
                plan.forgotten |= step.replaced(plan)
                for buried in plan.buried.values():
                    buried.until = held.handled(buried.origin, step.works)
                return plan
            counters |= await self._counters(sorted(plan.counters.unread))

    async def _counters(self, names: Sequence[str]) -> dict[str, int | None]:
        if not names:
            return {}
        return await retry(self._service, "mongo", lambda: self._store.counters(names))

    async def _rejected_before(self, step: Step, plan: Plan[S]) -> bool:
        """Whether some that the domain rejects are redeliveries: their first time changed the state that
        now speaks against them, and only the journal can tell. They are known then."""
        uids = [r.work.event.uid for r in plan.rejected if r.work.event.uid not in step.known]
        if not uids:
            return False
        found = await retry(self._service, "mongo", partial(self._store.journalled, uids))
        step.known.update(found)
        return bool(found)

    async def _look_up(self, batch: Batch, held: PartitionMemory[S], step: Step, plan: Plan[S]) -> None:
        """The journal refused entries of the plan: learn which, and what a worker before may have left."""
        uids = [*(e.event.uid for e in plan.entries), *plan.buried]
        found = await retry(self._service, "mongo", partial(self._store.journalled, uids))
        if not found.keys() - plan.forgotten:
            raise Fenced("the journal refused entries that it does not have") from None
        step.known.update(found)
        held.warm.clear()  # it may be older than what the journal tells of
        await retry(self._service, "mongo", lambda: self._empty_outbox(batch.partition))

    async def _write(
        self, batch: Batch, plan: Plan[S], states: Mapping[str, Held[S]], *, contended: bool
    ) -> bool:
        watermark = batch.horizon if self._stream else None
        if not plan.entries and not plan.timers and watermark is None:
            return False
        write = partial(self._store.write, plan, states, partition=batch.partition, watermark=watermark)
        if contended:
            write = partial(write, counters_first=True)
        return await retry(self._service, "mongo", write)

    async def _publish(self, batch: Batch, step: Step, plan: Plan[S], outboxed: bool) -> None:
        """What the plan emitted, and what redelivered events of it emitted their first time."""
        records = [r for e in plan.entries for r in e.emitted]
        records += [self._letter(r) for r in plan.rejected]
        for work in plan.repeated:
            entry = step.known.get(work.event.uid)
            if entry is not None and entry.origin == work.origin:
                records += entry.emitted
        started = perf_counter()
        await retry(self._service, "kafka", lambda: self._publisher.publish(records))
        if outboxed:
            await retry(self._service, "mongo", lambda: self._store.clear_outbox(batch.partition))
        telemetry.BATCH_SECONDS.labels(self._service, "publish").observe(perf_counter() - started)
        faults.point("after_publish")

    async def _states(
        self, held: PartitionMemory[S], works: Sequence[Work], due: Sequence[Timer]
    ) -> dict[str, Held[S]]:
        subjects = {w.event.subject for w in works} | {t.subject for t in due}
        missing = held.missing(subjects)
        if missing:
            started = perf_counter()
            held.warm.update(await retry(self._service, "mongo", lambda: self._store.load(missing)))
            telemetry.BATCH_SECONDS.labels(self._service, "load").observe(perf_counter() - started)
        return held.states(subjects)

    def _letter(self, rejected: Rejected) -> Record:
        """A dead letter for an event that only this service cannot apply."""
        work = rejected.work
        log.warning("dead letter", event_id=work.event.uid, code=rejected.code, detail=rejected.detail)
        original, origin = work.raw, work.origin
        if original is None:
            origin, original = written_anew(work.event, origin)
        return dead_letter(
            self._service,
            origin,
            original,
            code=rejected.code,
            detail=rejected.detail,
            failed_at=self._wall_clock(),
        )
