"""The record loop: Kafka to a processor, one batch per partition, offsets committed after the effect.

It owns one ``AIOKafkaConsumer``. Records wait in queues by topic and partition until a batch takes
them; a rebalance drops the queues, and reading starts again from what is durable.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError

from shared.kafka.publisher import BrokerAwayError
from shared.runtime import telemetry
from shared.worker.assignment import LONG_AGO, Assignment
from shared.worker.batching import Batching
from shared.worker.consumer import commit, connect, consumer_options, measure_lag, unread_topics
from shared.worker.intake import Intake
from shared.worker.processing import Batch, FencedError, Processor

log = structlog.get_logger(__name__)

REVOKE_SECONDS = 5.0
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
        self._batching = Batching(service, stream=stream, limit=batch_size, wall_clock=wall_clock)
        self._wall_clock = wall_clock
        self._options = consumer_options(bootstrap, f"rapport-{service}", session_timeout_ms)
        self._consumer: AIOKafkaConsumer | None = None
        self._assignment = Assignment()
        self._in_flight: asyncio.Task[None] | None = None
        self._next_lag = 0.0
        self._idle = True
        self._stopping = asyncio.Event()
        self.finished = asyncio.Event()
        self.progress = monotonic()
        """When the loop last went round: its liveness."""

    @property
    def held(self) -> frozenset[int]:
        """The partitions this worker serves now."""
        return self._assignment.partitions if self._assignment.resumed else frozenset()

    @property
    def partitions(self) -> int:
        """How many partitions every topic has; 0 before the first assignment."""
        return self._assignment.count

    def watermark(self, partition: int) -> datetime:
        return self._assignment.watermark(partition)

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
                await self._round(consumer, self._assignment)
        finally:
            await self._let_go(self._leave())
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), REVOKE_SECONDS)

    async def _round(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        try:
            if not assignment.resumed:
                await self._resume(consumer, assignment)
                return
            await self._fetch(consumer, assignment)
            batches = await self._batches(consumer, assignment)
            self._idle = not batches
            for batch in batches:
                if not await self._process(batch, assignment):
                    return
            await self._processor.idle()
            await commit(consumer, self._service, self._processor.durable())
            await self._measure_lag(consumer, assignment)
        except FencedError as fenced:
            log.warning("fenced", reason=str(fenced))
            assignment.close()
            await asyncio.sleep(0.2)
        except (KafkaError, BrokerAwayError, IllegalStateError) as error:
            log.warning(
                "waiting for a dependency", dependency="kafka", error=f"{type(error).__name__}: {error}"
            )
            telemetry.RETRIES.labels(self._service, "kafka").inc()
            assignment.close()
            await asyncio.sleep(0.5)

    # Rebalances

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        leaving = self._leave()
        task = self._in_flight
        if task is not None and not task.done():
            done, _ = await asyncio.wait({task}, timeout=REVOKE_SECONDS)
            if not done:
                log.warning("batch abandoned at a revoke")
                task.cancel()
                await asyncio.wait({task}, timeout=1.0)  # its transaction, if it goes on, is fenced
        await self._let_go(leaving)

    def _leave(self) -> Assignment:
        """From now on nothing is assigned. Returns what was."""
        leaving = self._assignment
        self._assignment = leaving.next(frozenset())
        return leaving

    async def _let_go(self, leaving: Assignment) -> None:
        if leaving.resumed and self._consumer is not None:
            try:
                await asyncio.wait_for(self._processor.revoked(leaving.partitions), REVOKE_SECONDS)
                await commit(self._consumer, self._service, self._processor.durable())
            except (TimeoutError, KafkaError, IllegalStateError, FencedError) as error:
                log.warning("let go without a last commit", error=f"{type(error).__name__}: {error}")
        telemetry.PARTITIONS_HELD.labels(self._service).set(0)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assignment = self._assignment.next(frozenset(tp.partition for tp in assigned))

    async def _resume(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        """Take over what was assigned: every position is set to what is durable, none is trusted."""
        if not assignment.partitions:
            await asyncio.sleep(0.05)  # between a revoke and the next assignment
            return
        assignment.count = len(consumer.partitions_for_topic(self._topics[0]) or ())
        stored = await self._processor.assigned(assignment.partitions)
        for partition in assignment.partitions:
            assignment.watermarks[partition] = await self._processor.watermark(partition) or LONG_AGO
        for tp in consumer.assignment():
            offset = stored.get((tp.topic, tp.partition))
            if offset is None:
                offset = await consumer.committed(tp)
            if assignment is not self._assignment:
                return
            if offset is None:
                await consumer.seek_to_beginning(tp)
            else:
                consumer.seek(tp, offset)
        if assignment is not self._assignment:
            return
        assignment.open(self._topics, partial(self._intake.read, partitions=assignment.count))
        telemetry.PARTITIONS_HELD.labels(self._service).set(len(assignment.partitions))
        log.info("partitions assigned", partitions=sorted(assignment.partitions))

    # Batches

    async def _fetch(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        room = assignment.room()
        if not room:
            await asyncio.sleep(0)
            return
        timeout_ms = 200 if not assignment.waiting else 20 if self._idle else 0
        fetched = await consumer.getmany(*room, timeout_ms=timeout_ms)
        assignment.extend(fetched)

    async def _batches(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> list[Batch]:
        if assignment is not self._assignment:
            return []  # and the consumer would raise if asked about partitions that are gone
        unread = await unread_topics(consumer, assignment.queues) if self._stream else {}
        return self._batching.take(assignment, unread) if assignment is self._assignment else []

    async def _process(self, batch: Batch, assignment: Assignment) -> bool:
        """Let a batch take effect; polling goes on meanwhile. False if reading must start again."""
        task = asyncio.create_task(self._processor.process(batch))
        self._in_flight = task
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=2.0)
                self._note_progress()
                if done:
                    break
                await self._keep_polling(assignment)
            task.result()
        except asyncio.CancelledError:
            if assignment is self._assignment:
                task.cancel()
                raise
            return False
        finally:
            self._in_flight = None
        return assignment is self._assignment

    async def _keep_polling(self, assignment: Assignment) -> None:
        """A long wait for a broken dependency must not look like a dead consumer to the group."""
        consumer = self._consumer
        if consumer is None or not consumer.assignment():
            return
        consumer.pause(*consumer.assignment())
        try:
            fetched = await consumer.getmany(timeout_ms=0)
        finally:
            consumer.resume(*consumer.assignment())
        if assignment is self._assignment:  # else whoever was assigned reads them again
            assignment.extend(fetched)

    async def _measure_lag(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        if monotonic() < self._next_lag or assignment is not self._assignment:
            return
        self._next_lag = monotonic() + LAG_SECONDS
        await measure_lag(consumer, self._service, assignment.queues, self._wall_clock())
