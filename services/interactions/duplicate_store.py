"""The queries about customers who may be one person."""

import asyncio
from collections.abc import Iterable

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.duplicates.rows import DuplicateRow
from services.interactions.domain.rows import DUPLICATES
from services.interactions.team_store import before_that
from shared.http.merged import survivor
from shared.merging.rows import MERGED
from shared.runtime.mongo import Document

MOST_OF_ONE = 50
"""Suggestions of one customer that are shown."""


class DuplicateStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def one(self, duplicate_id: str) -> DuplicateRow | None:
        found = await self._database[DUPLICATES].find_one({"_id": duplicate_id})
        return None if found is None else DuplicateRow.read([found])[0]

    async def listed(self, status: str, *, before: str | None, limit: int) -> list[DuplicateRow]:
        """Those of a status, the last suggested first; ``before`` is the ``order`` of the last one shown."""
        query = {"status": status} | before_that(before)
        found = self._database[DUPLICATES].find(query).sort("order", -1).limit(limit)
        return DuplicateRow.read(await found.to_list())

    async def of(self, customer_ids: Iterable[str], status: str) -> list[DuplicateRow]:
        """Those of a customer, under any of the ids that they have, the last suggested first."""
        rows = self._database[DUPLICATES]
        asked = [
            rows.find({side: id, "status": status}).limit(MOST_OF_ONE).to_list()
            for id in customer_ids
            for side in ("customer", "other")
        ]
        read = {row.key: row for some in await asyncio.gather(*asked) for row in DuplicateRow.read(some)}
        return sorted(read.values(), key=lambda row: row.order, reverse=True)[:MOST_OF_ONE]

    async def survivors(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """Whom each of these ids means by now."""
        ids = sorted(set(customer_ids))
        query = {"_id": {"$in": ids}}
        moved = [row["_id"] for row in await self._database[MERGED.name].find(query).to_list()] if ids else []
        now = await asyncio.gather(*(survivor(self._database, id) for id in moved))
        return {id: id for id in ids} | dict(zip(moved, now, strict=True))
