"""A consumer over a log in memory, whose group the test plays: it assigns and revokes."""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

from shared.kafka.keys import partition_of
from shared.schemas.codec import encode
from shared.schemas.event import Event

PARTITIONS = 2


def record(event: Event, offset: int) -> ConsumerRecord[bytes, bytes]:
    """As Kafka hands it out."""
    value, headers = encode(event)
    key = event.subject.encode()
    return ConsumerRecord(
        topic=event.data.topic,
        partition=partition_of(key, PARTITIONS),
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(value),
        headers=headers,
    )


class MemoryConsumer:
    """What the record loop needs of an ``AIOKafkaConsumer``."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.log: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {}
        for event in events:
            tp = TopicPartition(event.data.topic, partition_of(event.subject.encode(), PARTITIONS))
            records = self.log.setdefault(tp, [])
            records.append(record(event, len(records)))
        self.committed_offsets: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.open = asyncio.Event()
        """While it is not set, a fetch brings nothing, but it has moved the positions when it does."""
        self.open.set()
        self.fetching = False
        self.sought: list[TopicPartition] = []
        """What positions were set of."""

    def assign(self, *partitions: TopicPartition) -> None:
        """As the group does it: positions are those committed."""
        self.positions = {tp: self.committed_offsets.get(tp, 0) for tp in partitions}

    def subscribe(self, topics: Sequence[str], listener: object) -> None: ...

    async def stop(self) -> None: ...

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(PARTITIONS))

    async def committed(self, tp: TopicPartition) -> int | None:
        return self.committed_offsets.get(tp)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.sought.append(tp)
        self.positions[tp] = offset

    async def seek_to_beginning(self, tp: TopicPartition) -> None:
        self.sought.append(tp)
        self.positions[tp] = 0

    async def position(self, tp: TopicPartition) -> int:
        if tp not in self.positions:
            raise IllegalStateError(f"{tp} is not assigned")
        return self.positions[tp]

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.highwater(tp) for tp in partitions}

    def highwater(self, tp: TopicPartition) -> int:
        return len(self.log.get(tp, []))

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        await asyncio.sleep(0)
        fetched = {}
        for tp in partitions:
            position = self.positions[tp]
            self.positions[tp] = max(position, self.highwater(tp))
            fetched[tp] = self.log.get(tp, [])[position:]
        self.fetching = True
        await self.open.wait()
        self.fetching = False
        return fetched

    def pause(self, *partitions: TopicPartition) -> None: ...

    def resume(self, *partitions: TopicPartition) -> None: ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed_offsets.update(offsets)
