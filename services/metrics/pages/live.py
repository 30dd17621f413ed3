"""What is live on open pages: one look a process, while there are any, says whether anything was counted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from fastapi import FastAPI
from pymongo.asynchronous.database import AsyncDatabase

from shared.runtime.mongo import Document

MOST_PAGES = 500


class Watch:
    """Open pages of this process."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Event] = set()
        self._written: dict[int, tuple[int, int]] = {}
        self._over = False

    @property
    def full(self) -> bool:
        return len(self._pages) >= MOST_PAGES

    @contextlib.contextmanager
    def page(self) -> Iterator[asyncio.Event]:
        """A page that is open. It is told at once: what happened since it was made is not known. The first is
        told by the next look too, which knows what it compares with."""
        changed = asyncio.Event()
        changed.set()
        self._pages.add(changed)
        try:
            yield changed
        finally:
            self._pages.discard(changed)

    async def changes(self, changed: asyncio.Event) -> AsyncIterator[None]:
        """Each time that something was counted, until the process ends."""
        while not self._over:
            await changed.wait()
            changed.clear()
            if not self._over:
                yield None

    def close(self) -> None:
        """Nothing more comes."""
        self._over = True
        for changed in self._pages:
            changed.set()

    async def look(self, database: AsyncDatabase[Document]) -> None:
        """One round. Raises PyMongo's errors."""
        if not self._pages:
            self._written = {}
            return
        found = await database["partitions"].find({}, {"epoch": 1, "writes": 1}).to_list()
        written = {one["_id"]: (one.get("epoch", 0), one.get("writes", 0)) for one in found}
        if written != self._written:
            for changed in self._pages:
                changed.set()
        self._written = written


async def look(app: FastAPI) -> None:
    """Round after round (``refreshing``): tells open pages, and lets them go where the process is to end."""
    watch: Watch = app.state.watch
    if getattr(app.state, "stopping", bool)():
        watch.close()
    await watch.look(app.state.database)


@contextlib.asynccontextmanager
async def watching(app: FastAPI) -> AsyncIterator[None]:
    """A ``Part`` of the app: its open pages."""
    app.state.watch = Watch()
    try:
        yield
    finally:
        app.state.watch.close()
