"""How many events may be written together: any number, until a write is refused; then fewer and fewer, down
to the one at fault."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from pymongo.errors import PyMongoError

from services.metrics.journal.partition import Partition
from services.metrics.journal.writes import Write
from shared.runtime.words import words
from shared.worker.processing import Batch, FencedError
from shared.worker.retry import about_document

log = structlog.get_logger(__name__)

ALWAYS_FIT = 500
"""So many events are always written within a transaction's time: as many as a batch of the other services."""
WHOLE = 20_000
"""Where so many fit, any number is tried again."""


class RefusedWriteError(FencedError):
    """A write will never be taken as it is: start again from what stands, with fewer events at a time."""


class Writing(Protocol):
    """What this needs of ``WorkerStore``."""

    async def write(self, writes: Sequence[Write]) -> None: ...

    async def prove(self, partition: int, epoch: int) -> None: ...


class Narrowing:
    """The limits of a worker's partitions, of those that have one."""

    def __init__(self) -> None:
        self._most: dict[int, int] = {}

    def limit(self, partition: int) -> int | None:
        """Events that may be written together; None for any number."""
        return self._most.get(partition)

    async def write(self, store: "Writing", writes: list[Write], parts: Sequence[Partition]) -> list[Write]:
        """Write these, of ``parts``, and return what was written: where the store refuses their folding for
        good, that is left for later, as what is not folded counts as well. Raises ``RefusedWriteError``."""
        folding = any(write.fold is not None for write in writes)
        try:
            await store.write(writes)
        except Exception as error:  # sorted here: unfoldable, too much at once, or for the caller
            if folding and about_document(error):
                log.error("cells cannot be folded", error=words(error))
                return await self.write(store, [replace(write, fold=None) for write in writes], parts)
            if self.narrows(error, parts):
                raise RefusedWriteError(f"too much, or an event at fault: {words(error)}") from error
            raise
        return writes

    def narrows(self, error: Exception, parts: Iterable[Partition]) -> bool:
        """Whether a write of these that failed so is to be tried with fewer events; their limits are set. One
        that took too long has no event at fault, and a small one merely met a store in trouble."""
        parts = [part for part in parts if part.events]
        if about_document(error):
            least = 1
        elif isinstance(error, PyMongoError) and error.timeout:
            least = ALWAYS_FIT
            parts = [part for part in parts if part.events > least]
        else:
            return False
        for part in parts:
            self._most[part.number] = max(least, part.events // 2)
        return bool(parts)

    def written(self, partition: int) -> None:
        """As many as the limit were: the next may be twice as many, and from ``WHOLE`` on any number."""
        most = self._most.pop(partition) * 2
        if most < WHOLE:
            self._most[partition] = most

    def cut(self, batch: Batch) -> Iterator[Batch]:
        """The batch in parts of so many messages at most; the last has its offsets and records."""
        left = batch.messages
        while (most := self.limit(batch.partition)) is not None and len(left) > most:
            yield replace(batch, messages=left[:most], offsets={}, records=())
            left = left[most:]
        yield replace(batch, messages=left)
