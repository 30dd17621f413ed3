"""All queries of the interactions API. Shaped so that each list is one range of one index."""

from collections.abc import Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.rows import COMPLAINTS, CUSTOMERS, SEARCH_KEYS, search_key
from services.interactions.domain.state import Customer
from services.interactions.domain.timeline import TIMELINE

Document = dict[str, Any]

LAST_CHARACTER = "\U0010ffff"
MAX_HISTORY = 500
"""Steps of a complaint that are shown, the latest."""


class InteractionsStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def customer(self, customer_id: str) -> Customer | None:
        """All that is known of a customer; None for one never seen."""
        found = await self._database["state"].find_one({"_id": customer_id})
        return None if found is None else Customer.model_validate_json(found["data"])

    async def timeline(
        self, customer_id: str, *, channel: str | None, type: str | None, before: str | None, limit: int
    ) -> list[Document]:
        """A customer's rows, newest first; ``before`` is the ``place`` of the last one shown."""
        # A space ends the customer's id, and "!" is the character after the space.
        query: Document = {"place": {"$gte": f"{customer_id} ", "$lt": before or f"{customer_id}!"}}
        query |= _given({"channel": channel, "type": type})
        return await self._database[TIMELINE].find(query).sort("place", -1).limit(limit).to_list()

    async def search(self, text: str, *, before: str | None, limit: int) -> list[Document]:
        """Customers whose id, name or e-mail begins with ``text``, those first seen last first."""
        key = search_key(text)
        found: dict[str, Document] = {}
        # One range a field: SecantusDB uses no index for $or, $regex or $elemMatch.
        for field in SEARCH_KEYS:
            query: Document = {field: {"$gte": key, "$lt": key + LAST_CHARACTER}} | _before(before)
            rows = await self._database[CUSTOMERS].find(query).sort("order", -1).limit(limit).to_list()
            found |= {row["_id"]: row for row in rows}
        return sorted(found.values(), key=lambda row: str(row["order"]), reverse=True)[:limit]

    async def complaints_named(self, complaint_id: str, customer_id: str | None) -> list[Document]:
        """The complaints of this id: one, unless two sources gave it to two customers."""
        query = {"complaint_id": complaint_id} | _given({"customer": customer_id})
        return await self._database[COMPLAINTS].find(query).limit(2).to_list()

    async def complaints(
        self,
        *,
        status: str | None,
        overdue: bool | None,
        assignee: str | None,
        before: str | None,
        limit: int,
    ) -> list[Document]:
        """Complaints, the last opened first; ``before`` is the ``order`` of the last one shown."""
        query = _given({"status": status, "overdue": overdue, "assignee": assignee}) | _before(before)
        return await self._database[COMPLAINTS].find(query).sort("order", -1).limit(limit).to_list()

    async def complaint_history(self, customer_id: str, complaint_id: str) -> list[Document]:
        """The timeline rows of a complaint, in the order in which they took effect."""
        query = {
            "place": {"$gte": f"{customer_id} ", "$lt": f"{customer_id}!"},
            "complaint_id": complaint_id,
        }
        rows = await self._database[TIMELINE].find(query).sort("place", -1).limit(MAX_HISTORY).to_list()
        return sorted(rows, key=lambda row: int(row["step"]))


def _given(wanted: Mapping[str, Any]) -> Document:
    return {name: value for name, value in wanted.items() if value is not None}


def _before(place: str | None) -> Document:
    return {} if place is None else {"order": {"$lt": place}}
