"""From queues to batches: merged records of a partition, their place in time, the offsets to commit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic, perf_counter

from shared.kafka.clients import ConsumerClient, Record
from shared.runtime import telemetry
from shared.worker.assignment import Assignment
from shared.worker.budget import BATCH, BATCH_COPIES, Budget
from shared.worker.merge import Queues, Slot
from shared.worker.processing import Batch, Message, Origin, TopicOffset

TIMER_SECONDS = 1.0
"""Under the wall clock a partition without records has a batch so often, for its timers."""


class Batching:
    """Makes batches, at most one per partition and round, those of a round within the budget's share."""

    def __init__(
        self,
        service: str,
        *,
        stream: bool,
        limit: int,
        wall_clock: Callable[[], datetime],
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget or Budget()
        self._held = 0
        """What the budget counts of this round's."""
        self._last = -1
        """The partition at which a round had its bytes: the next begins behind it."""
        self._stream = stream
        self._limit = limit
        self._wall_clock = wall_clock
        self._seconds = telemetry.BATCH_SECONDS.labels(service, "decode")
        self._next_timers = 0.0

    def take(self, assignment: Assignment, unread: Mapping[int, frozenset[str]]) -> list[Batch]:
        """The next batches off the assignment's queues. ``unread``: by partition, the topics with records in
        the log which no queue holds yet (see ``merge``)."""
        timers_due = not self._stream and monotonic() >= self._next_timers
        if timers_due:
            self._next_timers = monotonic() + TIMER_SECONDS
        self.done()
        batches, left = [], self._budget.batch_limit
        for partition in sorted(assignment.queues, key=lambda p: (p <= self._last, p)):
            started = perf_counter()
            slots, size = assignment.take(partition, self._limit, unread.get(partition, frozenset()), left)
            if size and size >= left:
                self._last = partition
            left -= size
            if slots or timers_due:
                batches.append(self._batch(assignment, partition, slots))
                self._seconds.observe(perf_counter() - started)
        self._held = (self._budget.batch_limit - left) * BATCH_COPIES
        self._budget.take(BATCH, self._held)
        return batches

    def done(self) -> None:
        """The round's batches are done with."""
        self._budget.give(BATCH, self._held)
        self._held = 0

    def _batch(self, assignment: Assignment, partition: int, slots: Sequence[Slot]) -> Batch:
        """The batch of these; the assignment's watermark moves on."""
        wall_now = self._wall_clock()
        copied = next((slot.copied for slot in slots if slot.event is not None), None)
        before = reached = assignment.time(partition, copied)
        messages: list[Message] = []
        offsets: dict[TopicOffset, int] = {}
        records: list[Record] = []
        for slot in slots:
            offsets[slot.topic, partition] = slot.offset + 1
            if slot.record is not None:
                records.append(slot.record)
            if slot.at is None or slot.event is None:
                continue
            reached = max(reached, slot.at) if self._stream else max(reached, min(slot.at, wall_now))
            if slot.topic != "clock":
                origin = Origin(slot.topic, partition, slot.offset)
                messages.append(Message(partition, reached, slot.event, origin, slot.raw))
        assignment.move_on(partition, reached, copied)
        return Batch(
            partition=partition,
            partitions=assignment.count,
            messages=tuple(messages),
            now=before if self._stream else wall_now,
            horizon=reached if self._stream else wall_now,
            offsets=offsets,
            records=tuple(records),
        )


async def unread_topics(client: ConsumerClient, queues: Mapping[int, Queues]) -> dict[int, frozenset[str]]:
    """Of the partitions that have records waiting, the topics with records in the log which no queue holds
    yet. Full queues count too: a topic that a batch drains must hold the others back from there on.
    Raises ``BrokerAwayError``."""
    asked = [
        (topic, partition) for partition, topics in queues.items() if any(topics.values()) for topic in topics
    ]
    unread: dict[int, set[str]] = {}
    for topic, partition in await client.unread(asked) if asked else ():
        unread.setdefault(partition, set()).add(topic)
    return {p: frozenset(topics) for p, topics in unread.items()}


async def settled_topics(client: ConsumerClient, queues: Mapping[int, Queues]) -> dict[int, frozenset[str]]:
    """By partition, the topics of which all that is in the log has been in a batch. Raises
    ``BrokerAwayError``."""
    empty = {(topic, p) for p, topics in queues.items() for topic, queue in topics.items() if not queue}
    read = empty - {*await client.unread(empty)} if empty else empty
    return {p: frozenset(topic for topic, of in read if of == p) for p in queues}
