"""The seam between the record loop and what a service does with records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from shared.kafka.clients import KafkaRecord, Record
from shared.schemas.event import Event

TopicOffset: TypeAlias = tuple[str, int]
"""A topic and a partition: what an offset is kept under."""

COMMANDS = "commands"
TIMER_TOPIC = "timers"
"""Stands in a journal entry for the topic, where a timer was the cause."""


class FencedError(Exception):
    """Another worker has written this partition: drop what is in memory, start from what is committed."""


class Origin(Struct, frozen=True):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int

    @property
    def text(self) -> str:
        """``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin whose ``text`` this is. Raises ``ValueError``."""
        topic, partition, offset = text.split("/")
        return cls(topic, int(partition), int(offset))


class Message(Struct, frozen=True):
    """One event in its partition's order."""

    partition: int
    at: datetime
    """Its place in time: the highest event time of the partition so far, this event's included."""
    event: Event
    origin: Origin
    raw: Record | KafkaRecord | None = None
    """The record as it came; None for a timer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition number, all topics together."""

    partition: int
    partitions: int
    """How many partitions every topic has."""
    messages: tuple[Message, ...]
    now: datetime
    """The wall clock, or under the stream clock the watermark before this batch."""
    horizon: datetime
    """Timers due up to here may fire: the wall clock, or the watermark after this batch."""
    offsets: Mapping[TopicOffset, int] = field(default_factory=dict)
    """The offsets to commit once the batch has taken effect."""
    records: tuple[Record, ...] = ()
    """Dead letters and forwarded records to publish before the offsets are committed."""


class Wanted(NamedTuple):
    """What a processor wants of the loop."""

    soon: bool = False
    """To be called again at once, if there is nothing to process."""
    settled: bool = False
    """To be told what has been handled."""


class Processor(Protocol):
    """What the record loop drives. Errors other than ``FencedError`` that it raises stop the process."""

    async def assigned(self, partitions: frozenset[int], count: int) -> Mapping[TopicOffset, int]:
        """Take over these partitions (all that are held now) of the ``count`` that every topic has. Offsets
        to start from, where they are kept in the store; for the rest the group's committed offsets hold."""

    async def first_count(self) -> int:
        """The smallest count under which partitions were ever taken over: what was copied when the topics
        grew beyond it has been handled where it was before."""

    async def watermark(self, partition: int) -> datetime | None:
        """The stored watermark of a partition held (stream clock)."""

    async def process(self, batch: Batch) -> None:
        """Let the batch take effect, whole. Cancelled when a revoke cannot wait longer."""

    async def idle(self, settled: Mapping[int, frozenset[str]] | None) -> Wanted:
        """Called at least once a second, between batches, while partitions are held. ``settled`` are, by
        partition, the topics of which all that is in the log has been handled, where that was wanted."""

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Let go of these partitions."""

    def durable(self) -> Mapping[TopicOffset, int]:
        """Offsets whose records have taken effect since the last call, to commit to the group."""
