"""The processor of three of the four services: exactly-once effects through a journal.

The journal entries, states, timers and rows of a step of a batch are one transaction; then its events are
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

from shared.domain import Handler, S
from shared.journal.bisection import UnstorableError, in_steps
from shared.journal.drafting import Drafter
from shared.journal.eraser import Eraser
from shared.journal.partition import PartitionMemory
from shared.journal.plan import Plan
from shared.journal.planner import Planner
from shared.journal.publishing import StepPublisher
from shared.journal.returned import AT_ONCE, REFUSED, erased_again
from shared.journal.step import Step
from shared.journal.store import CountersMovedError, DuplicateEventsError, GoneMovedError, WorkerStore
from shared.journal.telemetry import count
from shared.kafka.publisher import Publisher
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.worker import faults
from shared.worker.budget import Budget
from shared.worker.processing import TIMER_TOPIC, Batch, FencedError, Message, TopicOffset, Wanted
from shared.worker.retry import Backoff, passes, retry, takes_another

CONTENDED_SECONDS = 0.005
"""The first pause after another worker was faster at a shared counter; it doubles, up to 0.3 s."""


class JournalProcessor(Generic[S]):
    """Implements ``Processor`` for a ``Handler``.

    A batch takes effect in steps, most often in one. Of each step:

    1. Read the timers that are due. Where more may be due than were read, the step ends at the last of them.
    2. Plan it, on states and shared counters as memory or the store has them (``drafting``, ``planner``).
    3. Write the plan in one transaction, under the epoch of the takeover. Where no answer came, find out
       whether it stands. Where it does not, where another worker was faster at a shared counter, and where
       the journal has some of the events, read and plan again; where the store refuses it for good, take
       smaller steps (``bisection``).
    4. Keep in memory what stands now.
    5. Publish what the plan emitted, and what redelivered events of it emitted their first time.
    6. Remember its events as handled, and count them.

    And once for the batch:

    7. Publish its dead letters and forwarded records.
    8. Hand its offsets to the loop, to commit.
    """

    def __init__(
        self,
        handler: Handler[S],
        store: WorkerStore[S],
        publisher: Publisher,
        *,
        secret_key: bytes,
        stream: bool,
        erased_by: bytes | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        observe: Callable[[Plan[S]], None] | None = None,
        budget: Budget | None = None,
    ) -> None:
        """``observe`` is called with each plan that is written and published, so that a service can count
        what is its own; it must not raise. ``budget`` is the process's, for all that it keeps in memory.
        ``erased_by`` is as ``Planner`` has it."""
        self._budget = budget or Budget()
        self._service = handler.service
        self._store = store
        self._publisher = publisher
        self._planner = Planner(handler, secret_key, stream=stream, erased_by=erased_by)
        self._drafter = Drafter(handler.service, store, self._planner, wall_clock, self._budget)
        self._publishing = StepPublisher(handler.service, store, publisher)
        self._eraser = Eraser(
            handler,
            store,
            publisher,
            secret_key,
            stream=stream,
            wall_clock=wall_clock,
            mark_of=self._planner.mark_of,
        )
        self._stream, self._wall_clock = stream, wall_clock
        self._observe = observe
        self._partitions: dict[int, PartitionMemory[S]] = {}
        self._count = 0
        self._durable: dict[TopicOffset, int] = {}
        self.committed = asyncio.Event()
        """Set after each batch that took effect; whoever waits for it clears it."""

    async def assigned(self, partitions: frozenset[int], count: int) -> Mapping[TopicOffset, int]:
        await self.revoked(frozenset(self._partitions))
        self._durable.clear()
        self._count = count
        erased: set[str] = set()
        for partition in sorted(partitions):
            epoch = await retry(self._service, "mongo", partial(self._store.take_over, partition, count))
            self._partitions[partition] = PartitionMemory(epoch, self._budget, erased)
            await self._publishing.empty_outbox(partition, epoch)
            left = partial(self._store.erasing.chores, partition, count)
            chores = await retry(self._service, "mongo", left)
            self._partitions[partition].chores = {chore.hash: chore for chore in chores}
        erased |= await retry(self._service, "mongo", self._store.erased)  # as of the last takeover
        return {}

    async def first_count(self) -> int:
        return await retry(self._service, "mongo", self._store.first_count)

    async def watermark(self, partition: int) -> datetime | None:
        return await retry(self._service, "mongo", lambda: self._store.watermark(partition))

    async def revoked(self, partitions: frozenset[int]) -> None:
        for partition in partitions:
            memory = self._partitions.pop(partition, None)
            self._eraser.drop(partition)
            if memory is not None:
                memory.close()

    async def idle(self, settled: Mapping[int, frozenset[str]] | None) -> Wanted:
        """Between batches the erased are removed; who came back with an older store is erased before that."""
        for partition, memory in self._partitions.items():
            if memory.chores and memory.returned:
                await self._erase_again(partition, memory)
                return Wanted(soon=True)
        return await self._eraser.work(self._partitions, settled)

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets

    async def process(self, batch: Batch) -> None:
        started = perf_counter()
        memory = self._partitions[batch.partition]
        try:
            await self._take_steps(batch, memory)
        except FencedError:
            memory.clear()
            raise
        if batch.records:  # step 7
            await retry(self._service, "kafka", lambda: self._publisher.publish(batch.records))
        self._durable.update(batch.offsets)  # step 8
        self.committed.set()
        telemetry.BATCH_SIZE.labels(self._service).observe(len(batch.messages))
        telemetry.BATCH_SECONDS.labels(self._service, "total").observe(perf_counter() - started)

    async def _erase_again(self, partition: int, memory: PartitionMemory[S]) -> None:
        """Some of those who came back. Who cannot be erased by the service is removed all the same. Raises
        ``FencedError``."""
        some = memory.returned[:AT_ONCE]
        now = await self.watermark(partition) if self._stream else self._wall_clock()
        hashes = {chore.hash for chore in some}
        memory.forget(chore.customer for chore in some)
        memory.erased -= hashes  # for as long as this takes: else what is told of them has no effect
        try:
            await self.process(erased_again(self._service, partition, self._count, some, now))
        finally:
            memory.erased |= hashes
            memory.unerased.discard(chore.customer for chore in some)
        left = [chore for chore in some if memory.chores.get(chore.hash) is chore]
        memory.chores |= {chore.hash: replace(chore, uid=REFUSED) for chore in left}

    async def _take_steps(self, batch: Batch, memory: PartitionMemory[S]) -> None:
        """All of the batch, in as many transactions as the due timers and a bad event make needed."""

        def begin(left: Sequence[Message], most: int) -> Step[S]:
            # What the journal had of an event is each step's own: the one before may have changed it.
            return Step(batch, memory, left, most)

        await in_steps(batch.messages, begin, self._transact, self._set_aside)
        telemetry.TIMERS_DUE.labels(self._service).set(0)

    async def _transact(self, step: Step[S]) -> None:
        """Steps 1 to 6, whole or not at all. Raises ``UnstorableError`` and ``FencedError``."""
        contended = 0
        trouble = Backoff(self._service, "mongo")
        while True:
            plan = await self._drafter.draft(step)  # steps 1 and 2
            if (plan.lifted or plan.erased) and await self._finished_first(step, plan):
                continue
            faults.point("mid_batch")
            started = perf_counter()
            try:
                await self._write(step, plan, counters_first=contended > 0)  # step 3
                break
            except FencedError:
                raise
            except GoneMovedError as moved:
                step.gone = moved.gone
                step.memory.learn_erased(step.told_of, moved.gone)
            except CountersMovedError:
                step.memory.forget(step.state_ids)
                await asyncio.sleep(CONTENDED_SECONDS * 2 ** min(contended, 6) * random.uniform(0.5, 1.5))
                contended += 1
            except DuplicateEventsError:
                await self._drafter.learn_duplicates(step, plan)
            except Exception as error:  # sorted here: about a document, or waited for
                if not passes(error) and await self._at_fault(step):
                    raise UnstorableError(error) from error
                await trouble.wait(error)
                if await self._stands(step):
                    break
        telemetry.BATCH_SECONDS.labels(self._service, "transaction").observe(perf_counter() - started)
        timer_fired = any(e.origin.topic == TIMER_TOPIC for e in plan.entries)
        faults.point("after_timer_transaction" if timer_fired else "after_transaction")
        step.memory.written(plan, step.states)  # step 4
        await self._publishing.publish(step, plan)  # step 5
        step.memory.published(plan, step.messages, step.known)  # step 6
        count(self._service, plan, step.known, step.batch.now)
        if self._observe is not None:
            self._observe(plan)

    async def _finished_first(self, step: Step[S], plan: Plan[S]) -> bool:
        """Whether somebody who may come back, or who did and is erased again, was just being removed, and by
        now is."""
        chores = step.memory.chores
        if not step.memory.ended.isdisjoint(plan.lifted):
            step.memory.forget_ended()
            return True
        # Of those who came back it is this that erases them.
        back = {chore.hash for chore in step.memory.returned}
        again = {chore.hash for chore in plan.erased.values()} - back
        if chores.keys().isdisjoint({*plan.lifted.values(), *again}):
            return False
        while step.memory.returned:
            await self._erase_again(step.batch.partition, step.memory)
        finish = partial(self._eraser.finish, step.batch.partition, step.memory)
        await retry(self._service, "mongo", finish)
        return True

    async def _write(self, step: Step[S], plan: Plan[S], *, counters_first: bool) -> None:
        """``counters_first``: it lost a race for a counter and is to win the next."""
        watermark = step.horizon if self._stream else None
        step.memory.attempts += 1
        # What it rejects is said only by who holds the partition: another's state may speak for it by now.
        if plan.entries or plan.timers or plan.rejected or watermark is not None:
            await self._store.write(
                plan,
                step.states,
                partition=step.batch.partition,
                epoch=step.memory.epoch,
                attempt=step.memory.attempts,
                watermark=watermark,
                counters_first=counters_first,
                told_of=step.told_of,
                gone=step.gone,
            )

    async def _stands(self, step: Step[S]) -> bool:
        """Whether the attempt that had no answer was written after all. If not, all is read anew for the
        next one. Raises ``FencedError``."""
        memory = step.memory
        settle = partial(self._store.settle, step.batch.partition, memory.epoch)
        written = await retry(
            self._service, "mongo", settle, waits=lambda error: not isinstance(error, FencedError)
        )
        if written == memory.attempts:
            return True
        memory.forget(step.state_ids)
        return False

    async def _at_fault(self, step: Step[S]) -> bool:
        """Whether a step that was refused is to blame. Before its one event is set aside, the store must have
        taken something else: one that refuses even a write of nothing has no fault to find with an event."""
        if not step.size or step.unkept:
            return False
        if step.most > 1:
            return True
        return await takes_another(partial(self._store.prove, step.batch.partition, step.memory.epoch))

    async def _set_aside(self, step: Step[S], error: Exception) -> None:
        """The step's only event takes no effect, and the journal says so; a timer's row goes."""
        step.unstorable = words(error)
        try:
            await self._transact(step)
        except UnstorableError:  # such as an id that is no text: not even its name can be kept
            step.unkept = True
            await self._transact(step)
