"""What the desk's pages ask of the store beside what the API does. Each is one range of one index."""

import asyncio
from collections.abc import Mapping, Sequence

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.rows import COMPLAINTS, TIMELINE, ComplaintRow, TimelineRow, sort_key
from shared.runtime.mongo import Document
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import Micros


class DeskStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def board(
        self,
        *,
        assignee: str | None = None,
        after: str | None = None,
        until: Micros | None = None,
        limit: int,
    ) -> list[ComplaintRow]:
        """Open complaints by what was due first or will be; ``after`` is the ``due`` of the last one shown,
        ``until`` leaves out what falls due later."""
        bounds = {"$gt": after or ""} | ({} if until is None else {"$lt": sort_key(until + 1, "")})
        query: Document = {"due": bounds} | ({} if assignee is None else {"assignee": assignee})
        found = self._database[COMPLAINTS].find(query).sort("due", 1).limit(limit)
        return ComplaintRow.read(await found.to_list())

    async def said_at(self, places: Mapping[str, tuple[str, Micros]]) -> dict[str, TimelineRow]:
        """``places``: a customer and an instant, by a name; by the same, the row of what was said then."""
        found = await asyncio.gather(*(self._said_at(*place) for place in places.values()))
        return {name: row for name, row in zip(places, found, strict=True) if row is not None}

    async def _said_at(self, customer_id: str, at: Micros) -> TimelineRow | None:
        place = {"$gte": f"{customer_id} {sort_key(at, '')}", "$lt": f"{customer_id} {sort_key(at + 1, '')}"}
        query: Document = {"place": place, "type": InteractionLogged.event_type}
        found = await self._database[TIMELINE].find_one(query)
        return None if found is None else TimelineRow.read([found])[0]

    async def happened(
        self,
        customer_id: str,
        types: Sequence[str],
        *,
        channel: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> list[TimelineRow]:
        """A customer's events of these types (all, where none is named), the latest first; ``before`` is the
        ``place`` of the last one shown."""
        query: Document = {"place": {"$gte": f"{customer_id} ", "$lt": before or f"{customer_id}!"}}
        query |= {"type": {"$in": list(types)}} if types else {}
        query |= {} if channel is None else {"channel": channel}
        found = self._database[TIMELINE].find(query).sort("place", -1).limit(limit)
        return TimelineRow.read(await found.to_list())

    async def at(self, customer_id: str, at: Micros, types: Sequence[str]) -> list[TimelineRow]:
        """A customer's events of these types at an instant."""
        place = {"$gte": f"{customer_id} {sort_key(at, '')}", "$lt": f"{customer_id} {sort_key(at + 1, '')}"}
        found = self._database[TIMELINE].find({"place": place, "type": {"$in": list(types)}})
        return TimelineRow.read(await found.to_list())
