"""The ``now`` that an API answers with: the wall clock, or in stream mode the stored watermark."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from pymongo.asynchronous.database import AsyncDatabase

from shared.kafka.keys import partition_of
from shared.kafka.publisher import BrokerAwayError

PARTITIONS_ASKED_EVERY_S = 60.0


class Partitions(Protocol):
    """Knows how many partitions a topic has; a ``Publisher`` does."""

    async def partitions(self, topic: str) -> int: ...


class ApiClock:
    """Reads ``watermark`` of the documents in ``partitions``."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        broker: Partitions,
        *,
        stream: bool,
        partitions: int,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._broker = broker
        self._stream = stream
        self._partitions = partitions
        self._asked = float("-inf")
        self._wall_clock = wall_clock

    async def now(self, subject: str | None = None) -> datetime:
        """Aware, UTC. In stream mode the watermark of this customer's partition, or with None the
        highest of all; the wall clock until there is one."""
        if not self._stream:
            return self._wall_clock()
        partitions = self._database["partitions"]
        if subject is not None:
            partition = partition_of(subject.encode(), await self._count())
            found = await partitions.find_one({"_id": partition}, {"watermark": 1})
            return _watermark(found or {}) or self._wall_clock()
        every = await partitions.find({}, {"watermark": 1}).to_list()
        reached = [to for to in map(_watermark, every) if to is not None]
        return max(reached, default=None) or self._wall_clock()

    async def _count(self) -> int:
        """As the broker says; while it is away, as it said last, or as the settings do."""
        if time.monotonic() - self._asked > PARTITIONS_ASKED_EVERY_S:
            try:
                self._partitions = await self._broker.partitions("commands") or self._partitions
                self._asked = time.monotonic()
            except BrokerAwayError:
                pass
        return self._partitions


def _watermark(partition: Mapping[str, Any]) -> datetime | None:
    to: datetime | None = partition.get("watermark")
    return to.astimezone(UTC) if to is not None else None
