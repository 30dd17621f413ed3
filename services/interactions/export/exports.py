"""Exports as they are kept, for a day: a row that says how far one is, and a row for each piece of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.rows import EXPORTS
from shared.http.held import COPIED
from shared.runtime.mongo import Document

KEPT = timedelta(hours=24)
SILENT = timedelta(minutes=2)
"""After so long without a sign whoever made it has died."""
PIECES_AT_ONCE = 4

Status = Literal["making", "ready", "failed"]
Format = Literal["json", "html"]


@dataclass(frozen=True, slots=True)
class Export:
    """How far an export is."""

    id: str
    customer_id: str
    by: str
    """Who asked for it."""
    asked_at: datetime
    heard_at: datetime
    status: Status = "making"
    rows: int = 0
    why: str | None = None
    """Of one that failed: what was away, or went wrong."""

    def stands(self, now: datetime) -> "Export":
        """As it is by now: nobody makes one any more of which nothing was heard for long."""
        if self.status != "making" or now - self.heard_at < SILENT:
            return self
        why = "the process that made it has stopped"
        return Export(
            self.id, self.customer_id, self.by, self.asked_at, self.heard_at, "failed", self.rows, why
        )


class Exports:
    """Reads and writes collection ``exports``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._exports = database[EXPORTS]

    async def begin(self, export: Export) -> None:
        """It is being made. With each that comes, those go whose time is over."""
        await self._exports.delete_many({"until": {"$lt": export.asked_at}})
        await self.tell(export)

    async def tell(self, export: Export) -> None:
        """How far it is by now."""
        document = {
            "_id": export.id,
            "customer": export.customer_id,
            "by": export.by,
            "asked_at": export.asked_at,
            "heard_at": export.heard_at,
            "status": export.status,
            "rows": export.rows,
            "why": export.why,
            "until": export.asked_at + KEPT,
        }
        await self._exports.replace_one({"_id": export.id}, document, upsert=True)

    async def put(self, export: Export, format: Format, place: str, text: str) -> None:
        """A piece of it: ``place`` orders those of a format."""
        document = {
            "_id": f"{export.id}/{format}/{place}",
            "customer": export.customer_id,
            "until": export.asked_at + KEPT,
            COPIED: text,
        }
        await self._exports.replace_one({"_id": document["_id"]}, document, upsert=True)

    async def find(self, id: str, now: datetime) -> Export | None:
        """None for one that there is not, or no more."""
        found = await self._exports.find_one({"_id": id})
        if found is None or "status" not in found or found["until"] < now:
            return None
        return Export(
            id,
            found["customer"],
            found["by"],
            found["asked_at"],
            found["heard_at"],
            found["status"],
            found["rows"],
            found["why"],
        ).stands(now)

    async def text(self, id: str, format: Format) -> AsyncIterator[str]:
        """Its pieces, in their order."""
        first = f"{id}/{format}/"
        query = {"_id": {"$gte": first, "$lt": f"{id}/{format}0"}}  # "0" is the character after "/"
        async for piece in self._exports.find(query, batch_size=PIECES_AT_ONCE).sort("_id", 1):
            yield piece[COPIED]

    async def forget(self, id: str) -> None:
        """The export, and its pieces."""
        await self._exports.delete_many({"_id": {"$gte": id, "$lt": f"{id}0"}})
