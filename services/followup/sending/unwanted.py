"""Addresses that nothing is sent to, whoever has them now: they were suppressed when somebody was erased."""

from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.followup.domain.erasing import unwanted_keys
from services.followup.domain.rows import UNWANTED, Delivery


class Unwanted:
    """Of one database. ``key``: what the addresses are hashed with."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], key: bytes) -> None:
        self._rows = database[UNWANTED]
        self._key = key

    async def among(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Why a message is not to go, by its outreach's id, of those that are not."""
        keys = {
            one.outreach_id: unwanted_keys(self._key, one.channel, one.to.address, one.class_ or one.purpose)
            for one in deliveries
        }
        wanted = {"_id": {"$in": [key for its in keys.values() for key in its]}}
        found = {row["_id"]: str(row["why"]) for row in await self._rows.find(wanted).to_list()}
        return {name: found[key] for name, its in keys.items() if (key := next(filter(found.get, its), None))}
