"""The record loop: Kafka to a processor, one batch per partition, offsets committed after the effect.

Records wait in queues by topic and partition until a batch takes them; a rebalance drops the queues, and
reading starts again from what is durable.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

import structlog

from shared.kafka.clients import BrokerAwayError, ConsumerFactory
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.worker.assignment import LONG_AGO, Assignment
from shared.worker.batching import Batching, settled_topics, unread_topics
from shared.worker.budget import Budget
from shared.worker.commits import Commits
from shared.worker.intake import Intake
from shared.worker.lag import Lag
from shared.worker.member import STANDBY_SECONDS, AssignmentPassedError, Member
from shared.worker.processing import Batch, FencedError, Processor, TopicOffset, Wanted

log = structlog.get_logger(__name__)

STOP_SECONDS = 0.6
"""At a stop, a round has so long to end before it is given up."""
LEAVE_SECONDS = 0.7
AWAY_SECONDS = 0.5


class RecordLoop:
    """Reads a service's topics and drives its processor."""

    def __init__(
        self,
        *,
        service: str,
        consumer: ConsumerFactory,
        topics: Iterable[str],
        intake: Intake,
        processor: Processor,
        stream: bool,
        batch_size: int = 500,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        budget: Budget | None = None,
    ) -> None:
        """``consumer`` makes a member of the service's group that reads ``topics``. ``budget`` is the
        process's, for all that it keeps in memory."""
        self._budget = budget or Budget()
        self._service = service
        self._topics = sorted(topics)
        self._intake = intake
        self._processor = processor
        self._stream = stream
        self._batching = Batching(
            service, stream=stream, limit=batch_size, wall_clock=wall_clock, budget=self._budget
        )
        telemetry.begin(service)
        self._commits = Commits(service)
        self._lag = Lag(service, wall_clock)
        self._member = Member(service, consumer, processor, self._commits, self._lag, self._budget)
        self._idle = True
        self._wanted = Wanted()
        self._stopping = asyncio.Event()
        self.finished = asyncio.Event()

    @property
    def progress(self) -> float:
        """When the loop last went round: its liveness."""
        return self._member.progress

    @property
    def held(self) -> frozenset[int]:
        """The partitions this worker serves now."""
        assignment = self._member.assignment
        return assignment.partitions if assignment.resumed else frozenset()

    @property
    def standby(self) -> bool:
        """Whether it is a member of its group that was given nothing, as others serve everything."""
        taken = self._member.assignment.taken
        return taken is not None and not taken.held

    @property
    def partitions(self) -> int:
        """How many partitions every topic has; 0 before the first assignment."""
        return self._member.assignment.count

    def watermark(self, partition: int) -> datetime:
        return self._member.assignment.watermark(partition)

    def show(self) -> None:
        """Set the gauges that are true only of the moment in which they are read."""
        self._budget.show(self._service)
        telemetry.STANDBY.labels(self._service).set(self.standby)

    def note_progress(self) -> None:
        """It is alive, and waits for something before it can begin."""
        self._member.note_progress()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Until ``stop`` is called; ends within ``STOP_SECONDS``, twice ``LEAVE_SECONDS`` and a little."""
        rounds = asyncio.create_task(self._rounds())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({rounds, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not rounds.done():
                await asyncio.wait({rounds}, timeout=STOP_SECONDS)
        finally:
            stopping.cancel()
            if not rounds.done():
                rounds.cancel()
                await asyncio.wait({rounds}, timeout=STOP_SECONDS)
            await self._member.leave(LEAVE_SECONDS)
            self.finished.set()
        if rounds.done() and not rounds.cancelled():
            rounds.result()

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            await self._round(self._member.assignment)

    async def _round(self, assignment: Assignment) -> None:
        try:
            if not assignment.resumed:
                await self._take_over(assignment)
            else:
                await self._serve(assignment)
        except AssignmentPassedError:
            return
        except FencedError as fenced:
            log.warning("fenced", reason=str(fenced))
            telemetry.FENCED.labels(self._service).inc()
            assignment.close()
            await self._member.poll(STANDBY_SECONDS)
        except BrokerAwayError as error:
            self._warn(error)
            assignment.close()
            await self._member.poll(AWAY_SECONDS)

    def _warn(self, error: BrokerAwayError) -> None:
        log.warning("waiting for a dependency", dependency="kafka", error=words(error))
        telemetry.RETRIES.labels(self._service, "kafka").inc()

    # Taking over

    async def _take_over(self, assignment: Assignment) -> None:
        """Take over what was assigned: every position is set to what is durable, none is trusted.

        Again, such as after a fence, only once the group has said that it still is this worker's: two that
        each believe so would fence each other in turn."""
        taken = assignment.taken
        if taken is None or not taken.held:
            await self._member.poll(STANDBY_SECONDS)
            return
        if assignment.doubtful and not await self._member.attend(partial(self._member.client.confirm, taken)):
            log.warning("not this worker's any more", partitions=sorted(assignment.partitions))
            await self._member.poll(STANDBY_SECONDS)
            return
        count = await self._member.client.partitions(self._topics[0])
        if not count:
            raise BrokerAwayError(f"there is no topic {self._topics[0]}")
        if max(assignment.partitions) >= count:
            raise BrokerAwayError(f"a broker knows of {count} partitions only: it is asked again")
        stored, watermarks, first = await self._member.attend(
            partial(self._ask, assignment.partitions, count)
        )
        if not await self._member.client.start(taken, stored):
            await self._member.poll(0.0)  # what took its place
            return
        assignment.count = count
        assignment.watermarks.update(watermarks)
        assignment.open(self._topics, partial(self._intake.read, partitions=count, first_count=first))
        telemetry.PARTITIONS_HELD.labels(self._service).set(len(assignment.partitions))
        telemetry.TAKEOVERS.labels(self._service).inc(len(assignment.partitions))
        log.info("partitions assigned", partitions=sorted(assignment.partitions))

    async def _ask(
        self, partitions: frozenset[int], count: int
    ) -> tuple[Mapping[TopicOffset, int], dict[int, datetime], int]:
        """The store's offsets and watermarks, and its first count, however long it takes."""
        stored = await self._processor.assigned(partitions, count)
        watermarks = {p: await self._processor.watermark(p) or LONG_AGO for p in partitions}
        return stored, watermarks, await self._processor.first_count()

    # Batches

    async def _serve(self, assignment: Assignment) -> None:
        await self._member.poll(self._patience(assignment))
        batches = await self._batches(assignment)
        self._idle = not batches
        try:
            for batch in batches:
                await self._member.attend(partial(self._processor.process, batch))
        finally:
            self._batching.done()
            self._budget.look()
        if assignment is not self._member.assignment:
            return
        settled = await self._settled(assignment) if self._wanted.settled else None
        self._wanted = await self._member.attend(partial(self._processor.idle, settled))
        self._commits.hand_over(self._member.client, self._processor.durable())
        await self._lag.measure(self._member.client, assignment.queues)

    def _patience(self, assignment: Assignment) -> float:
        """Seconds that a poll may wait for records."""
        if not assignment.waiting:
            return 0.0 if self._wanted.soon else 0.2
        return 0.02 if self._idle else 0.0

    async def _settled(self, assignment: Assignment) -> Mapping[int, frozenset[str]] | None:
        try:
            return await settled_topics(self._member.client, assignment.queues)
        except BrokerAwayError as error:  # it will be asked for again
            self._warn(error)
            return None

    async def _batches(self, assignment: Assignment) -> list[Batch]:
        if assignment is not self._member.assignment:
            return []
        unread: Mapping[int, frozenset[str]] = {}
        if self._stream:
            try:
                unread = await unread_topics(self._member.client, assignment.queues)
            except BrokerAwayError as error:  # what is in memory stands, and waits until it is known
                self._warn(error)
                await self._member.poll(AWAY_SECONDS)
                return []
        return self._batching.take(assignment, unread)
