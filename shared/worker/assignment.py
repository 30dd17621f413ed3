"""What the consumer group has given this worker, and what of that is in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.kafka.clients import Assigned, KafkaRecord, TopicPartition
from shared.worker.merge import Queue, Queues, Slot

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
QUEUE_LIMIT = 2000
"""Records of a topic and partition that wait in memory; beyond that no more are fetched, until half of them
are left: to begin again costs what was fetched ahead."""


@dataclass(eq=False, slots=True)
class Assignment:
    """The partitions of one assignment, from the rebalance that made it to the next.

    Assignments are compared by identity: whoever has awaited something looks whether the one it started
    with is still the loop's. What comes in late for one of the past falls away with it, and the one of
    now reads all again from what is durable.
    """

    partitions: frozenset[int] = frozenset()
    """None between a revoke and the next assignment, and for a worker that is one too many: a standby."""
    count: int = 0
    """How many partitions every topic has; 0 before the first assignment is taken over."""
    watermarks: dict[int, datetime] = field(default_factory=dict)
    """By partition; those of partitions held before are kept, as long as nobody knows better."""
    queues: dict[int, Queues] = field(default_factory=dict)
    """Fetched records by partition and topic."""
    resumed: bool = False
    """Positions and watermarks are set to what is durable, and what is in memory is to be trusted."""
    taken: Assigned | None = None
    """What the group has told; None where it has told nothing yet, or took it back."""
    doubtful: bool = False
    """The group gave it some time ago, and may have given it to another since: it is asked before anything is
    taken over."""
    _full: set[TopicPartition] = field(default_factory=set)

    def next(self, taken: Assigned | None = None) -> "Assignment":
        """The one that takes its place: nothing is fetched yet, no position is known."""
        partitions = frozenset(partition for _, partition in taken.held) if taken else frozenset[int]()
        return Assignment(partitions, self.count, dict(self.watermarks), taken=taken)

    def watermark(self, partition: int) -> datetime:
        return self.watermarks.get(partition, LONG_AGO)

    def open(self, topics: Sequence[str], read: Callable[[KafkaRecord], Slot]) -> None:
        """All positions are set: from now on it is served."""
        self.queues = {p: {topic: Queue(read) for topic in topics} for p in self.partitions}
        self.resumed, self.doubtful = True, False

    def close(self) -> None:
        """Nothing of it in memory is to be trusted: it is to be resumed again, or let go as it is."""
        self.queues = {}
        self.resumed = False
        self.doubtful = True
        self._full.clear()

    @property
    def waiting(self) -> bool:
        """Whether fetched records wait."""
        return any(queue for queues in self.queues.values() for queue in queues.values())

    def room(self) -> list[TopicPartition]:
        """Where more may be fetched."""
        room = []
        for partition, queues in self.queues.items():
            for topic, queue in queues.items():
                place = topic, partition
                if len(queue) >= QUEUE_LIMIT:
                    self._full.add(place)
                elif len(queue) <= QUEUE_LIMIT // 2:
                    self._full.discard(place)
                if place not in self._full:
                    room.append(place)
        return room

    def extend(self, fetched: Iterable[KafkaRecord]) -> None:
        """Queue what was fetched behind what waits. Before it is served, or served again, nothing of it
        counts: it will be read from what is durable."""
        if self.resumed:
            for record in fetched:
                self.queues[record.partition][record.topic].append(record)
