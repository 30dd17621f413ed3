"""Metrics' database as the API reads it. What the collections hold: ``domain/rows.py``."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import TypeVar, cast

from fastapi import FastAPI
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.cells import LEVELS, Minutes, add_minutes
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.days import Day, K
from services.metrics.domain.days import Days as AnyDays
from services.metrics.domain.fits import Fit
from services.metrics.domain.places import ALL, LIMITS, Selection, unescape, value_of
from services.metrics.domain.rows import (
    day_id,
    day_of_id,
    first_id,
    fit_of,
    hour_of_id,
    unpack_minutes,
    unpack_tail,
)
from services.metrics.domain.state import Customer
from services.metrics.domain.sums import Days, Standing, Sums, Versions, by_place, days_in
from services.metrics.folds_store import FoldsStore
from services.metrics.records_store import records_of
from shared.runtime.mongo import Document

KEPT_SELECTIONS = 32
"""Days of so many selections stay in memory, those read last (README: memory)."""
KEPT_ANSWERS = 256
"""What was computed of so many windows stays in memory, those asked for last."""
FEW = 64
"""So many documents are asked for by name; more as a range of days."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """The cells of some days, or minutes, summed over partitions and over what was asked for."""

    days: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Day, or minute -> field -> count."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """How each of ``LEVELS`` stands now."""
    versions: Versions = ()
    """While these stand, another reading finds the same."""
    kept: Sums | None = field(default=None, compare=False)
    """What it was read of."""

    def counted(self, key: Hashable, count: Callable[[AnyDays], Mapping[K, int]]) -> Mapping[K, int]:
        """``days.Counted`` of its days; of what is kept, while that stands as it was read."""
        if self.kept is not None and self.kept.versions == self.versions:
            return self.kept.counted(key, count)
        return count(self.days)


class MetricsStore:
    """Every query of the API. What was read is kept (``domain/sums.py``): as long as no partition was
    written, a reading costs one small query. PyMongo's errors pass through."""

    READ_AGAIN = 5

    def __init__(self, database: AsyncDatabase[Document], policy: ChurnPolicy | None = None) -> None:
        """``policy``: by which it is told who left; without it as the one that ships says."""
        self.policy = policy or ChurnPolicy()
        self._db = database
        self._standing = Standing()
        self._kept: OrderedDict[tuple[Selection, bool], Sums] = OrderedDict()
        self._folded = FoldsStore(database)
        self._answers: OrderedDict[Hashable, tuple[Versions, object]] = OrderedDict()
        self._lock = asyncio.Lock()

    def remembered(self, reading: Reading, key: Hashable, compute: Callable[[], T]) -> T:
        """What is computed of a reading: once, as long as no partition was written. ``key`` names what was
        asked for, and what of."""
        versions, answer = self._answers.get(key, ((), None))
        if versions and versions == reading.versions:
            self._answers.move_to_end(key)
            return cast(T, answer)
        found = compute()
        self._answers[key] = reading.versions, found
        self._answers.move_to_end(key)
        if len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        return found

    async def read(
        self, first: int, selected: Selection = ALL, *, gaps: bool = False, back: int = 0
    ) -> Reading:
        """The days from ``first`` on, and so many before it, of what is selected; ``gaps`` with the fields
        that a window needs which has ended."""
        first -= back
        versions = await self._versions()
        kept = self._kept.get((selected, gaps))
        if kept is None or kept.first > first or kept.versions != versions:
            async with self._lock:
                kept = await self._read(first, selected, gaps)
        self._kept.move_to_end((selected, gaps))
        days = kept.with_tails
        if kept.first < first:
            days = {day: fields for day, fields in days.items() if day >= first}
        return Reading(days, kept.levels, kept.versions, kept)

    async def by_dimension(
        self, first: int, dimension: str, *, today: int, gaps: bool = False, back: int = 0
    ) -> dict[str, Reading]:
        """What happened from day ``first`` on, by the values of a dimension that are told apart; ``gaps`` and
        ``back`` as for ``read``. Without them all days up to ``today`` are one. Nothing of it is kept."""
        collections = ("days", "gaps") if gaps else ("days",)
        for _ in range(self.READ_AGAIN):
            standing = _standing(await self._db["partitions"].find({}).to_list())
            by: dict[str, Days] = {}
            for collection in collections:
                async for document in self._db[collection].find({"_id": {"$gte": first_id(first - back)}}):
                    day = day_of_id(document["_id"])
                    day = day if gaps or day > today else first
                    for place, counts in document.get("cells", {}).items():
                        _add(by, value_of(place, dimension), day, counts)
            if await self._folds() == standing.folds:
                break
        for tail in standing.tails:
            for place, changes in tail.items():
                for day, name, n in changes:
                    if day >= first - back:
                        _add(by, value_of(place, dimension), day if gaps or day > today else first, {name: n})
                    elif name in LEVELS:
                        _add(by, value_of(place, dimension), first, {})
        for places in (of for levels in standing.levels for of in levels.values()):
            for place in places:
                _add(by, value_of(place, dimension), first, {})
        return {
            value: Reading(
                days={day: Day.of(fields) for day, fields in days.items()},
                levels=standing.levels_of(Selection(**{dimension: value}).chooses()),
            )
            for value, days in by.items()
        }

    async def minutes(self, first: int) -> Reading:
        """The minutes from ``first`` on: of everything, as they have no places."""
        for _ in range(self.READ_AGAIN):
            partitions = await self._db["partitions"].find({}).to_list()
            found: Minutes = {}
            async for document in self._db["minutes"].find({}):
                hour = hour_of_id(document["_id"])
                if hour >= first // 60:
                    minutes = {hour * 60 + int(minute): of for minute, of in document["cells"].items()}
                    add_minutes(found, minutes)
            if _folds(partitions) == await self._folds():
                break
        for document in partitions:
            add_minutes(found, unpack_minutes(bytes(document.get("minutes", b""))))
        levels = _standing(partitions).levels_of(ALL.chooses())
        return Reading({minute: fields for minute, fields in found.items() if minute >= first}, levels)

    async def dimensions(self) -> dict[str, list[str]]:
        """Of each dimension the values that are told apart, by name."""
        found: dict[str, list[str]] = {name: [] for name in LIMITS}
        async for row in self._db["dimensions"].find({}):
            found.setdefault(row["_id"].partition(":")[0], []).append(row["value"])
        return {name: sorted(values) for name, values in found.items()}

    async def customer(self, customer_id: str) -> tuple[str, Customer] | None:
        """Whom the id means by now, and the record, if there is one."""
        return (await records_of(self._db, [customer_id])).get(customer_id)

    async def fits(self) -> list[Fit]:
        """Of all models."""
        return [fit_of(row) async for row in self._db["models"].find({})]

    async def segments(self) -> tuple[dict[str, tuple[int, int]], list[int | None]]:
        """Customers and the sum of their scores by segment, and of each partition the night as of which all
        were looked at."""
        sizes: dict[str, tuple[int, int]] = {}
        nights: list[int | None] = []
        async for document in self._db["partitions"].find({}, {"segments": 1, "sweep": 1}):
            nights.append(document.get("sweep", {}).get("done"))
            for name, counts in document.get("segments", {}).items():
                customers, score = sizes.get(unescape(name), (0, 0))
                sizes[unescape(name)] = customers + counts["customers"], score + counts["score"]
        return sizes, nights

    async def _read(self, first: int, selected: Selection, gaps: bool) -> Sums:
        key = (selected, gaps)
        kept, standing = self._kept.get(key), await self._stands()
        folded = None
        if kept is not None and kept.first <= first:
            folded = await self._folded.since(kept.folds, standing.folds)
        if kept is None or folded is None:
            kept, standing = await self._anew(first, selected, gaps)
        else:
            kept.fold(folded, standing.folds)
        kept.stand(standing)
        self._kept[key] = kept
        while len(self._kept) > KEPT_SELECTIONS:
            self._kept.popitem(last=False)
        return kept

    async def _anew(self, first: int, selected: Selection, gaps: bool) -> tuple[Sums, Standing]:
        """All days from ``first`` on."""
        read: Days = {}
        standing, doubtful = await self._stands(), None
        for _ in range(self.READ_AGAIN):
            for collection in ("days", "gaps") if gaps else ("days",):
                await self._sum(read, collection, first, doubtful, standing.folds, selected)
            before, standing = standing, await self._stands()
            if standing.folds == before.folds:
                break
            # What was folded while we read is in the days that we read, or is not: these are read again.
            folded = await self._folded.since(before.folds, standing.folds)
            doubtful = None if folded is None else days_in(folded)
            for day in [*read] if doubtful is None else doubtful:
                read.pop(day, None)
        return Sums.read(first, selected.chooses(), gaps, standing.folds, read), standing

    async def _stands(self) -> Standing:
        if not self._standing.versions or self._standing.versions != await self._versions():
            self._standing = _standing(await self._db["partitions"].find({}).to_list())
        return self._standing

    async def _sum(
        self,
        total: Days,
        collection: str,
        first: int,
        stale: set[int] | None,
        partitions: Iterable[int],
        selected: Selection,
    ) -> None:
        """Add documents to the total, in place: of the days that are stale, or all from ``first`` on."""
        names = [day_id(day, partition) for day in stale or () for partition in partitions]
        query: Document = {"_id": {"$gte": first_id(first)}}
        if stale and len(names) <= FEW:
            query = {"_id": {"$in": names}}
        elif stale:
            query = {"_id": {"$gte": first_id(min(stale)), "$lt": first_id(max(stale) + 1)}}
        chosen, one = selected.chooses(), selected.place
        projection = None if one is None else {f"cells.{one}": 1}
        async for document in self._db[collection].find(query, projection):
            day = day_of_id(document["_id"])
            if day < first or (stale and day not in stale):
                continue
            fields = total.setdefault(day, {})
            for place, counts in document.get("cells", {}).items():
                if chosen(place):
                    for name, n in counts.items():
                        name = intern(name)  # else each day would have names of its own
                        fields[name] = fields.get(name, 0) + n

    async def _versions(self) -> Versions:
        found = await self._db["partitions"].find({}, {"writes": 1}).to_list()
        return tuple(sorted((document["_id"], document.get("writes", 0)) for document in found))

    async def _folds(self) -> dict[int, int]:
        return _folds(await self._db["partitions"].find({}, {"folds": 1}).to_list())


def _add(by: dict[str, Days], value: str | None, day: int, counts: Mapping[str, int]) -> None:
    if value is not None:
        fields = by.setdefault(value, {}).setdefault(day, {})
        for name, n in counts.items():
            fields[name] = fields.get(name, 0) + n


def store_of(app: FastAPI) -> MetricsStore:
    """The app's one store, with what it keeps."""
    state = app.state
    if not hasattr(state, "store"):
        state.store = MetricsStore(state.database, state.policy.churn)
    store: MetricsStore = state.store
    return store


def _standing(partitions: Iterable[Document]) -> Standing:
    documents = [*partitions]
    return Standing(
        tuple(sorted((document["_id"], document.get("writes", 0)) for document in documents)),
        _folds(documents),
        [by_place(unpack_tail(bytes(document.get("tail", b"")))) for document in documents],
        [{level: document.get(level, {}) for level in LEVELS} for document in documents],
    )


def _folds(partitions: Iterable[Document]) -> dict[int, int]:
    return {document["_id"]: document.get("folds", 0) for document in partitions}
