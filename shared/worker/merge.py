"""Merging a partition's topics into one order, by event time. Pure."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from shared.kafka.clients import KafkaRecord, Record
from shared.schemas.event import Event

R = TypeVar("R")


Copied: TypeAlias = tuple[int, int]
"""When the topics grew, in milliseconds, and the partition that it was copied from."""


class Slot(Struct, frozen=True):
    """One fetched record and what is to be done about it."""

    topic: str
    offset: int
    at: datetime | None
    """Its time, or None for a record that has no effect here (it goes first)."""
    event: Event | None = None
    """The event to apply; None to skip the record."""
    raw: Record | KafkaRecord | None = None
    """The record as it came, where there is an event."""
    record: Record | None = None
    """A dead letter or a forwarded copy, to be published before the offset is committed."""
    stamp: int = -1
    """When the record came to the broker, in milliseconds."""
    copied: Copied | None = None
    """Of a copy that growing topics made."""


class Queue(Generic[R]):
    """A topic's fetched records. One is read only when it comes to the head: thousands of decoded
    events that wait would keep the garbage collector busier than the events keep the service."""

    def __init__(self, read: Callable[[R], Slot]) -> None:
        self._read = read
        self._records: deque[R] = deque()
        self._head: Slot | None = None
        self._sizes: deque[int] = deque()
        """Bytes of each, the head's too."""
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def extend(self, records: Iterable[R]) -> None:
        for record in records:
            self.append(record)

    def append(self, record: R, size: int = 0) -> None:
        """``size``: its bytes."""
        self._records.append(record)
        self._sizes.append(size)
        self.bytes += size

    def head(self) -> Slot | None:
        """The next record, left in place."""
        if self._head is None and self._records:
            self._head = self._read(self._records.popleft())
        return self._head

    def take(self, limit: int, most_bytes: int = sys.maxsize) -> list[Slot]:
        """Up to ``limit`` records, until so many bytes are reached, up to where the copies of a growth begin
        or end."""
        taken: list[Slot] = []
        before: Slot | None = None
        end = self.bytes - most_bytes
        while len(taken) < limit and self.bytes > end and (head := self.head()) is not None:
            if head.event is not None:
                if before is not None and head.copied != before.copied:
                    break
                before = head
            taken.append(head)
            self._head = None
            self.bytes -= self._sizes.popleft()
        return taken


Queues: TypeAlias = dict[str, Queue[Any]]


def merge(
    queues: Queues, limit: int, unread: frozenset[str] = frozenset(), most_bytes: int = sys.maxsize
) -> list[Slot]:
    """Take up to ``limit`` slots off the queues, until so many bytes are reached: the earliest head first,
    ties by topic name.

    ``unread`` names the topics that have records in the log that are not in their queue yet: once
    such a queue is empty nothing can be taken, since its next record may be earlier than any head.

    Copies that growing topics made stand behind what their partition had: they come after all that had come
    by then, of every topic, and before the rest; those from one partition after those from another. No more
    is taken than up to where they begin or end.
    """
    taken: list[Slot] = []
    before: Slot | None = None
    filled = sorted(topic for topic, queue in queues.items() if queue)
    if len(filled) == 1 and not unread - set(filled):
        return queues[filled[0]].take(limit, most_bytes)
    while len(taken) < limit and most_bytes > 0:
        if any(not queues.get(topic) for topic in unread):
            break
        first = _earliest(queues, filled)
        if first is None:
            break
        queue = queues[first]
        head, held = queue.head(), queue.bytes
        if head is not None and head.event is not None:
            if before is not None and head.copied != before.copied:
                break
            before = head
        taken += queue.take(1)
        most_bytes -= held - queue.bytes
    return taken


def _earliest(queues: Mapping[str, Queue[Any]], topics: list[str]) -> str | None:
    best: str | None = None
    best_at: datetime | None = None
    for topic in topics:
        head = queues[topic].head()
        if head is None:
            continue
        if head.at is None:
            return topic
        if head.copied is not None:
            return _beside_copies([(t, queues[t].head()) for t in topics])
        if best_at is None or head.at < best_at:
            best, best_at = topic, head.at
    return best


def _beside_copies(found: Iterable[tuple[str, Slot | None]]) -> str:
    """The next topic where a head is a copy that growing topics made. What has no effect goes first."""
    heads = [(topic, head) for topic, head in found if head is not None]
    timed = [(head.at, topic, head) for topic, head in heads if head.at is not None]
    if len(timed) < len(heads):
        return next(topic for topic, head in heads if head.at is None)
    first = min(head.copied for _, _, head in timed if head.copied is not None)
    before = [(at, topic) for at, topic, head in timed if head.copied is None and head.stamp < first[0]]
    return min(before or [(at, topic) for at, topic, head in timed if head.copied == first])[1]
