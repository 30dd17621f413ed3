"""A consumer that fetches ahead as librdkafka does and counts what it fetches again; logs of any size."""

import resource
from collections import deque
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from shared.kafka.clients import Assigned, KafkaRecord, TopicPartition
from shared.schemas.event import Event
from shared.worker.merge import Slot
from shared.worker.processing import Batch
from tests.unit.journal.driver import START, purchase
from tests.unit.worker.consumer import MemoryConsumer
from tests.unit.worker.running import Recorder
from tests.unit.worker.running import until as wait

MIB = 1024 * 1024
EVENT: Event = purchase(0, "c1", START, 1)


class LargeLogs:
    """So many records of so many bytes in each place, made when they are fetched."""

    def __init__(self, places: Mapping[TopicPartition, int], size: int, *, shared: bool = True) -> None:
        """``shared``: all have the same value, which is there once."""
        self.counts = places
        self._size = size
        self._value = b"x" * size if shared else None

    def record(self, place: TopicPartition, offset: int) -> KafkaRecord:
        value = self._value if self._value is not None else bytes([offset % 256]) * self._size
        return KafkaRecord(*place, offset, b"c1", value)


class LargeIntake:
    """Each record is an event of as many hours as its offset says, later ones by topic."""

    def __init__(self, hours: Mapping[str, int]) -> None:
        self._hours = hours

    def read(self, record: KafkaRecord, partitions: int, first_count: int = 0) -> Slot:
        at = START + timedelta(hours=self._hours[record.topic] + record.offset)
        return Slot(record.topic, record.offset, at, EVENT, record)


class AheadConsumer(MemoryConsumer):
    """One queue of what is fetched ahead, for all places. A place without room loses what is in it."""

    def __init__(self, logs: LargeLogs, most_ahead: int) -> None:
        super().__init__()
        self.logs = logs
        self.polls = self.handed = self.thrown = 0
        self._most = most_ahead
        self._ahead: deque[KafkaRecord] = deque()
        self._bytes = 0
        self._next: dict[TopicPartition, int] = {}

    async def start(self, taken: Assigned, offsets: Mapping[TopicPartition, int]) -> bool:
        self._ahead.clear()
        self._next, self._bytes = {}, 0
        return await super().start(taken, offsets)

    def _fetch(self, limit: int, room: Collection[TopicPartition], most_bytes: int) -> list[KafkaRecord]:
        self.polls += 1
        allowed = set(room) & self.positions.keys()
        kept = deque(r for r in self._ahead if (r.topic, r.partition) in allowed)
        self.thrown += len(self._ahead) - len(kept)
        for r in self._ahead:
            if (r.topic, r.partition) not in allowed:
                self._next.pop((r.topic, r.partition), None)
                self._bytes -= r.size
        self._ahead = kept
        self._fill(sorted(allowed))
        records: list[KafkaRecord] = []
        while self._ahead and len(records) < limit and most_bytes > 0:
            r = self._ahead.popleft()
            self._bytes -= r.size
            most_bytes -= r.size
            self.positions[r.topic, r.partition] = r.offset + 1
            records.append(r)
        self.handed += len(records)
        return records

    def _fill(self, places: list[TopicPartition]) -> None:
        filled = True
        while filled and self._bytes < self._most:
            filled = False
            for place in places:
                offset = self._next.get(place, self.positions[place])
                if offset < self.logs.counts[place] and self._bytes < self._most:
                    self._ahead.append(self.logs.record(place, offset))
                    self._next[place] = offset + 1
                    self._bytes += self._ahead[-1].size
                    filled = True

    async def partitions(self, topic: str) -> int:
        return 1 + max(partition for _, partition in self.logs.counts)

    async def unread(self, of: Collection[TopicPartition]) -> Collection[TopicPartition]:
        return [p for p in of if p in self.positions and self.positions[p] < self.logs.counts[p]]

    async def lags(self, of: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {}


class SlowRecorder(Recorder):
    """A batch takes so many polls."""

    def __init__(self, consumer: AheadConsumer, polls: int) -> None:
        super().__init__()
        self.places: list[tuple[TopicPartition, int, datetime]] = []
        self.largest = 0
        """Bytes of a batch's records."""
        self.heaviest = 0
        """KiB of the process, where the system tells it."""
        self._consumer = consumer
        self._polls = polls

    async def process(self, batch: Batch) -> None:
        until = self._consumer.polls + self._polls
        await wait(lambda: self._consumer.polls >= until)
        self.places += [((m.origin.topic, m.origin.partition), m.origin.offset, m.at) for m in batch.messages]
        sizes = [m.raw.size for m in batch.messages if isinstance(m.raw, KafkaRecord)]
        self.largest = max(self.largest, sum(sizes))
        self._durable.update(batch.offsets)
        self.heaviest = max(self.heaviest, resident())


def resident() -> int:
    """KiB; 0 where the system does not tell it so."""
    found = Path("/proc/self/statm")
    return int(found.read_text().split()[1]) * resource.getpagesize() // 1024 if found.exists() else 0
