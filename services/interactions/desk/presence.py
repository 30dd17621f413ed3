"""Who is on a conversation just now. It is no fact of the customer: the API alone keeps it, for seconds."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.rows import PRESENCE
from shared.runtime.mongo import Document

PRESENT = "present/"
"""How the names of what pages watch begin, where it is who is on a customer's conversations."""
Doing: TypeAlias = Literal["reading", "answering"]
LASTING = timedelta(seconds=30)
"""Whoever is there says so more often than this."""


class Here(NamedTuple):
    """An agent who is on a conversation."""

    conversation_id: str
    agent_id: str
    name: str
    doing: Doing


class Presence:
    """Reads and writes collection ``presence``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._presence = database[PRESENCE]

    async def say(self, customer_id: str, here: Here, now: datetime) -> None:
        """They are there, for ``LASTING``. With whoever comes, those go who have not been heard of for
        long."""
        document = {
            "customer": customer_id,
            "conversation": here.conversation_id,
            "agent": here.agent_id,
            "name": here.name,
            "doing": here.doing,
            "until": now + LASTING,
        }
        one = {"_id": _key(customer_id, here)}
        if (await self._presence.replace_one(one, document, upsert=True)).matched_count == 0:
            await self._forget(now)

    async def leave(self, customer_id: str, here: Here, now: datetime) -> None:
        """They have gone; and so has everybody who has not been heard of for long."""
        await self._presence.delete_one({"_id": _key(customer_id, here)})
        await self._forget(now)

    async def forget(self, customer_id: str) -> None:
        """Nobody is on the customer's conversations."""
        await self._presence.delete_many({"customer": customer_id})

    async def _forget(self, now: datetime) -> None:
        await self._presence.delete_many({"until": {"$lt": now}})

    async def here(self, customers: Iterable[str], now: datetime) -> Mapping[str, frozenset[Here]]:
        """Who is on whose conversations: each customer has an entry."""
        found: dict[str, set[Here]] = {id: set() for id in customers}
        async for one in self._presence.find({"customer": {"$in": sorted(found)}}):
            if one["until"] > now:
                here = Here(one["conversation"], one["agent"], one["name"], one["doing"])
                found[one["customer"]].add(here)
        return {id: frozenset(those) for id, those in found.items()}


def _key(customer_id: str, here: Here) -> str:
    return f"{here.conversation_id} {customer_id} {here.agent_id}"
