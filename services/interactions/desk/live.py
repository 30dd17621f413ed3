"""What is live on pages: one poller a process says which of the things that open pages watch have changed.

Partitions' documents say how often each was written. Only where one moved are the versions of the watched
states of that partition asked for, and who is on a conversation; nothing is asked
for a page, and nothing at all while none is open.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from services.interactions.desk.presence import PRESENT, Presence
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
    behind: frozenset[str] = frozenset()
    """What may have changed since it was made, or is not known to any look yet."""

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


class Known(NamedTuple):
    """What a look found of a name, and which look that was."""

    value: object
    look: int


class Live:
    """Names are ids of states (a customer's, ``team/service``), ``PRESENT`` and a customer's id, or
    ``ANYTHING``. Nothing is kept of a look that fails: the next finds all of it."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        self._pages: set[Page] = set()
        self._known: dict[str, Known] = {}
        self._writes: dict[int, tuple[int, int]] = {}
        self._told_anything = 0.0
        self._anything = False
        self._stopping = stopping
        self._process = uuid.uuid4().hex[:12]
        self._looks = 0

    @property
    def mark(self) -> str:
        """The last look that is over. What is read from now on is as new as all that it found."""
        return f"{self._process}.{self._looks}"

    @property
    def full(self) -> bool:
        """Whether no more pages can be live in this process."""
        return len(self._pages) >= MOST_PAGES

    @contextlib.contextmanager
    def page(self, names: Iterable[str], mark: str) -> Iterator[Page]:
        """A page that is open now, for which reading began at ``mark``, of whichever process. What was found
        later is told by the next look; and what nobody has looked for yet, by the look that finds it: what is
        written after that differs."""
        process, _, look = mark.partition(".")
        made = int(look) if process == self._process and look.isdecimal() else -1
        opened = Page(frozenset(names))
        known = {name for name in opened.names if name in self._known and self._known[name].look <= made}
        opened.behind = opened.names - known
        self._pages.add(opened)
        try:
            yield opened
        finally:
            self._pages.discard(opened)

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
            self._known, self._writes = {}, {}
            return
        watched = set[str]().union(*(page.names for page in self._pages))
        writes, partitions = await _written(database)
        moved = {id for id, written in writes.items() if self._writes.get(id) != written}
        found: dict[str, object] = {ANYTHING: writes}
        found |= await self._states(database, watched, moved, partitions)
        found |= await _presence(database, watched)
        self._writes = writes
        self._tell(self._changed(found, watched), now)

    def _changed(self, found: Mapping[str, object], watched: set[str]) -> set[str]:
        """What differs from what was known before this look, which ends with it."""
        self._looks += 1
        kept = {name: known for name, known in self._known.items() if name in watched or name == ANYTHING}
        new = {name for name, value in found.items() if name not in kept or kept[name].value != value}
        self._known = kept | {name: Known(found[name], self._looks) for name in new}
        return {name for name in new if name in kept}

    def _tell(self, changed: set[str], now: float) -> None:
        self._anything = self._anything or ANYTHING in changed
        lists = sum(ANYTHING in page.names for page in self._pages)
        if self._anything and now - self._told_anything >= min(max(SOON_S, EACH_S * lists), SELDOM_S):
            self._anything, self._told_anything = False, now
            changed = changed | {ANYTHING}
        else:
            changed = changed - {ANYTHING}
        for page in self._pages:
            page.tell(changed | page.behind & self._known.keys())
            # One that opened during this look may watch what the look did not ask for.
            page.behind = page.names - self._known.keys()

    async def _states(
        self, database: AsyncDatabase[Document], watched: set[str], moved: set[int], partitions: int
    ) -> dict[str, object]:
        """The versions of states that nobody has looked for yet, or whose partition was written."""
        ids = {name for name in watched if name != ANYTHING and not name.startswith(PRESENT)}
        asked = sorted(id for id in ids if id not in self._known or _partition(id, partitions) in moved)
        found: dict[str, object] = dict.fromkeys(asked)
        for start in range(0, len(asked), AT_ONCE):
            query: Document = {"_id": {"$in": asked[start : start + AT_ONCE]}}
            async for state in database["state"].find(query, {"version": 1}):
                found[state["_id"]] = state["version"]
        return found


async def _written(database: AsyncDatabase[Document]) -> tuple[dict[int, tuple[int, int]], int]:
    """How often each partition was written, and how many there are."""
    documents = await database["partitions"].find({}, {"epoch": 1, "writes": 1, "counts": 1}).to_list()
    writes = {d["_id"]: (d.get("epoch", 0), d.get("writes", 0)) for d in documents}
    return writes, max((n for d in documents for n in d.get("counts", ())), default=0)


def _partition(id: str, partitions: int) -> int:
    """Whose write it takes to change a state: that of its key's partition."""
    key = id.split("/")[1] if "/" in id else id
    return partition_of(key.encode(), partitions) if partitions else 0


async def _presence(database: AsyncDatabase[Document], watched: set[str]) -> dict[str, object]:
    customers = {name.removeprefix(PRESENT) for name in watched if name.startswith(PRESENT)}
    here = await Presence(database).here(customers, datetime.now(UTC)) if customers else {}
    return {PRESENT + id: those for id, those in here.items()}


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
