"""What the API reads from the service's database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.followup.domain.deliverability.heard import RECEIPTS as WHATS
from services.followup.domain.gate.sender import Asked, Found
from services.followup.domain.results.book import WAITING, Account, Place, book
from services.followup.domain.results.cells import RESULTS, Cell, between
from services.followup.domain.rows import CEILINGS, COLLECTION, PACE, PAUSES, RECEIPTS, receipt_key
from services.followup.domain.state import Customer
from services.followup.models.outreach import OutreachAnswer, Row
from shared.facts.erased import erased_hash
from shared.journal.erasing import ERASED_IDS
from shared.journal.later import read_state
from shared.schemas.times import micros

SHOWN = dict.fromkeys((*OutreachAnswer.model_fields, "_id", "not_before", "held"), True)
UNDECIDED = ("scheduled", "ready")
"""The statuses of rows that may be shown as waiting, or not."""
MOST_UNDECIDED = 1000
MOST_AHEAD = 100_000
"""As many as are counted: what is behind more has a long time to wait."""


class FollowupStore:
    """Queries on one database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], erased_by: bytes) -> None:
        """``erased_by``: what erased customers' ids are hashed with."""
        self._database = database
        self._erased_by = erased_by

    async def customer(self, customer_id: str) -> Customer | None:
        """The state of a customer, of one who was merged their survivor's; None if never seen."""
        known: set[str] = set()
        while customer_id not in known:  # merges that make a circle, until one of them goes
            known.add(customer_id)
            found = await self._database["state"].find_one({"_id": customer_id})
            if found is None:
                return None
            state = read_state(Customer, found["data"])
            moved = None if state.merging is None else state.merging.moved
            if moved is None:
                break
            customer_id = moved.into
        return state

    async def is_erased(self, customer_id: str) -> bool:
        """Whether they were known once, and are to be no more."""
        hash = erased_hash(self._erased_by, customer_id)
        return await self._database[ERASED_IDS.name].find_one({"_id": hash}) is not None

    async def outreach(
        self,
        customer_ids: Sequence[str],
        *,
        status: str | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> list[Row]:
        """The outreach of a customer, by all their ids, the latest due first, after the one due ``before``
        with that id. Of statuses that depend on what holds a message (``waiting``, ``scheduled``, ``ready``)
        all that may have it."""
        whose = customer_ids[0] if len(customer_ids) == 1 else {"$in": list(customer_ids)}
        query: dict[str, Any] = {"customer": whose}
        if status == "waiting" or status in UNDECIDED:
            query["status"], limit = {"$in": list(UNDECIDED)}, MOST_UNDECIDED
        elif status is not None:
            query["status"] = status
        if before is not None:
            due_at, outreach_id = before
            query["$or"] = [{"due_at": {"$lt": due_at}}, {"due_at": due_at, "_id": {"$lt": outreach_id}}]
        cursor = (
            self._database[COLLECTION].find(query, SHOWN).sort([("due_at", -1), ("_id", -1)]).limit(limit)
        )
        found = {row["_id"]: row | {"outreach_id": row["_id"]} for row in await cursor.to_list()}
        names = [receipt_key(outreach_id, what) for outreach_id in found for what in WHATS]
        async for receipt in self._database[RECEIPTS].find({"_id": {"$in": names}}):
            outreach_id, _, what = receipt["_id"].partition(" ")
            told = {f"{what}_at": receipt["at"]}
            if what == "bounced":
                told |= {"bounce_kind": receipt.get("kind"), "bounce_code": receipt.get("code")}
            found[outreach_id] |= told
        return [Row.model_validate(row) for row in found.values()]

    async def sending(self, asked: Asked, now: datetime, before: datetime) -> Found:
        """What the senders' books say of a message that was ready ``before`` then."""
        ready = {"status": "ready", "channel": asked.channel, "not_before": {"$lt": before}}
        pace = await self._database[PACE].find_one({"_id": asked.channel})
        found = Found(
            pace=None if pace is None else int(pace["at"]),
            ahead=await self._database[COLLECTION].count_documents(ready, limit=MOST_AHEAD),
        )
        if asked.domain is None:
            return found
        pause = await self._database[PAUSES].find_one({"_id": f"{asked.rule} {asked.domain}"})
        today = f"{now.astimezone(UTC).date().isoformat()} {asked.sender}"
        taken = await self._database[CEILINGS].find_one({"_id": today})
        if pause is not None:
            found = replace(found, paused_until=micros(pause["until"]), paused_for=str(pause["why"]))
        return found if taken is None else replace(found, taken=int(taken["sent"]))

    async def results(self, rule: str, since: date, until: date) -> dict[Cell, Counter[str]]:
        """What is counted of a rule's messages that are due from ``since`` until before ``until``, and of
        people whom it applied to then. The sums of all partitions."""
        first, last = between(rule, since, until)
        found: dict[Cell, Counter[str]] = {}
        async for row in self._database[RESULTS].find({"key": {"$gte": first, "$lt": last}}):
            cell = Cell.read(row["key"])
            if cell is not None:
                found.setdefault(cell, Counter()).update(_sums(row))
        return found

    async def book(self, since: date, until: date) -> dict[Place, Account]:
        """What has become of the messages that are due from ``since`` until before ``until``, as it stood at
        one instant."""
        first, last = (datetime.combine(day, time(), UTC) for day in (since, until))
        due = {"status": {"$in": list(WAITING)}, "due_at": {"$gte": first, "$lt": last}}
        day = {"$dateToString": {"format": "%Y-%m-%d", "date": "$due_at"}}
        waits = [{"$match": due}, {"$group": {"_id": {"rule": "$rule", "day": day}, "n": {"$sum": 1}}}]
        sums: dict[Cell, Counter[str]] = {}
        async with self._database.client.start_session() as session, await session.start_transaction():
            async for row in self._database[RESULTS].find({}, session=session):
                cell = Cell.read(row["key"])
                if cell is not None and f"{since}" <= cell.day < f"{until}":
                    sums.setdefault(cell, Counter()).update(_sums(row))
            waiting = await (await self._database[COLLECTION].aggregate(waits, session=session)).to_list()
        return book(sums, {(row["_id"]["rule"], row["_id"]["day"]): row["n"] for row in waiting})

    async def owner(self, outreach_id: str) -> str | None:
        """The customer of a message, None if there is no such message."""
        row = await self._database[COLLECTION].find_one({"_id": outreach_id}, {"customer": True})
        return row["customer"] if row else None


def _sums(row: Mapping[str, Any]) -> dict[str, int]:
    """What a document counts."""
    return {name: n for name, n in row.items() if name not in ("_id", "key")}
