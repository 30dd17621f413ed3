"""The values of dimensions that are told apart: the first of each, for all partitions and for ever.

Sources name segments, channels and stores as they like, and a document of a day holds a place for each. So
only so many are told apart (``LIMITS``); those that come later count together, as ``OTHER``. Which ones is
written once and never changed: what counts as other is taken back there too.

Each is a document, ``<dimension>:<slot>``. Whoever finds a slot taken reads again who took it, so no value
has two.
"""

from collections.abc import Collection, Iterable, Iterator

from pymongo import InsertOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from services.metrics.domain.cells import Delta, add
from services.metrics.domain.places import LIMITS, renamed, values_of
from shared.runtime.mongo import Document

MOST_NAMES = 50_000
"""So many places are remembered; sources invent more."""


class Dimensions:
    """PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._db = database
        self._values: dict[str, list[str]] = {name: [] for name in LIMITS}
        """By slot."""
        self._names: dict[str, str] = {}
        """Place -> the place under which it is stored."""

    async def bounded(self, tail: Delta) -> Delta:
        """The same changes, in the places under which they are stored."""
        found = {place for _, place, _ in tail}
        if len(self._names) > MOST_NAMES:
            self._names.clear()
        fresh = found - self._names.keys()
        if fresh:
            await self._learn(sorted(fresh))
        names = self._names
        if all(names[place] == place for place in found):
            return tail
        stored = Delta()
        stored.minutes, stored.since = tail.minutes, tail.since
        for (day, place, field), n in tail.items():
            add(stored, (day, names[place], field), n)
        return stored

    async def _learn(self, fresh: Collection[str]) -> None:
        while new := self._new(fresh):
            await self._read()
            new = self._new(fresh)
            if not any(self._values.values()):
                # What was counted before there were bounds has the first right to a name.
                new = [*await self._counted_before(), *new]
            rows = [{"_id": f"{name}:{slot:04d}", "value": value} for name, slot, value in self._slots(new)]
            if not rows:
                continue
            try:
                await self._db["dimensions"].bulk_write([InsertOne(row) for row in rows], ordered=True)
            except BulkWriteError as error:
                if any(one.get("code") != 11000 for one in error.details["writeErrors"]):
                    raise
            await self._read()
        values = {name: frozenset(known) for name, known in self._values.items()}
        for place in fresh:
            self._names[place] = renamed(place, values)

    def _new(self, places: Iterable[str]) -> list[tuple[str, str]]:
        """Dimension and value of those that have no slot, and may have one."""
        found = dict.fromkeys(named for place in places for named in values_of(place))
        room = {name for name, limit in LIMITS.items() if len(self._values[name]) < limit}
        return [(name, value) for name, value in found if name in room and value not in self._values[name]]

    def _slots(self, new: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int, str]]:
        free = {name: len(known) for name, known in self._values.items()}
        for name, value in dict.fromkeys(new):
            if free[name] < LIMITS[name]:
                yield name, free[name], value
                free[name] += 1

    async def _read(self) -> None:
        values: dict[str, list[str]] = {name: [] for name in LIMITS}
        async for row in self._db["dimensions"].find({}).sort("_id", 1):
            values.setdefault(row["_id"].partition(":")[0], []).append(row["value"])
        self._values = values

    async def _counted_before(self) -> list[tuple[str, str]]:
        """Of the days that stand, the newest first."""
        found: dict[tuple[str, str], None] = {}
        async for row in self._db["days"].find({}).sort("_id", -1):
            found.update(dict.fromkeys(named for place in row["cells"] for named in values_of(place)))
        return [*found]
