"""What the desk's pages ask of the store beside what the API does. Each is one range of one index."""

import asyncio
from collections.abc import Mapping, Sequence

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.rows import COMPLAINTS, TIMELINE, ComplaintRow, TimelineRow, sort_key
from services.interactions.person_store import rows_before
from services.interactions.remembered import Remembered
from services.interactions.team_store import AT_ONCE, given
from shared.runtime.mongo import Document
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import Micros


class DeskStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document], remembered: Remembered | None = None) -> None:
        self._database = database
        self._remembered = remembered or Remembered()

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
        complaints, where = self._database[COMPLAINTS], given({"assignee": assignee})
        before = None if until is None else sort_key(until + 1, "")
        if after is None:
            rows = await self._remembered.reach.first(
                complaints, where, "due", wanted=limit, after="", before=before
            )
            return ComplaintRow.read(rows)
        bounds = {"$gt": after} | given({"$lt": before})
        found = complaints.find({"due": bounds, **where}).sort("due", 1).limit(limit)
        return ComplaintRow.read(await found.to_list())

    async def said_at(self, places: Mapping[str, tuple[str, Micros]]) -> dict[str, TimelineRow]:
        """``places``: a customer and an instant, by a name; by the same, the row of what was said then."""
        known = [uid for place in places.values() if (uid := self._remembered.said.get(place)) is not None]
        told = await self._database[TIMELINE].find({"_id": {"$in": known}}).to_list() if known else []
        rows = {(row.customer_id, row.at): row for row in TimelineRow.read(told)}
        found = await asyncio.gather(*(self._said_at(*one) for one in {*places.values()} - rows.keys()))
        for row in filter(None, found):
            rows[row.customer_id, row.at] = row
            self._remembered.said.keep((row.customer_id, row.at), row.uid)
        return {name: rows[place] for name, place in places.items() if place in rows}

    async def _said_at(self, customer_id: str, at: Micros) -> TimelineRow | None:
        place = {"$gte": f"{customer_id} {sort_key(at, '')}", "$lt": f"{customer_id} {sort_key(at + 1, '')}"}
        query: Document = {"place": place, "type": InteractionLogged.event_type}
        found = await self._database[TIMELINE].find_one(query)
        return None if found is None else TimelineRow.read([found])[0]

    async def happened(
        self,
        ids: Sequence[str],
        types: Sequence[str],
        *,
        channel: str | None = None,
        before: str | None = None,
        limit: int,
    ) -> list[TimelineRow]:
        """A customer's events of these types (all, where none is named), of all their ids, the latest first;
        ``before`` is the ``place`` of the last one shown."""
        wanted: Document = {"type": {"$in": list(types)}} if types else {}
        wanted |= {} if channel is None else {"channel": channel}
        return await rows_before(self._database, ids, wanted, before=before, limit=limit)

    async def at(self, ids: Sequence[str], at: Micros, types: Sequence[str]) -> list[TimelineRow]:
        """A customer's events of these types at an instant, of all their ids."""
        wanted: Document = {"type": {"$in": list(types)}}
        first, last = (f"{ids[0]} {sort_key(when, '')}" for when in (at, at + 1))
        return await rows_before(self._database, ids, wanted, since=first, before=last, limit=AT_ONCE)
