"""An in-memory Kafka: logs by topic and partition, and one consumer group with rebalances.

The group is the eager one: on any change all that is held is revoked, the group waits until its holders
have let go (or for ``RELEASE_SECONDS``), then everything is assigned anew, by range. A member is
dropped when it sends no heartbeat for a session (it is dead or asleep) and when it does not poll for
the poll interval. ``broker_clients`` has what a worker sees of it.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rapport.topics import Growth
from shared.kafka.clients import RELEASE_SECONDS, Assigned, KafkaRecord, Lost, Record, Revoked, TopicPartition
from shared.kafka.keys import partition_of
from shared.worker.intake import FORWARDED
from tests.simulation.growth import copies
from tests.simulation.partition_log import PartitionLog
from tests.simulation.scheduler import Node, VirtualLoop

if TYPE_CHECKING:
    from tests.simulation.broker_clients import SimConsumer

SESSION_SECONDS = 10.0
POLL_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class SendFault:
    """What befalls one ``send``: nothing of it is in the log, half of it is, all of it is without an
    acknowledgement; the producer is of no use any more, and says so (``broken``), or only times out from now
    on (``stuck``)."""

    kind: Literal["lose_request", "half", "lose_reply", "broken", "stuck"]


class Broker:
    """All topics, each of so many partitions."""

    def __init__(self, loop: VirtualLoop, partitions: int, patience: float = 1.0) -> None:
        self.loop = loop
        self.partitions = partitions
        self.patience = patience
        """A poll that brings nothing takes so many times as long as it was asked to: time flies."""
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self.group = Group(self)
        self.away_until = 0.0
        self.leaderless: dict[int, float] = {}
        """Partitions whose leader is gone, and until when: nothing of them is read or written."""
        self.sends = 0
        self.send_faults: dict[int, SendFault] = {}
        """By the number of the send, from 1."""
        self.closed = False
        self.grown: list[tuple[int, dict[TopicPartition, int]]] = []
        """How many partitions there were before, and where each log ended then."""
        self.first_count = partitions
        """How many there were when the group first read."""
        self._transactions = 0

    @property
    def away(self) -> bool:
        return self.loop.time() < self.away_until

    def outage(self, seconds: float) -> None:
        self.away_until = max(self.away_until, self.loop.time() + seconds)
        self.loop.note(f"the broker is away for {seconds:.0f} s")

    def lose_leader(self, partition: int, seconds: float) -> None:
        until = self.loop.time() + seconds
        self.leaderless[partition] = max(self.leaderless.get(partition, 0.0), until)
        self.loop.note(f"partition {partition} has no leader for {seconds:.0f} s")

    def out_of_reach(self, partition: int) -> float:
        """For so many seconds nobody reads or writes it."""
        now = self.loop.time()
        return max(0.0, self.away_until - now, self.leaderless.get(partition, 0.0) - now)

    def log(self, place: TopicPartition) -> PartitionLog:
        if place not in self._logs:
            self._logs[place] = PartitionLog(*place)
        return self._logs[place]

    @property
    def records(self) -> dict[TopicPartition, Sequence[KafkaRecord]]:
        """All that can be read."""
        return {place: log.records for place, log in self._logs.items()}

    def take_logs(self, other: "Broker") -> None:
        """Go on with the logs of another, from which no group has read yet."""
        self._logs, self.grown, self.partitions = dict(other._logs), list(other.grown), other.partitions
        self.first_count = self.partitions

    def count_at(self, record: KafkaRecord) -> int:
        """Under how many partitions the group reads it: all is read before a growth, but for what was there
        before the group."""
        for count, ends in self.grown:
            if record.offset < ends.get((record.topic, record.partition), 0):
                return max(count, self.first_count)
        return self.partitions

    def append(self, record: Record, transaction: int | None = None) -> None:
        if self.closed:
            return
        partition = record.partition
        if partition is None:
            partition = partition_of(record.key or b"", self.partitions)
        place = record.topic, partition
        if self.grown and transaction is None and self._misplaced(record, partition):
            # A writer that has not heard of the new partitions yet; the service interactions forwards it.
            origin = f"{partition}/{self.log(place).end}".encode()
            copy = Record(record.topic, record.key, record.value, (*record.headers, (FORWARDED, origin)))
            self.loop.call_later(1.0, self.append, copy, context=Context())
        stamp = int(self.loop.time() * 1000)
        self.log(place).append(record.key, record.value, record.headers, stamp, transaction)
        self.group.wake(place)

    def _misplaced(self, record: Record, partition: int) -> bool:
        named = any(name == FORWARDED for name, _ in record.headers) or record.key is None
        if named or record.topic == "clock" or record.topic.endswith(".dlq"):
            return False
        return partition_of(record.key or b"", self.partitions) != partition

    def write(self, records: Iterable[Record], *, seconds: float, commit: bool) -> None:
        """Another writer's transaction, open for so long."""
        self._transactions += 1
        number = self._transactions
        for record in records:
            self.append(record, number)
        self.loop.call_later(seconds, self._finish, number, commit, context=Context())

    def _finish(self, number: int, commit: bool) -> None:
        for place, log in self._logs.items():
            log.finish(number, commit=commit)
            self.group.wake(place)
        self.loop.note(f"transaction {number} is {'committed' if commit else 'aborted'}")

    def grow(self, partitions: int) -> None:
        """More partitions for every topic, with copies of what moves; the group's members learn of it, and it
        is shared out anew."""
        self.grown.append((self.partitions, {place: log.end for place, log in self._logs.items()}))
        for to, copy in copies(self.records, Growth(self.partitions, partitions)):
            self.log((copy.topic, to)).append(copy.key, copy.value, copy.headers, copy.stamp)
        self.partitions = partitions
        self.loop.note(f"topics grow to {partitions} partitions")
        self.group.rebalance()


@dataclass(slots=True, eq=False)
class Member:
    """One member as the coordinator knows it."""

    node: Node
    consumer: "SimConsumer"
    number: int
    polled_at: float
    heard_at: float
    held: frozenset[TopicPartition] = frozenset()
    owes_release: bool = False
    stood_by: bool = False
    """It was given nothing the last time."""
    inbox: deque[Assigned | Revoked | Lost] = field(default_factory=deque)


class Group:
    """The coordinator. It looks after its members once a second."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop = broker.loop
        self.dropped: list[str] = []
        """Why members were, in order."""
        self.topics: tuple[str, ...] = ()
        self.members: list[Member] = []
        self.committed: dict[TopicPartition, int] = {}
        self._numbers = 0
        self._preparing_since: float | None = None
        self._later(1.0)

    def _later(self, seconds: float) -> None:
        self._loop.call_later(seconds, self._look, context=Context())

    def _look(self) -> None:
        if self._broker.closed:
            return
        now = self._loop.time()
        for member in list(self.members):
            if member.node.awake and not self._broker.away:
                member.heard_at = now
            silent = now - member.heard_at > SESSION_SECONDS
            # A member that is awake knows by itself that it heard nothing for a session.
            if silent and (not self._broker.away or member.node.awake):
                self._drop(member, "its session is over")
            elif not self._broker.away and now - member.polled_at > POLL_SECONDS:
                self._drop(member, "it does not poll")
        since = self._preparing_since
        if since is not None and not self._broker.away:
            for member in [m for m in self.members if m.owes_release and now - since > RELEASE_SECONDS]:
                self._drop(member, "it does not let go")
            self._complete()
        for member in self.members:
            member.consumer.flush()
        self._later(1.0)

    def join(self, node: Node, consumer: "SimConsumer") -> Member:
        self._numbers += 1
        now = self._loop.time()
        member = Member(node, consumer, self._numbers, now, now)
        self.members.append(member)
        self._loop.note(f"{node.name} joins")
        self.rebalance()
        return member

    def leave(self, member: Member) -> None:
        if member in self.members:
            self.members.remove(member)
            self._loop.note(f"{member.node.name} leaves")
            self.rebalance()

    def _drop(self, member: Member, why: str) -> None:
        self._loop.note(f"{member.node.name} is dropped: {why}")
        self.dropped.append(why)
        if not member.node.awake and not member.node.dead and member.held:
            self._loop.hits["a zombie"] += 1
        self.members.remove(member)
        member.inbox.clear()
        member.inbox.append(Lost(member.held))
        member.held, member.owes_release = frozenset(), False
        self.rebalance()
        member.consumer.wake()

    def rebalance(self) -> None:
        if self._preparing_since is None:
            self._preparing_since = self._loop.time()
            for member in self.members:
                if any(isinstance(item, Assigned) for item in member.inbox):
                    member.inbox.clear()  # it never heard of it
                elif member.held:
                    member.owes_release = True
                    member.inbox.append(Revoked(member.held))
        self.wake()
        self._loop.call_later(0.05, self._complete, context=Context())

    def released(self, member: Member, offsets: Mapping[TopicPartition, int]) -> None:
        self.commit(member, offsets)
        member.owes_release = False
        self._complete()

    def commit(self, member: Member, offsets: Mapping[TopicPartition, int]) -> None:
        """Only a member can, and only of what it holds."""
        if member in self.members:
            member.node.reach("after the commit")
            self.committed.update({tp: offset for tp, offset in offsets.items() if tp in member.held})

    def _complete(self) -> None:
        if self._preparing_since is None or self._broker.away:
            return
        if any(member.owes_release for member in self.members):
            return
        self._preparing_since = None
        members = sorted(self.members, key=lambda m: m.number)
        for place, member in enumerate(members):
            numbers = self._share(place, len(members))
            member.held = frozenset((topic, p) for topic in self.topics for p in numbers)
            member.inbox.append(Assigned(member.held))
            if member.held and member.stood_by:
                self._loop.hits["a standby takes over"] += 1
            member.stood_by = not member.held
            self._loop.note(f"{member.node.name} is assigned {sorted(numbers)}")
        self.wake()

    def _share(self, place: int, members: int) -> Collection[int]:
        """By range: consecutive partitions, the first members one more."""
        each, more = divmod(self._broker.partitions, members)
        first = place * each + min(place, more)
        return range(first, first + each + (place < more))

    def wake(self, place: TopicPartition | None = None) -> None:
        """Those that hold it; all of them if left out."""
        for member in self.members:
            if place is None or place in member.held:
                member.consumer.wake()
