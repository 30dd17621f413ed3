"""Every query of the loyalty API: it reads what the worker wrote and writes nothing."""

from collections.abc import Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.loyalty.domain.state import MemberState

INDEXES = {"ledger": ("member,-seq",)}


class LoyaltyStore:
    """Reads the database ``rapport_loyalty``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database

    async def member(self, customer_id: str) -> MemberState | None:
        """The state of a member; None for a customer who is not one."""
        document = await self._database["state"].find_one({"_id": customer_id})
        if document is None:
            return None
        state = MemberState.model_validate(document["data"])
        return state if state.enrolled_at is not None else None

    async def ledger(self, customer_id: str, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Up to ``limit`` entries, newest first, with a ``seq`` below ``before``."""
        wanted: dict[str, Any] = {"member": customer_id}
        if before is not None:
            wanted["seq"] = {"$lt": before}
        return await self._database["ledger"].find(wanted).sort([("seq", -1)]).limit(limit).to_list()

    async def voucher_owner(self, code: str) -> str | None:
        """The member whose voucher this is."""
        row: Mapping[str, Any] | None = await self._database["vouchers"].find_one(
            {"_id": code}, {"member": 1}
        )
        return row["member"] if row else None
