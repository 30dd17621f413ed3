"""One reading of a database for what is left of customers who were erased."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.domain import Collection
from shared.journal.erasing import Chore
from shared.journal.erasing_store import ErasingStore
from shared.runtime.mongo import Document

AHEAD = 2
"""Slices that wait to be removed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A slice of what is about those whose chores these are."""

    collection: Collection | None
    """None: the journal."""
    documents: Sequence[Document]


@dataclass(frozen=True, slots=True)
class End:
    """All has been read, or the reading failed."""

    error: Exception | None = None


@dataclass(slots=True, eq=False)
class Sweep:
    """Reads as soon as it is made, in a task of its own: nothing is written by it, so no epoch is needed."""

    store: ErasingStore
    chores: dict[str, Chore]
    """By customer."""
    unsaid: bool = False
    """Some of the journal was left where it is, as it may not be published yet."""
    end: End | None = None
    """Set once all of it is removed: its chores end, one after the other."""
    _slices: asyncio.Queue[Found | End] = field(default_factory=lambda: asyncio.Queue(AHEAD))
    _task: "asyncio.Task[None] | None" = None

    @classmethod
    def begin(cls, store: ErasingStore, chores: Iterable[Chore]) -> "Sweep":
        """Of all of these in one."""
        sweep = cls(store, {chore.customer: chore for chore in chores})
        sweep._task = asyncio.create_task(sweep._read())
        return sweep

    def now(self) -> Found | End | None:
        """The next slice; None while it is being read."""
        with contextlib.suppress(asyncio.QueueEmpty):
            return self._slices.get_nowait()
        return None

    async def next(self) -> Found | End:
        """The next slice."""
        return await self._slices.get()

    def close(self) -> None:
        """What is left of it is of no interest."""
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        ids = [*self.chores]
        try:
            for collection in self.store.owned:
                async for documents in self.store.rows(collection, ids):
                    await self._slices.put(Found(collection, documents))
            async for documents in self.store.traces(ids):
                await self._slices.put(Found(None, documents))
        except Exception as error:  # whatever it is, it is for who waits for the slices
            await self._slices.put(End(error))
        else:
            await self._slices.put(End())
