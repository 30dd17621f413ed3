"""Every query of the loyalty API: it reads what the worker wrote and writes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pymongo.asynchronous.database import AsyncDatabase

from services.loyalty.domain.rows import LEDGER, LIABILITY, TOTALS, VOUCHERS, LedgerRow, Sums, ledger_row
from services.loyalty.domain.state import MemberState
from shared.journal.later import read_state
from shared.runtime.mongo import Document


class Member(NamedTuple):
    """A member, whichever id of theirs was asked for."""

    id: str
    state: MemberState


class LoyaltyStore:
    """Reads the database ``rapport_loyalty``."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    async def member(self, customer_id: str) -> Member | None:
        """A member and their state; of one who is another by now, that one. None for a customer who is no
        member."""
        found = await self.customer(customer_id)
        return None if found is None or found.state.enrolled_at is None else found

    async def customer(self, customer_id: str) -> Member | None:
        """Likewise one who may be no member; None for one whom loyalty has not heard of."""
        seen: set[str] = set()
        while customer_id not in seen:
            seen.add(customer_id)
            document = await self._database["state"].find_one({"_id": customer_id})
            if document is None:
                return None
            state = read_state(MemberState, document["data"])
            if state.merging is None or state.merging.moved is None:
                return Member(customer_id, state)
            customer_id = state.merging.moved.into
        return None  # two merges that make a circle: one of them is about to go

    async def ledger(self, customer_id: str, before: int | None, limit: int) -> list[LedgerRow]:
        """Up to ``limit`` entries, newest first, with a ``seq`` below ``before``."""
        wanted: Document = {"member": customer_id}
        if before is not None:
            wanted["seq"] = {"$lt": before}
        found = self._database[LEDGER].find(wanted).sort([("seq", -1)]).limit(limit)
        return [ledger_row(document) for document in await found.to_list()]

    async def entries(self, customer_id: str, through: int) -> list[LedgerRow]:
        """All entries up to the ``seq`` ``through``, oldest first. With the ``seq`` of a state that was
        read before, they are what that state knows of, whatever the worker has written since."""
        wanted = {"member": customer_id, "seq": {"$lte": through}}
        found = self._database[LEDGER].find(wanted).sort([("seq", 1)])
        return [ledger_row(document) for document in await found.to_list()]

    async def booked_in(
        self, customer_id: str, through: int, start: datetime, end: datetime
    ) -> list[LedgerRow]:
        """The entries booked in [start, end) and the last one before, oldest first; see ``entries``."""
        mine = {"member": customer_id, "seq": {"$lte": through}}
        ledger = self._database[LEDGER]
        earlier = ledger.find({**mine, "booked_at": {"$lt": start}}).sort([("seq", -1)]).limit(1)
        inside = ledger.find({**mine, "booked_at": {"$gte": start, "$lt": end}}).sort([("seq", 1)])
        found = [*await earlier.to_list(), *await inside.to_list()]
        return [ledger_row(document) for document in found]

    async def voucher_owner(self, code: str) -> str | None:
        """The member whose voucher this is."""
        row = await self._database[VOUCHERS].find_one({"_id": code}, {"member": 1})
        return str(row["member"]) if row else None

    async def used(self, counters: Sequence[str]) -> dict[str, int]:
        """How much is taken of these shared counters; those never used are not among them."""
        rows = await self._database["counters"].find({"_id": {"$in": list(counters)}}).to_list()
        return {row["_id"]: int(row["used"]) for row in rows}

    async def liability(self) -> Sums:
        """Month of expiry -> {outstanding, pending}."""
        return await self._sums(LIABILITY)

    async def totals(self) -> Sums:
        """``points`` -> signed points by kind of entry, and ``debt``; ``tier gold`` -> {members}."""
        return await self._sums(TOTALS)

    async def _sums(self, collection: str) -> Sums:
        """Over partitions, each of which has its own document for a key."""
        found: Sums = {}
        for row in await self._database[collection].find({}).to_list():
            sums = found.setdefault(row["key"], {})
            for name in row.keys() - {"_id", "key"}:
                sums[name] = sums.get(name, 0) + int(row[name])
        return found
