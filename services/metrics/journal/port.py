"""What the processor needs of the store."""

from collections.abc import Sequence
from typing import Protocol

from services.metrics.domain.fits import Fit
from services.metrics.journal.library import IdStore
from services.metrics.journal.writes import Stored, Write


class Store(Protocol):
    """What the processor needs of ``WorkerStore``."""

    @property
    def ids(self) -> IdStore: ...

    async def claim(self, partition: int, count: int) -> Stored: ...

    async def first_count(self) -> int: ...

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]: ...

    async def fits(self) -> Sequence[Fit]: ...

    async def names(self, after: str, most: int) -> Sequence[str]: ...

    async def write(self, writes: Sequence[Write]) -> None: ...

    async def prove(self, partition: int, epoch: int) -> None: ...
