"""What the consumer group has given this worker, and what of that is in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from shared.worker.merge import Queue, Queues, Slot

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
QUEUE_LIMIT = 2000
"""Records of a topic and partition that wait in memory; beyond that no more are fetched."""

KafkaRecord: TypeAlias = ConsumerRecord[bytes, bytes]


@dataclass(eq=False, slots=True)
class Assignment:
    """The partitions of one assignment, from the rebalance that made it to the next.

    Assignments are compared by identity: whoever has awaited something looks whether the one it started
    with is still the loop's. What comes in late for one of the past falls away with it, and the one of
    now reads all again from what is durable.
    """

    partitions: frozenset[int] = frozenset()
    """None between a revoke and the next assignment, and for a worker that is one too many."""
    count: int = 0
    """How many partitions every topic has; 0 before the first assignment is taken over."""
    watermarks: dict[int, datetime] = field(default_factory=dict)
    """By partition; those of partitions held before are kept, as long as nobody knows better."""
    queues: dict[int, Queues] = field(default_factory=dict)
    """Fetched records by partition and topic."""
    resumed: bool = False
    """Positions and watermarks are set to what is durable, and what is in memory is to be trusted."""

    def next(self, partitions: frozenset[int]) -> "Assignment":
        """The one that takes its place: nothing is fetched yet, no position is known."""
        return Assignment(partitions, self.count, dict(self.watermarks))

    def watermark(self, partition: int) -> datetime:
        return self.watermarks.get(partition, LONG_AGO)

    def open(self, topics: Sequence[str], read: Callable[[KafkaRecord], Slot]) -> None:
        """All positions are set: from now on it is served."""
        self.queues = {p: {topic: Queue(read) for topic in topics} for p in self.partitions}
        self.resumed = True

    def close(self) -> None:
        """Nothing of it in memory is to be trusted: it is to be resumed again, or let go as it is."""
        self.queues = {}
        self.resumed = False

    @property
    def waiting(self) -> bool:
        """Whether fetched records wait."""
        return any(queue for queues in self.queues.values() for queue in queues.values())

    def room(self) -> list[TopicPartition]:
        """Where more may be fetched."""
        return [
            TopicPartition(topic, partition)
            for partition, queues in self.queues.items()
            for topic, queue in queues.items()
            if len(queue) < QUEUE_LIMIT
        ]

    def extend(self, fetched: Mapping[TopicPartition, Iterable[KafkaRecord]]) -> None:
        """Queue what was fetched behind what waits."""
        for tp, records in fetched.items():
            self.queues[tp.partition][tp.topic].extend(records)
