"""What a process of the API remembers of what it read, so that it asks the store for less. What it answers is
read, or known to be as it was, each time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from itertools import count, pairwise
from typing import Generic, TypeVar

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.routing.state import Team
from shared.journal.later import read_state
from shared.runtime.mongo import Document
from shared.schemas.teams import team_state
from shared.schemas.times import Micros

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

TEAMS = 16
LISTS = 1_000
LINES = 20_000
"""Of each so many are remembered."""
LAST = "\U0010ffff"
"""After all that is told."""
AT_ONCE = 5_000
"""Documents that come in one answer."""
STRIDE = 100
"""Rows that are read at once of a list of which all is read."""
REST, MOST_REST_S = 3.0, 0.25
"""After each such reading the store is left alone so many times as long, and so long at most in all of a
list: whoever is told to stop waits for that, of eight lists."""


class Latest(Generic[K, V]):
    """So many values, those that were used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> None:
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        self._kept.pop(key, None)


class Reach:
    """How far the beginnings of lists went. The embedded store reads the whole range of a question, whatever
    its limit. So a list that was read before is asked for as far as that, which answers as exactly wherever
    enough is found there; else all of it is asked for."""

    def __init__(self) -> None:
        self._far: Latest[tuple[str, str, int], str] = Latest(LISTS)

    async def first(
        self,
        collection: AsyncCollection[Document],
        where: Mapping[str, str | None],
        field: str,
        *,
        wanted: int,
        after: str | None = None,
        before: str | None = None,
        keep: Callable[[Document], bool] = lambda row: True,
    ) -> list[Document]:
        """The ``wanted`` first rows, by ``field``, a text, of those ``after`` and ``before`` these, and that
        one keeps; what is not kept is few. Where rows have no ``field``, ``after`` spares reading them; with
        an index that begins with the last (``-field``) the embedded store finds nothing after anything."""
        name = (collection.name, f"{field} {sorted(where.items())}", wanted)
        enough = wanted + wanted // 4 + 10
        rows: list[Document] = []
        for far in filter(None, (self._far.get(name), LAST)):
            last = {"$lte": far} if before is None or before > far else {"$lt": before}
            query: Document = {**where, field: last if after is None else {"$gt": after, **last}}
            rows, read = [], enough
            for skipped in count(0, enough):
                if read < enough or len(rows) >= enough:
                    break
                found = collection.find(query, batch_size=enough).sort(field, 1).skip(skipped).limit(enough)
                page = await found.to_list()
                rows += filter(keep, page)
                read = len(page)
            if len(rows) >= wanted or "$lt" in last:
                break
        if len(rows) >= enough:
            self._far.keep(name, rows[enough - 1][field])
        elif len(rows) < wanted:
            self._far.drop(name)
        return rows[:wanted]


class Strides:
    """Reads all of a list, for which nobody waits. The embedded store answers one question after the other,
    and one of thousands of rows takes as long as many pages. So a list is asked for in ranges that held
    ``STRIDE`` rows when it was read last, with rests between them."""

    def __init__(self, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._cuts: Latest[str, list[str]] = Latest(LISTS)
        self._rest = rest

    async def all(
        self, collection: AsyncCollection[Document], where: Document, field: str, *others: str
    ) -> list[Document]:
        """By ``field``, a text that each row has: it and ``others``, or all of the rows where none are named.
        Each range is as it is when it is read."""
        wanted = {"_id": 0, field: 1, **dict.fromkeys(others, 1)} if others else None
        name = f"{collection.name} {field} {sorted(where.items())}"
        bounds = [None, *(self._cuts.get(name) or ()), None]
        rows: list[Document] = []
        for first, end in pairwise(bounds):
            started = time.monotonic()
            within = {"$gte": first, "$lt": end}
            bound = {name: value for name, value in within.items() if value is not None}
            query = {**where, field: bound} if bound else where
            rows += await collection.find(query, wanted, batch_size=AT_ONCE).to_list()
            if end is not None:
                rest = min(REST * (time.monotonic() - started), MOST_REST_S / (len(bounds) - 2))
                await self._rest(rest)
        self._cuts.keep(name, sorted({row[field] for row in rows})[STRIDE::STRIDE])
        return rows


class Remembered:
    """Of one process."""

    def __init__(self) -> None:
        self.reach = Reach()
        self.strides = Strides()
        self.said: Latest[tuple[str, Micros], str] = Latest(LINES)
        """The name of the row of what a customer, or somebody to them, said at an instant."""
        self.teams: tuple[str, ...] = ()
        """Those that had somebody, or something, when it was counted last."""
        self._teams: Latest[str, tuple[int, Team]] = Latest(TEAMS)

    async def team(self, database: AsyncDatabase[Document], team: str) -> Team | None:
        """A team as it is now, taken apart anew only where it was written since: one of hundreds of agents is
        half a megabyte. None for one never heard of."""
        name, states = team_state(team), database["state"]
        kept = self._teams.get(name)
        if kept is not None:
            now = await states.find_one({"_id": name}, {"version": 1})
            if now is not None and now["version"] == kept[0]:
                return kept[1]
        found = await states.find_one({"_id": name})
        if found is None:
            return None
        state = read_state(Team, found["data"])
        self._teams.keep(name, (found["version"], state))
        return state
