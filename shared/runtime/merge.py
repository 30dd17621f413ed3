"""Merging a partition's topics into one order, by event time. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.runtime.publisher import Record
from shared.schemas.event import Event


@dataclass(frozen=True, slots=True)
class Slot:
    """One fetched record and what is to be done about it."""

    topic: str
    offset: int
    at: datetime | None
    """Its time, or None for a record that has no effect here (it goes first)."""
    event: Event | None = None
    """The event to apply; None to skip the record."""
    raw: Record | None = None
    """The record as it came, where there is an event."""
    record: Record | None = None
    """A dead letter or a forwarded copy, to be published before the offset is committed."""


Queues = dict[str, deque[Slot]]


def merge(queues: Queues, limit: int, unread: frozenset[str] = frozenset()) -> list[Slot]:
    """Take up to ``limit`` slots off the queues, the earliest head first, ties by topic name.

    ``unread`` names the topics that have records in the log that are not in their queue yet: while
    such a queue is empty nothing can be taken, since its next record may be earlier than any head.
    """
    taken: list[Slot] = []
    filled = sorted(topic for topic, queue in queues.items() if queue)
    if len(filled) == 1 and not unread - set(filled):
        queue = queues[filled[0]]
        return [queue.popleft() for _ in range(min(limit, len(queue)))]
    while len(taken) < limit:
        if any(not queues.get(topic) for topic in unread):
            break
        head = _earliest(queues, filled)
        if head is None:
            break
        taken.append(queues[head].popleft())
    return taken


def _earliest(queues: Mapping[str, deque[Slot]], topics: list[str]) -> str | None:
    best: str | None = None
    best_at: datetime | None = None
    for topic in topics:
        queue = queues[topic]
        if not queue:
            continue
        at = queue[0].at
        if at is None:
            return topic
        if best_at is None or at < best_at:
            best, best_at = topic, at
    return best
