"""What the consumer group has given this worker, and what of that is in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.kafka.clients import Assigned, KafkaRecord, TopicPartition
from shared.worker.budget import QUEUED, Budget
from shared.worker.merge import Copied, Queue, Queues, Slot, merge
from shared.worker.room import Room

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


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
    budget: Budget = field(default_factory=Budget)
    """The process's."""
    queued: int = 0
    """Bytes of what waits."""
    doubtful: bool = False
    """The group gave it some time ago, and may have given it to another since: it is asked before anything is
    taken over."""
    _copies: dict[int, tuple[Copied, datetime]] = field(default_factory=dict)
    _room: Room = field(init=False)

    def __post_init__(self) -> None:
        self._room = Room(self.budget.queue_limit)

    def next(self, taken: Assigned | None = None) -> "Assignment":
        """The one that takes its place: nothing is fetched yet, no position is known. What waits goes."""
        self._drop()
        partitions = frozenset(partition for _, partition in taken.held) if taken else frozenset[int]()
        return Assignment(partitions, self.count, dict(self.watermarks), taken=taken, budget=self.budget)

    def watermark(self, partition: int) -> datetime:
        return self.watermarks.get(partition, LONG_AGO)

    def time(self, partition: int, copied: Copied | None) -> datetime:
        """How far the partition's records have come in time: the watermark, or that among the copies which
        growing topics made: from each partition these go back to where their keys' past began."""
        if copied is None:
            return self.watermark(partition)
        before, at = self._copies.get(partition, (None, LONG_AGO))
        return at if before == copied else LONG_AGO

    def move_on(self, partition: int, at: datetime, copied: Copied | None) -> None:
        """They have come to here."""
        if copied is not None:
            self._copies[partition] = copied, at
        self.watermarks[partition] = max(at, self.watermark(partition))

    def open(self, topics: Sequence[str], read: Callable[[KafkaRecord], Slot]) -> None:
        """All positions are set: from now on it is served."""
        self.queues = {p: {topic: Queue(read) for topic in topics} for p in self.partitions}
        self.resumed, self.doubtful = True, False

    def close(self) -> None:
        """Nothing of it in memory is to be trusted: it is to be resumed again, or let go as it is."""
        self._drop()
        self.resumed = False
        self.doubtful = True
        self._copies.clear()

    def _drop(self) -> None:
        self.queues = {}
        self._room.clear()
        self.budget.give(QUEUED, self.queued)
        self.queued = 0

    @property
    def waiting(self) -> bool:
        """Whether fetched records wait."""
        return any(queue for queues in self.queues.values() for queue in queues.values())

    def room(self) -> list[TopicPartition]:
        """Where more may be fetched."""
        return self._room.of(self.queues, self.queued)

    @property
    def most_bytes(self) -> int:
        """How much more may be fetched at a time: what a round takes, so that it is not fetched to wait."""
        return min(self.budget.batch_limit, Room.most_bytes(self.budget.queue_limit - self.queued))

    @property
    def enough(self) -> bool:
        """Whether as much waits as a round takes."""
        return self.queued >= self.budget.batch_limit

    @property
    def pauses(self) -> int:
        """How often a queue was found full, so that what its client had fetched ahead was thrown away."""
        return self._room.pauses

    def extend(self, fetched: Iterable[KafkaRecord]) -> None:
        """Queue what was fetched behind what waits. Before it is served, or served again, nothing of it
        counts: it will be read from what is durable."""
        if not self.resumed:
            return
        more = 0
        for record in fetched:
            size = record.size
            self.queues[record.partition][record.topic].append(record, size)
            more += size
        self.queued += more
        self.budget.take(QUEUED, more)

    def take(
        self, partition: int, limit: int, unread: frozenset[str], most_bytes: int
    ) -> tuple[list[Slot], int]:
        """The next slots of a partition (see ``merge``), and their bytes."""
        queues = self.queues[partition]
        before = sum(queue.bytes for queue in queues.values())
        slots = merge(queues, limit, unread, most_bytes)
        taken = before - sum(queue.bytes for queue in queues.values())
        self.queued -= taken
        self.budget.give(QUEUED, taken)
        return slots, taken
