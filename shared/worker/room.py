"""Where more may be fetched: queues by bytes, all of a process within one bound."""

from collections.abc import Mapping

from shared.kafka.clients import TopicPartition
from shared.worker.merge import Queues

SHARE = 4
"""A queue may hold this part of what is free beside it. So one alone has more than many have each, and
something is always left for one that was empty."""
AGAIN = 2 * SHARE
"""Once it had that, more is fetched when it holds no more than this part."""


class Room:
    """Pausing a partition throws away what its client has fetched ahead, to be fetched again. So what was
    found full stays so until much of it is gone."""

    def __init__(self, limit: int) -> None:
        """``limit``: bytes."""
        self._limit = limit
        self._full: set[TopicPartition] = set()
        self._tight = False
        """The bound was met, and half of it is not free yet."""
        self._first: int | None = None
        """While it is tight, the partition that is helped on."""
        self.pauses = 0
        """How often a queue was found full."""

    def of(self, queues: Mapping[int, Queues], queued: int) -> list[TopicPartition]:
        """The queues that may take more; ``queued`` bytes wait in all of them.

        While it is tight these are the empty ones of the partition that has most: its batch may wait for the
        head of any topic (see ``merge``), and without one nothing would ever get free.
        """
        free = self._limit - queued
        self._tight = free <= 0 or (self._tight and 2 * queued > self._limit)
        if self._tight:
            self._choose({p: sum(queue.bytes for queue in topics.values()) for p, topics in queues.items()})
        room = []
        for partition, topics in queues.items():
            for topic, queue in topics.items():
                place = topic, partition
                if self._has_room(place, queue.bytes, free) if queue else self._may_begin(place):
                    room.append(place)
        return room

    def _choose(self, sizes: Mapping[int, int]) -> None:
        most = max(sizes, key=lambda p: sizes[p])
        if self._first is None or 2 * sizes[self._first] < sizes[most]:
            self._first = most

    def _may_begin(self, place: TopicPartition) -> bool:
        self._full.discard(place)
        return not self._tight or place[1] == self._first

    def _has_room(self, place: TopicPartition, size: int, free: int) -> bool:
        if place in self._full:
            if self._tight or AGAIN * size > free:
                return False
            self._full.discard(place)
        elif self._tight or SHARE * size >= free:
            self._full.add(place)
            self.pauses += 1
            return False
        return True

    @staticmethod
    def most_bytes(free: int) -> int:
        """How much may be fetched at a time, so that one queue cannot come to have far more than its part."""
        return max(1, free // SHARE)

    def clear(self) -> None:
        self._full.clear()
        self._tight, self._first = False, None
