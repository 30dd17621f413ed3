"""The record loop: Kafka to a processor, a batch a partition, offsets committed after the effect.

It owns one ``AIOKafkaConsumer``. Records wait in queues a topic and partition until a batch takes
them; a rebalance drops the queues, and reading starts again from what is durable.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from time import monotonic, perf_counter

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.kafka.publisher import BrokerAway
from shared.runtime import telemetry
from shared.worker import faults
from shared.worker.consumer import QUEUE_LIMIT, connect, consumer_options, measure_lag
from shared.worker.intake import Intake
from shared.worker.merge import Queue, Queues, Slot, merge
from shared.worker.processing import Batch, Fenced, Origin, Processor, Work

log = structlog.get_logger(__name__)

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
REVOKE_SECONDS = 5.0
TIMER_SECONDS = 1.0
LAG_SECONDS = 2.0


class RecordLoop(ConsumerRebalanceListener):
    """Reads a service's topics and drives its processor."""

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        topics: Iterable[str],
        intake: Intake,
        processor: Processor,
        stream: bool,
        batch_size: int = 500,
        session_timeout_ms: int = 10_000,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._service = service
        self._topics = sorted(topics)
        self._intake = intake
        self._processor = processor
        self._stream = stream
        self._batch_size = batch_size
        self._wall_clock = wall_clock
        self._options = consumer_options(bootstrap, f"rapport-{service}", session_timeout_ms)
        self._consumer: AIOKafkaConsumer | None = None
        self._queues: dict[int, Queues] = {}
        self._watermarks: dict[int, datetime] = {}
        self._partitions = 0
        self._generation = 0
        self._to_resume: frozenset[int] | None = frozenset()
        """Partitions assigned and not yet taken over; None once they are."""
        self._in_flight: asyncio.Task[None] | None = None
        self._next_timers = 0.0
        self._next_lag = 0.0
        self._idle = True
        self._stopping = asyncio.Event()
        self.finished = asyncio.Event()
        self.progress = monotonic()
        """When the loop last went round: its liveness."""

    @property
    def held(self) -> frozenset[int]:
        """The partitions this worker serves now."""
        return frozenset(self._queues) if self._to_resume is None else frozenset()

    @property
    def partitions(self) -> int:
        """How many partitions every topic has; 0 before the first assignment."""
        return self._partitions

    def watermark(self, partition: int) -> datetime:
        return self._watermarks.get(partition, LONG_AGO)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Until ``stop`` is called."""
        try:
            consumer = await connect(self._options, self._stopping, self._note_progress)
            if consumer is not None:
                await self._rounds(consumer)
        finally:
            self.finished.set()

    def _note_progress(self) -> None:
        self.progress = monotonic()

    async def _rounds(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        consumer.subscribe(self._topics, listener=self)
        try:
            while not self._stopping.is_set():
                self._note_progress()
                await self._round(consumer)
        finally:
            await self._let_go(frozenset(self._queues))
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), REVOKE_SECONDS)

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        try:
            if self._to_resume is not None:
                await self._resume(consumer)
            await self._fetch(consumer)
            generation = self._generation
            batches = await self._batches(consumer)
            self._idle = not batches
            for batch in batches:
                if not await self._process(batch, generation):
                    return
            await self._processor.idle()
            await self._commit(consumer)
            await self._measure_lag(consumer)
        except Fenced as fenced:
            log.warning("fenced", reason=str(fenced))
            self._restart()
            await asyncio.sleep(0.2)
        except (KafkaError, BrokerAway, IllegalStateError) as error:
            log.warning("waiting for a part", part="kafka", error=f"{type(error).__name__}: {error}")
            telemetry.RETRIES.labels(self._service, "kafka").inc()
            self._restart()
            await asyncio.sleep(0.5)

    def _restart(self) -> None:
        """Drop what is queued and read on from what is durable."""
        if self._to_resume is None:
            self._to_resume = frozenset(self._queues)
        self._queues.clear()

    # Rebalances

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._generation += 1
        task = self._in_flight
        if task is not None and not task.done():
            done, _ = await asyncio.wait({task}, timeout=REVOKE_SECONDS)
            if not done:
                log.warning("batch abandoned at a revoke")
                task.cancel()
                await asyncio.wait({task}, timeout=1.0)  # its transaction, if it goes on, is fenced
        await self._let_go(frozenset(tp.partition for tp in revoked))

    async def _let_go(self, partitions: frozenset[int]) -> None:
        if self._to_resume is None and self._consumer is not None:
            try:
                await asyncio.wait_for(self._processor.revoked(partitions), REVOKE_SECONDS)
                await self._commit(self._consumer)
            except (TimeoutError, KafkaError, IllegalStateError, Fenced) as error:
                log.warning("let go without a last commit", error=f"{type(error).__name__}: {error}")
        self._queues.clear()
        self._to_resume = frozenset()
        telemetry.PARTITIONS_HELD.labels(self._service).set(0)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._generation += 1
        self._to_resume = frozenset(tp.partition for tp in assigned)

    async def _resume(self, consumer: AIOKafkaConsumer) -> None:
        """Take over what was assigned: every position is set to what is durable, none is trusted."""
        partitions = self._to_resume or frozenset()
        if not partitions:
            await asyncio.sleep(0.05)  # between a revoke and the next assignment
            return
        generation = self._generation
        self._partitions = len(consumer.partitions_for_topic(self._topics[0]) or ())
        stored = await self._processor.assigned(partitions)
        for partition in partitions:
            self._watermarks[partition] = await self._processor.watermark(partition) or LONG_AGO
        for tp in consumer.assignment():
            offset = stored.get((tp.topic, tp.partition))
            if offset is None:
                offset = await consumer.committed(tp)
            if generation != self._generation:
                return
            if offset is None:
                await consumer.seek_to_beginning(tp)
            else:
                consumer.seek(tp, offset)
        if generation != self._generation:
            return
        read = partial(self._intake.read, partitions=self._partitions)
        self._queues = {p: {topic: Queue(read) for topic in self._topics} for p in partitions}
        self._to_resume = None
        telemetry.PARTITIONS_HELD.labels(self._service).set(len(partitions))
        log.info("partitions assigned", partitions=sorted(partitions))

    # Fetching

    async def _fetch(self, consumer: AIOKafkaConsumer) -> None:
        if self._to_resume is not None:
            return
        room = [
            TopicPartition(topic, p)
            for p, queues in self._queues.items()
            for topic, queue in queues.items()
            if len(queue) < QUEUE_LIMIT
        ]
        busy = any(queue for queues in self._queues.values() for queue in queues.values())
        if not room:
            await asyncio.sleep(0)
            return
        generation = self._generation
        timeout_ms = 0 if busy and not self._idle else 20 if busy else 200
        self._queue(await consumer.getmany(*room, timeout_ms=timeout_ms), generation)

    def _queue(
        self, fetched: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]], generation: int
    ) -> None:
        for tp, records in fetched.items():
            if generation != self._generation:
                self._restart()  # positions may have moved past these: start from what is durable
                return
            self._queues[tp.partition][tp.topic].extend(records)

    async def _unread(self, consumer: AIOKafkaConsumer) -> dict[int, frozenset[str]]:
        """Under the stream clock: the topics that have records in the log which no queue holds yet. Full
        queues count too: a topic that a batch drains must hold the others back from there on."""
        if not self._stream:
            return {}
        asked = [
            TopicPartition(topic, p)
            for p, queues in self._queues.items()
            if any(queues.values())
            for topic in queues
        ]
        if not asked:
            return {}
        ends = await consumer.end_offsets(asked)
        unread: dict[int, set[str]] = {}
        for tp, end in ends.items():
            if await consumer.position(tp) < end:
                unread.setdefault(tp.partition, set()).add(tp.topic)
        return {p: frozenset(topics) for p, topics in unread.items()}

    # Batches

    async def _batches(self, consumer: AIOKafkaConsumer) -> list[Batch]:
        if self._to_resume is not None:
            return []
        generation = self._generation
        unread = await self._unread(consumer)
        if generation != self._generation or self._to_resume is not None:
            return []
        timers_due = not self._stream and monotonic() >= self._next_timers
        if timers_due:
            self._next_timers = monotonic() + TIMER_SECONDS
        batches = []
        for partition, queues in self._queues.items():
            started = perf_counter()
            slots = merge(queues, self._batch_size, unread.get(partition, frozenset()))
            if slots or timers_due:
                batches.append(self._batch(partition, slots))
                telemetry.BATCH_SECONDS.labels(self._service, "decode").observe(perf_counter() - started)
        return batches

    def _batch(self, partition: int, slots: list[Slot]) -> Batch:
        wall_now = self._wall_clock()
        before = reached = self.watermark(partition)
        works, offsets, records = [], {}, []
        for slot in slots:
            offsets[slot.topic, partition] = slot.offset + 1
            if slot.record is not None:
                records.append(slot.record)
            if slot.at is None or slot.event is None:
                continue
            reached = max(reached, slot.at) if self._stream else max(reached, min(slot.at, wall_now))
            if slot.topic != "clock":
                origin = Origin(slot.topic, partition, slot.offset)
                works.append(Work(partition, reached, slot.event, origin, slot.raw))
        self._watermarks[partition] = reached
        return Batch(
            partition=partition,
            partitions=self._partitions,
            works=tuple(works),
            now=before if self._stream else wall_now,
            horizon=reached if self._stream else wall_now,
            offsets=offsets,
            records=tuple(records),
        )

    async def _process(self, batch: Batch, generation: int) -> bool:
        """Let a batch take effect; polling goes on meanwhile. False if reading must start again."""
        if generation != self._generation:
            return False
        task = asyncio.create_task(self._processor.process(batch))
        self._in_flight = task
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=2.0)
                self._note_progress()
                if done:
                    break
                await self._keep_polling()
            task.result()
        except asyncio.CancelledError:
            if generation == self._generation:
                task.cancel()
                raise
            return False
        finally:
            self._in_flight = None
        return generation == self._generation and self._to_resume is None

    async def _keep_polling(self) -> None:
        """A long wait for a broken part must not look like a dead consumer to the group."""
        consumer = self._consumer
        if consumer is None or not consumer.assignment():
            return
        generation = self._generation
        consumer.pause(*consumer.assignment())
        try:
            self._queue(await consumer.getmany(timeout_ms=0), generation)
        finally:
            consumer.resume(*consumer.assignment())

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        held = consumer.assignment()
        # A store may know of a topic that is not read now, such as `clock` after a change of clocks: one
        # such offset would have all of them refused.
        offsets = {
            tp: offset
            for (topic, partition), offset in self._processor.durable().items()
            if (tp := TopicPartition(topic, partition)) in held
        }
        if not offsets:
            return
        started = perf_counter()
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            log.info(
                "commit refused after a rebalance; what is handled is known as such when it is read again"
            )
            return
        faults.point("after_commit")
        telemetry.BATCH_SECONDS.labels(self._service, "commit").observe(perf_counter() - started)

    async def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        if monotonic() < self._next_lag or self._to_resume is not None:
            return
        self._next_lag = monotonic() + LAG_SECONDS
        await measure_lag(consumer, self._service, self._queues, self._wall_clock())
