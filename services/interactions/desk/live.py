"""What is live on pages: one poller a process says which of the things that open pages watch have changed.

Partitions' documents say how often each was written. Only where one moved are the versions of the watched
states of that partition asked for, and who is on a conversation; nothing is asked
for a page, and nothing at all while none is open.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from services.interactions.desk.presence import PRESENT, Here, Presence
from shared.kafka.keys import partition_of
from shared.runtime.mongo import Document
from shared.runtime.words import words

log = structlog.get_logger(__name__)

ANYTHING = "*"
"""What a page watches that lists what is of many: any write at all."""
EVERY_S = 0.3
SOON_S, SELDOM_S = 0.5, 3.0
"""So often ``ANYTHING`` is told at most: to few pages, and to very many."""
EACH_S = 0.03
"""And so much more seldom with each page that watches it, since each is made anew then: 33 a second."""
AT_ONCE = 200
"""States that are asked about in one query."""
MOST_PAGES = 5_000


@dataclass(eq=False, slots=True)
class Page:
    """An open page: what it watches, and what it has not been told yet."""

    names: frozenset[str]
    changed: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    behind: bool = False
    """It was made before what is known now: all of it may have changed."""

    def tell(self, names: Iterable[str]) -> None:
        found = self.names.intersection(names)
        if found:
            self.changed |= found
            self.woken.set()

    async def changes(self, until: datetime) -> AsyncIterator[str]:
        """What changes, as it does, until that time, or until there is no more to come."""
        while not self.over:
            left = (until - datetime.now(UTC)).total_seconds()
            try:
                await asyncio.wait_for(self.woken.wait(), max(left, 0))
            except TimeoutError:
                return
            self.woken.clear()
            told, self.changed = sorted(self.changed), set()
            for name in told:
                yield name


class Live:
    """Names are ids of states (a customer's, ``team/service``), ``PRESENT`` and a customer's id, or
    ``ANYTHING``."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self._pages: set[Page] = set()
        self._writes: dict[int, tuple[int, int]] = {}
        self._partitions = 0
        self._versions: dict[str, int | None] = {}
        self._here: Mapping[str, frozenset[Here]] = {}
        self._anything = False
        self._told_anything = 0.0
        self._stopping = stopping

    @property
    def mark(self) -> str:
        """How much had been written at the last look: what a page is made of is as new as that at least."""
        return "" if not self._writes else str(sum(writes for _, writes in self._writes.values()))

    @property
    def full(self) -> bool:
        """Whether no more pages can be live in this process."""
        return len(self._pages) >= MOST_PAGES

    @contextlib.contextmanager
    def page(self, names: Iterable[str], mark: str) -> Iterator[Page]:
        """A page that was made at ``mark`` and is open now. What may have changed since is told by the next
        look, which knows by then what it compares with: what is written later differs from that."""
        opened = Page(frozenset(names))
        if not mark or mark != self.mark or not opened.names <= self._known:
            opened.behind = True
        self._pages.add(opened)
        try:
            yield opened
        finally:
            self._pages.discard(opened)

    @property
    def _known(self) -> frozenset[str]:
        return frozenset((*self._versions, *(PRESENT + id for id in self._here), ANYTHING))

    def close(self) -> None:
        """Nothing more comes: whoever waits goes."""
        for page in self._pages:
            page.over = True
            page.woken.set()

    async def look(self, database: AsyncDatabase[Document], now: float) -> None:
        """One round; ``now`` in seconds, on any clock that never goes back. Raises PyMongo's errors."""
        if self._stopping():
            self.close()
        if not self._pages:
            self._versions, self._here, self._writes = {}, {}, {}
            return
        watched = set[str]().union(*(page.names for page in self._pages))
        changed = await self._states(database, watched) | await self._presence(database, watched)
        lists = sum(ANYTHING in page.names for page in self._pages)
        if self._anything and now - self._told_anything >= min(max(SOON_S, EACH_S * lists), SELDOM_S):
            self._anything, self._told_anything = False, now
            changed.add(ANYTHING)
        for page in self._pages:
            page.tell(page.names if page.behind else changed)
            page.behind = False

    async def _states(self, database: AsyncDatabase[Document], watched: set[str]) -> set[str]:
        moved = await self._moved(database)
        self._anything = self._anything or bool(moved)
        ids = {name for name in watched if name != ANYTHING and not name.startswith(PRESENT)}
        asked = sorted(id for id in ids if id not in self._versions or self._partition(id) in moved)
        found: dict[str, int | None] = dict.fromkeys(asked)
        for start in range(0, len(asked), AT_ONCE):
            query: Document = {"_id": {"$in": asked[start : start + AT_ONCE]}}
            async for state in database["state"].find(query, {"version": 1}):
                found[state["_id"]] = state["version"]
        changed = {id for id, version in found.items() if self._versions.get(id, version) != version}
        self._versions = {id: version for id, version in self._versions.items() if id in ids} | found
        return changed

    async def _moved(self, database: AsyncDatabase[Document]) -> set[int]:
        """The partitions that were written since the last look."""
        fields = {"epoch": 1, "writes": 1, "counts": 1}
        documents = await database["partitions"].find({}, fields).to_list()
        writes = {d["_id"]: (d.get("epoch", 0), d.get("writes", 0)) for d in documents}
        moved = {id for id, written in writes.items() if self._writes.get(id) != written}
        self._partitions = max((n for d in documents for n in d.get("counts", ())), default=0)
        self._writes = writes
        return moved

    def _partition(self, id: str) -> int:
        """Whose write it takes to change a state: that of its key's partition."""
        key = id.split("/")[1] if "/" in id else id
        return partition_of(key.encode(), self._partitions) if self._partitions else 0

    async def _presence(self, database: AsyncDatabase[Document], watched: set[str]) -> set[str]:
        customers = {name.removeprefix(PRESENT) for name in watched if name.startswith(PRESENT)}
        if not customers:
            self._here = {}
            return set()
        here = await Presence(database).here(customers, datetime.now(UTC))
        changed = {id for id in customers if id in self._here and here[id] != self._here[id]}
        self._here = here
        return {PRESENT + id for id in changed}


async def keep_looking(live: Live, database: AsyncDatabase[Document], stop: asyncio.Event) -> None:
    """Round after round; a store that is away is waited for."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            await live.look(database, loop.time())
        except (PyMongoError, OSError) as error:
            log.warning("not looked for changes", error=words(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)


@contextlib.asynccontextmanager
async def looking(app: Any) -> AsyncIterator[None]:
    """A ``Part`` of the app: looks for changes for as long as it runs."""
    stop = asyncio.Event()
    live: Live = app.state.pages.live
    task = asyncio.create_task(keep_looking(live, app.state.database, stop))
    try:
        yield
    finally:
        live.close()
        # Asked, not cancelled: a driver's call can lose a cancellation under Python 3.11.
        stop.set()
        await task
