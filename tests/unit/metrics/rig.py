"""Metrics' processor on a store in memory, for its tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.metrics.journal.looking import Looking
from services.metrics.journal.processor import CompactProcessor
from shared.kafka.publisher import Record
from shared.schemas.event import Event
from shared.worker.processing import Batch, Message, Origin

from .memory import MemoryStore

TOPICS = ("feedback", "purchases")
FAR = datetime(2030, 1, 1, tzinfo=UTC)


class Rig:
    """A worker's processor on a log of two topics, one partition each of a number."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        stream: bool = False,
        recent_ids: int = 1_000_000,
        looking: Looking | None = None,
    ) -> None:
        self.store = store
        self.time = 0.0
        self.now = FAR
        self.published: list[Record] = []
        self.fails: BaseException | None = None
        """What publishing fails with."""
        self.processor = CompactProcessor(
            store,
            self.publish,
            stream=stream,
            erased_by=b"key",
            recent_ids=recent_ids,
            clock=lambda: self.time,
            wall_clock=lambda: self.now,
            looking=looking,
        )

    async def publish(self, records: Sequence[Record]) -> None:
        if self.fails is not None:
            raise self.fails
        self.published += records

    async def flush(self) -> None:
        self.time += 1_000.0
        await self.processor.idle()


def batch(
    events: Sequence[Event],
    *,
    start: int = 0,
    partition: int = 0,
    topic: str = "feedback",
    at: datetime = FAR,
) -> Batch:
    """The events at consecutive offsets of a topic."""
    messages = tuple(
        Message(
            partition,
            e.time,
            e,
            Origin(topic, partition, start + i),
            Record(topic, e.subject.encode(), b"{}", (), partition),
        )
        for i, e in enumerate(events)
    )
    return Batch(partition, 2, messages, at, at, {(topic, partition): start + len(events)})


async def started(store: MemoryStore, *partitions: int, stream: bool = False) -> Rig:
    rig = Rig(store, stream=stream)
    await rig.processor.assigned(frozenset(partitions or (0,)), 2)
    return rig
