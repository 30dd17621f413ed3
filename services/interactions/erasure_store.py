"""The queries about erasures."""

import asyncio
from collections.abc import Collection, Iterable
from time import monotonic

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from services.interactions.domain.erasing.rows import ErasureRow
from services.interactions.domain.rows import ERASURES
from services.interactions.team_store import before_that
from shared.facts.erased import ERASED_IDS, ERASING, erased_hash
from shared.runtime.mongo import Document
from shared.schemas.services import SERVICES
from shared.schemas.times import Micros

MOST_WAITING = 10_000
"""Erasures that are looked at for how long services have been waited for, the oldest."""

LOOK_S, AWAY_S = 1.0, 15.0
"""So long ``ErasedIds`` waits for the store, and so long it does not ask again where that was in vain."""


class _Round:
    """Hashes that are asked for together, and what was found of them."""

    def __init__(self) -> None:
        self.hashes: set[str] = set()
        self.found: frozenset[str] | None = None


class ErasedIds:
    """Which ids have been erased, for an answer that needs not say so. Of one process."""

    def __init__(self, database: AsyncDatabase[Document], key: bytes) -> None:
        """``key``: the erasure key."""
        self._erased = database[ERASED_IDS]
        self._key = key
        self._asks_from = 0.0
        self._next: _Round | None = None
        self._one_at_a_time = asyncio.Lock()

    async def among(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of them that have been erased, by one read, which all share who ask while another is under
        way; nobody where the store does not say it soon: what is told goes into the log while the store is
        away."""
        hashes = {erased_hash(self._key, id): id for id in set(ids)}
        if not hashes or monotonic() < self._asks_from:
            return frozenset()
        mine = self._next = self._next or _Round()
        mine.hashes.update(hashes)
        async with self._one_at_a_time:
            if mine.found is None:
                self._next = None  # who comes from now on has to be asked for anew
                mine.found = await self._read(mine.hashes)
        return frozenset(id for hash, id in hashes.items() if hash in mine.found)

    async def _read(self, hashes: Collection[str]) -> frozenset[str]:
        if monotonic() < self._asks_from:
            return frozenset()
        try:
            async with asyncio.timeout(LOOK_S):
                found = self._erased.find({"_id": {"$in": [*hashes]}}, batch_size=len(hashes) + 1)
                return frozenset(one["_id"] for one in await found.to_list())
        except (PyMongoError, TimeoutError):
            self._asks_from = monotonic() + AWAY_S
            return frozenset()


class ErasureStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def one(self, erasure: str) -> ErasureRow | None:
        """None where nobody of this hash has been erased. What services say of it is noted later: until the
        first word there are no entries, and never where its tombstone alone came, by an import."""
        found = await self._database[ERASURES].find_one({"_id": erasure})
        if found is not None:
            return ErasureRow.read([found])[0]
        if await self._database[ERASED_IDS].find_one({"_id": erasure}) is None:
            return None
        begun = await self._database[ERASING].find_one({"_id": erasure}, {"_id": 1}) is not None
        return ErasureRow(erasure=erasure, order="", entries=[], missing=[*SERVICES] if begun else None)

    async def listed(self, *, waiting: bool, before: str | None, limit: int) -> list[ErasureRow]:
        """The last one first, all or those that wait; ``before`` is the ``order`` of the last one shown."""
        query = before_that(before) | ({"waiting": {"$gt": 0}} if waiting else {})
        found = self._database[ERASURES].find(query).sort("order", -1).limit(limit)
        return ErasureRow.read(await found.to_list())

    async def waiting_since(self) -> dict[str, Micros | None]:
        """By service, since when that erasure waits for it which has waited the longest; None: none does."""
        since: dict[str, Micros | None] = dict.fromkeys(SERVICES)
        rows = self._database[ERASURES].find({"waiting": {"$gt": 0}}).sort("waiting", 1).limit(MOST_WAITING)
        async for document in rows:
            row = ErasureRow.read([document])[0]
            for service in row.missing or ():
                if since.get(service) is None:
                    since[service] = row.waiting
            if None not in since.values():
                break
        return since
