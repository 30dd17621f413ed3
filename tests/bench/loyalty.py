"""What the two loyalty benchmarks share: records by partition, batches of them, a publisher of none."""

from collections.abc import Iterable
from typing import Any

from shared.kafka import publisher as publishing
from shared.kafka.brokers import Brokers
from shared.kafka.keys import partition_of
from shared.kafka.publisher import Record
from shared.schemas.codec import decode, open_envelope
from shared.worker.processing import Batch, Message, Origin
from tests.bench.events import START

PARTITIONS = 4
BATCH = 500
HEADERS = (("content-type", b"application/cloudevents+json"),)


class Accepting(publishing.Publisher):
    """Takes events and acknowledges at once: Kafka has a benchmark of its own."""

    def __init__(self) -> None:
        super().__init__(Brokers("unused:1"))
        self.published = 0

    async def publish(self, records: Any) -> None:
        self.published += len(records)


def batches_of(
    records: Iterable[tuple[bytes, bytes]], size: int = BATCH
) -> list[list[tuple[bytes, bytes, int]]]:
    """Raw records, as a consumer would hand them out: a partition at a time, ``size`` at most."""
    partitions: dict[int, list[tuple[bytes, bytes, int]]] = {p: [] for p in range(PARTITIONS)}
    for key, value in records:
        queue = partitions[partition_of(key, PARTITIONS)]
        queue.append((key, value, len(queue)))
    longest = max(len(q) for q in partitions.values())
    return [
        queue[start : start + size]
        for start in range(0, longest, size)
        for queue in partitions.values()
        if queue[start : start + size]
    ]


def decoded(batch: Iterable[tuple[bytes, bytes, int]]) -> Batch:
    """A batch as the record loop makes it."""
    messages = []
    for key, value, offset in batch:
        partition = partition_of(key, PARTITIONS)
        event = decode(open_envelope(key, value, HEADERS), wall_now=START)
        raw = Record("purchases", key, value, HEADERS)
        messages.append(Message(partition, event.time, event, Origin("purchases", partition, offset), raw))
    now = messages[-1].at
    return Batch(messages[0].partition, PARTITIONS, tuple(messages), now, now)
