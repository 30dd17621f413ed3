"""What was told of figures, and what moved them since, as worker and API read it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.acts import ACTS, Act, raised_from, raised_until
from services.metrics.domain.cells import add
from services.metrics.domain.churn import is_of_lives
from services.metrics.domain.restating import Moved
from services.metrics.domain.rows import (
    ANOMALIES,
    MOVED,
    RAISED,
    RISING,
    TOLD,
    anomaly_id,
    day_id,
    day_of_id,
    first_id,
    read_moved,
    unpack_tail,
)
from services.metrics.domain.state import Customer
from services.metrics.domain.told import Told
from services.metrics.records_store import MOST_STEPS, records_of
from services.metrics.store import Reading
from shared.merging.rows import MERGED
from shared.runtime.mongo import Document
from shared.schemas.times import DAY, Micros, micros

ByPlace: TypeAlias = Mapping[str, Mapping[str, int]]
"""Place -> field -> count."""


class FiguresStore:
    """Its queries. PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def moved_since(self, wall: Micros) -> list[Moved]:
        """What was written from then on, by the wall clock, of days that were told."""
        return await self._moved({"wall": {"$gte": wall}})

    async def moved_after(self, at: Micros) -> list[Moved]:
        """What moved days that were told after ``at``."""
        return await self._moved({"at": {"$gt": at}})

    async def forget_moved(self, before: Micros) -> None:
        """Take out what moved figures before that time: nobody is told of what was told then."""
        await self._database[MOVED].delete_many({"at": {"$lt": before}})

    async def _moved(self, query: Document) -> list[Moved]:
        return [read_moved(one) async for one in self._database[MOVED].find(query)]

    async def told(self, partition: int) -> Told | None:
        """Up to where figures were told of the KPIs that are a partition's."""
        found = await self._database[TOLD].find_one({"_id": partition})
        return None if found is None else msgspec.msgpack.decode(bytes(found["told"]), type=Told)

    async def latest_judged(self) -> dict[str, int]:
        """By KPI the latest day of which a worker asked whether its figures left what is usual."""
        found: dict[str, int] = {}
        async for row in self._database[TOLD].find({}):
            for name, day in msgspec.msgpack.decode(bytes(row["told"]), type=Told).latest.items():
                found[name] = max(day, found.get(name, day))
        return found

    async def versions(self) -> dict[int, int]:
        """Of each partition the number of the next write."""
        partitions = await self._database["partitions"].find({}, {"writes": 1}).to_list()
        return {document["_id"]: document["writes"] for document in partitions}

    async def watermarks(self) -> list[Micros]:
        """Those that there are."""
        partitions = await self._database["partitions"].find({}, {"watermark": 1}).to_list()
        found: list[datetime | None] = [document.get("watermark") for document in partitions]
        return [micros(to.replace(tzinfo=UTC) if to.tzinfo is None else to) for to in found if to is not None]

    async def places(
        self,
        days: Iterable[int],
        *,
        gaps: bool = False,
        tells: Callable[[int, str], bool] = lambda day, name: True,
    ) -> Mapping[int, ByPlace]:
        """The cells of some days, by day and place: with ``gaps`` those of that collection too, and of all
        those of which a day and a field tell what is asked for."""
        wanted = set(days)
        partitions = await self._database["partitions"].find({}, {"tail": 1}).to_list()
        cells: dict[tuple[int, str, str], int] = {}
        ids = [day_id(day, document["_id"]) for day in wanted for document in partitions]
        for collection in ("days", "gaps") if gaps else ("days",):
            async for document in self._database[collection].find({"_id": {"$in": ids}}):
                await asyncio.sleep(0)  # a batch of them is at hand at once
                day = day_of_id(document["_id"])
                for place, fields in document.get("cells", {}).items():
                    for name, n in fields.items():
                        if tells(day, name):
                            add(cells, (day, place, name), n)
        for document in partitions:
            for cell, n in unpack_tail(bytes(document.get("tail", b""))).items():
                if cell[0] in wanted and tells(cell[0], cell[2]):
                    add(cells, cell, n)
        found: dict[int, dict[str, dict[str, int]]] = {}
        for (day, place, name), n in cells.items():
            found.setdefault(day, {}).setdefault(place, {})[name] = n
        return found

    async def had_customers(self, before: int) -> bool:
        """Whether there were any before that day."""
        query: Document = {"_id": {"$lt": first_id(before)}}
        async for document in self._database["days"].find(query).sort("_id", -1):
            if any(map(is_of_lives, document["cells"].values())):
                return True
        async for document in self._database["partitions"].find({}, {"tail": 1}):
            tail = unpack_tail(bytes(document.get("tail", b"")))
            if any(day < before and is_of_lives({name: n}) for (day, _, name), n in tail.items()):
                return True
        return False

    async def judged(self, days: Iterable[int]) -> list[Document]:
        """What was found of these days, also what does not stand any more."""
        of = [{"_id": {"$gte": anomaly_id(day, ""), "$lt": anomaly_id(day + 1, "")}} for day in {*days}]
        return await self._database[ANOMALIES].find({"$or": of}).to_list() if of else []

    async def records(self, customers: Iterable[str]) -> dict[str, Customer]:
        """What is kept of these customers, by id; of one who is another by now that one's."""
        return {id: record for id, (_, record) in (await records_of(self._database, customers)).items()}

    async def rising(self, partition: int) -> int | None:
        """The Monday up to which it was told which themes rose, of those that are a partition's."""
        found = await self._database[RISING].find_one({"_id": partition})
        return None if found is None else int(found["week"])

    async def raised(self, theme: str, first: int, last: int, limit: int) -> list[Document]:
        """Texts that speak of a theme, of the days ``first`` to ``last``, the newest first."""
        query: Document = {
            "theme": theme,
            "at": {"$gte": first * DAY, "$lt": (last + 1) * DAY},
            "stands": True,
        }
        return await self._database[RAISED].find(query).sort([("at", -1), ("_id", 1)]).limit(limit).to_list()

    async def raised_after(self, act: Act, limit: int) -> list[Document]:
        """The next texts that spoke of an act's theme before it, customer by customer."""
        ids = {"$gt": act.after or raised_from(act.theme), "$lt": raised_until(act.theme)}
        query: Document = {"_id": ids, "at": {"$lt": act.at}, "stands": True}
        return await self._database[RAISED].find(query).sort("_id", 1).limit(limit).to_list()

    async def survivors(self, customers: Iterable[str]) -> dict[str, str]:
        """Of those among these who are another by now, whom."""
        found: dict[str, str] = {}
        wanted = {*customers}
        for _ in range(MOST_STEPS):
            query: Document = {"_id": {"$in": sorted(wanted)}, "into": {"$ne": None}}
            rows = {row["_id"]: row["into"] async for row in self._database[MERGED.name].find(query)}
            wanted = {*rows.values()} - found.keys()
            found |= rows
            if not wanted:
                break
        return {id: _end(found, id) for id in found}

    async def acts_under_way(self) -> list[Act]:
        """Those of which not all are told."""
        return [Act.read(row) async for row in self._database[ACTS].find({"done": False})]

    async def acts(self, theme: str, *, before: tuple[Micros, str] | None, limit: int) -> list[Act]:
        """Those of a theme, the newest first; ``before``: time and id of the last one shown."""
        query: Document = {"theme": theme}
        if before is not None:
            at, id = before
            query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id}}]
        found = self._database[ACTS].find(query).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [Act.read(row) async for row in found]

    async def anomalies(self, *, first: int, before: str | None = None, limit: int) -> list[Document]:
        """Those that stand, of days from ``first`` on, the newest first; ``before`` is the ``_id`` of the
        last one shown."""
        query: Document = {"_id": {"$gte": anomaly_id(first, "")}, "stands": True}
        if before is not None:
            query["_id"]["$lt"] = before
        return await self._database[ANOMALIES].find(query).sort("_id", -1).limit(limit).to_list()


def _end(into: Mapping[str, str], id: str) -> str:
    """Whom an id means, however many merges that takes."""
    for _ in range(len(into)):
        id = into.get(id, id)
    return id


def in_reading(moved: Iterable[Moved], reading: Reading) -> list[Moved]:
    """Of these, read after it, those that are in its sums."""
    versions = dict(reading.versions)
    return [one for one in moved if one.version < versions.get(one.partition, 0)]
