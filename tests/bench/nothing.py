"""A processor whose effect is nothing: what is left is the worker's own path."""

from collections.abc import Mapping

from shared.worker.processing import Batch, TopicOffset, Wanted


class Nothing:
    """Commits what it is given."""

    def __init__(self) -> None:
        self._durable: dict[TopicOffset, int] = {}

    async def assigned(self, partitions: frozenset[int], count: int) -> Mapping[TopicOffset, int]:
        return {}

    async def first_count(self) -> int:
        return 1

    async def watermark(self, partition: int) -> None:
        return None

    async def process(self, batch: Batch) -> None:
        self._durable.update(batch.offsets)

    async def idle(self, settled: Mapping[int, frozenset[str]] | None = None) -> Wanted:
        return Wanted()

    async def revoked(self, partitions: frozenset[int]) -> None:
        return

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets
