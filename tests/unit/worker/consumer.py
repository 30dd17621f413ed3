"""A consumer over a log in memory, whose group the test plays: it assigns, revokes and loses."""

import asyncio
import sys
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from time import monotonic

from shared.kafka.clients import (
    Assigned,
    BrokerAwayError,
    KafkaRecord,
    Lost,
    Polled,
    Revoked,
    TopicPartition,
)
from shared.kafka.keys import partition_of
from shared.schemas.codec import encode
from shared.schemas.event import Event

PARTITIONS = 2


def record(event: Event, offset: int, partitions: int = PARTITIONS) -> KafkaRecord:
    """As Kafka hands it out."""
    value, headers = encode(event)
    key = event.subject.encode()
    return KafkaRecord(event.data.topic, partition_of(key, partitions), offset, key, value, tuple(headers))


class MemoryConsumer:
    """Implements ``ConsumerClient``."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.log: dict[TopicPartition, list[KafkaRecord]] = {}
        for event in events:
            place = (event.data.topic, partition_of(event.subject.encode(), PARTITIONS))
            records = self.log.setdefault(place, [])
            records.append(record(event, len(records)))
        self.committed_offsets: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.open = asyncio.Event()
        """While it is not set, a poll brings no records."""
        self.open.set()
        self.started: list[TopicPartition] = []
        """What was read from the beginning, or read again."""
        self.polled_at = monotonic()
        self.longest = 0.0
        """The longest time between two polls."""
        self.broken = self.away = False
        """The client itself can go on no more; the broker does not answer."""
        self.member = True
        """What the group says when it is asked: one that is none may not know yet."""
        self.confirmations = 0
        self.closed = False
        self._changes: deque[Assigned | Revoked | Lost] = deque()
        self._current: Assigned | None = None
        self._released = asyncio.Event()

    # What the group does

    def assign(self, *places: TopicPartition) -> None:
        self._changes.append(Assigned(frozenset(places)))

    def lose(self) -> None:
        self._changes.append(Lost(frozenset(self.positions)))

    async def revoke(self) -> None:
        """Until the member has let go."""
        self._released.clear()
        self._changes.append(Revoked(frozenset(self.positions)))
        await self._released.wait()

    # What the loop calls

    async def poll(
        self, seconds: float, limit: int, room: Collection[TopicPartition], most_bytes: int = sys.maxsize
    ) -> Polled:
        assert not self.closed
        now = monotonic()
        self.longest = max(self.longest, now - self.polled_at)
        self.polled_at = now
        await asyncio.sleep(0)
        if self.broken:
            raise BrokerAwayError("broken")
        if self._changes:
            change = self._changes.popleft()
            self._current = change if isinstance(change, Assigned) else None
            if not isinstance(change, Revoked):
                self.positions = {}
            return change
        records = self._fetch(limit, room, most_bytes) if self.open.is_set() else []
        if not records:
            await asyncio.sleep(min(seconds, 0.005))
        return records

    def _fetch(self, limit: int, room: Collection[TopicPartition], most_bytes: int) -> list[KafkaRecord]:
        records: list[KafkaRecord] = []
        for place in sorted(set(room) & self.positions.keys()):
            position = self.positions[place]
            for fresh in self.log.get(place, [])[position : position + limit - len(records)]:
                if most_bytes <= 0:
                    break
                most_bytes -= fresh.size
                self.positions[place] += 1
                records.append(fresh)
        return records

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        if self.away:
            raise BrokerAwayError("away")
        if self._current is not taken or self._changes:
            return False
        self.started += sorted(taken.held)
        self.positions = {p: offsets.get(p, self.committed_offsets.get(p, 0)) for p in taken.held}
        return True

    async def confirm(self, taken: Assigned) -> bool:
        self.confirmations += 1
        if self.away:
            raise BrokerAwayError("away")
        return self.member and self._current is taken

    def release(self, revoked: Revoked, offsets: Mapping[TopicPartition, int]) -> None:
        self.commit(offsets)
        self.positions = {}
        self._released.set()

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed_offsets.update((p, o) for p, o in offsets.items() if p in self.positions)

    @property
    def uncommitted_for(self) -> float:
        return 0.0

    async def unread(self, of: Collection[TopicPartition]) -> Collection[TopicPartition]:
        if self.away:
            raise BrokerAwayError("away")
        return [p for p in of if p in self.positions and self.positions[p] < len(self.log.get(p, ()))]

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {p: len(self.log.get(p, ())) - self.positions[p] for p in of if p in self.positions}

    async def partitions(self, topic: str) -> int:
        if self.away:
            raise BrokerAwayError("away")
        return PARTITIONS

    async def close(self, seconds: float) -> bool:
        self.closed = True
        return True
