"""All queries of the interactions API. Shaped so that each list is one range of one index."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from services.interactions.domain.people import CustomerRow
from services.interactions.domain.routing.rows import AgentRow
from services.interactions.domain.rows import (
    AGENTS,
    COMPLAINTS,
    CONVERSATIONS,
    CUSTOMERS,
    SEARCH,
    TIMELINE,
    ComplaintRow,
    ConversationRow,
    TimelineRow,
    sort_key,
)
from services.interactions.domain.search import ID, SAMPLES, ranges, thing_key
from services.interactions.person_store import PersonStore
from services.interactions.team_store import before_that, given
from shared.facts.complaints import OPEN_STATUSES
from shared.runtime.mongo import Document
from shared.schemas.times import Micros

LAST_CHARACTER = "\U0010ffff"
MOST_COUNTED = 99
"""Conversations that are counted and not shown: who counts reads each."""


class Queued(NamedTuple):
    """Conversations that wait."""

    rows: list[ConversationRow]
    """Those that are shown."""
    number: int
    """How many there are."""
    more: bool = False
    """There are more than that."""


class InteractionsStore(PersonStore):
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    async def told(
        self, types: Iterable[str], *, since: Micros, until: Micros, before: str | None, limit: int
    ) -> list[TimelineRow]:
        """Rows of these types, of all customers, from ``since`` until before ``until``, newest first;
        ``before`` is the place in time (``sort_key``) of the last one shown."""
        # One range each, as a search has them; each gives the whole page if it must.
        last = sort_key(until, "") if before is None else min(before, sort_key(until, ""))

        async def of_type(type: str) -> list[TimelineRow]:
            query = {"told": {"$gte": f"{type} {sort_key(since, '')}", "$lt": f"{type} {last}"}}
            found = self._database[TIMELINE].find(query).sort("told", -1).limit(limit)
            return TimelineRow.read(await found.to_list())

        rows = chain.from_iterable(await asyncio.gather(*map(of_type, types)))
        return sorted(rows, key=lambda row: sort_key(row.at, row.uid), reverse=True)[:limit]

    async def search(self, text: str, *, before: str | None, limit: int) -> list[CustomerRow]:
        """Customers whom ``text`` may mean, those first seen last first."""
        # One range each: SecantusDB uses no index for $or, $regex or $elemMatch.
        by_id = text.strip().casefold()
        asked = [
            self._with_key(CUSTOMERS, "id_key", _beginning(by_id), before, limit),
            self._with_key(SEARCH, "key", thing_key(text), before, limit),
            *(self._with_key(SEARCH, "key", _beginning(start), before, limit) for start in ranges(text)),
        ]
        found = await _together(asked)
        rows = await self.customer_rows(_latest(found)[:limit])
        return [*{row.customer_id: row for row in rows.values()}.values()]

    async def some(self, text: str, *, limit: int) -> list[CustomerRow]:
        """As a search that answers letter by letter needs them: where very many are meant, some of them, so
        that the first letters cost no more than the last. Whoever has the text as an id comes first."""
        by_id = text.strip().casefold()
        for start, _ in SAMPLES:
            asked = (_beginning(start + one) for one in (ID + by_id, *ranges(text)))
            drawn = [self._with_key(SEARCH, "key", wanted, None, limit) for wanted in asked]
            found = await _together(drawn)
            if len(found) >= limit:
                named = await _together(
                    [
                        self._with_key(CUSTOMERS, "id_key", by_id, None, limit),
                        self._with_key(SEARCH, "key", thing_key(text), None, limit),
                    ]
                )
                ids = [*dict.fromkeys((*_latest(named), *_latest(found)))][:limit]
                rows = await self.customer_rows(ids)
                return [*{rows[id].customer_id: rows[id] for id in ids if id in rows}.values()]
        return await self.search(text, before=None, limit=limit)

    async def _with_key(
        self, collection: str, field: str, wanted: Any, before: str | None, limit: int
    ) -> dict[str, str]:
        """Customers who have the key, at least ``limit`` where there are so many, and their places. One may
        have it in many rows, which are of one place."""
        owner = "_id" if collection == CUSTOMERS else "customer"
        found: dict[str, str] = {}
        while True:
            query = {field: wanted} | before_that(before)
            rows = await self._database[collection].find(query).sort("order", -1).limit(limit).to_list()
            found |= {row[owner]: row["order"] for row in rows}
            if len(found) >= limit or len(rows) < limit:
                return found
            before = rows[-1]["order"]

    async def complaints_named(self, complaint_id: str, customer_id: str | None) -> list[ComplaintRow]:
        """The complaints of this id: one, unless two sources gave it to two customers."""
        customer_id = None if customer_id is None else (*await self.ids(customer_id), customer_id)[0]
        query = {"complaint_id": complaint_id} | given({"customer": customer_id})
        return ComplaintRow.read(await self._database[COMPLAINTS].find(query).limit(2).to_list())

    async def complaints(
        self,
        *,
        status: str | None,
        overdue: bool | None,
        assignee: str | None,
        before: str | None,
        limit: int,
    ) -> list[ComplaintRow]:
        """Complaints, the last opened first; ``before`` is the ``order`` of the last one shown."""
        query = given({"status": status, "overdue": overdue, "assignee": assignee}) | before_that(before)
        if status == "waiting":
            query |= {"status": {"$in": sorted(OPEN_STATUSES)}, "waiting": True}
        found = self._database[COMPLAINTS].find(query).sort("order", -1).limit(limit)
        return ComplaintRow.read(await found.to_list())

    async def conversations_named(
        self, conversation_id: str, customer_id: str | None
    ) -> list[ConversationRow]:
        """The conversations of this id: one, unless two sources gave it to two customers."""
        customer_id = None if customer_id is None else (*await self.ids(customer_id), customer_id)[0]
        query = {"conversation_id": conversation_id} | given({"customer": customer_id})
        return ConversationRow.read(await self._database[CONVERSATIONS].find(query).limit(2).to_list())

    async def conversations(
        self,
        *,
        status: str | None,
        team: str | None,
        agent: str | None = None,
        open_only: bool = False,
        before: str | None,
        limit: int,
    ) -> list[ConversationRow]:
        """Conversations that are not part of another, the last begun first; ``before`` is the ``order`` of
        the last one shown."""
        query: Document = (
            {"into": None} | given({"status": status, "team": team, "agent_id": agent}) | before_that(before)
        )
        if open_only:
            query["status"] = {"$in": ["assigned", "waiting"]}
        found = self._database[CONVERSATIONS].find(query).sort("order", -1).limit(limit)
        return ConversationRow.read(await found.to_list())

    async def conversation_rows(self, named: Iterable[tuple[str, str]]) -> dict[str, ConversationRow]:
        """Those of these ids and customers that are not part of another, by key."""
        wanted = set(named)
        ids = sorted({id for id, _ in wanted})
        found = self._database[CONVERSATIONS].find({"conversation_id": {"$in": ids}, "into": None})
        rows = ConversationRow.read(await found.to_list())
        return {row.key: row for row in rows if (row.conversation_id, row.customer_id) in wanted}

    async def queued(self, *, nobodys: bool, limit: int) -> Queued:
        """Conversations that nobody has, the first begun first; ``nobodys``: those alone for which no team
        was asked."""
        query = {"status": "queued"} | ({"team": None} if nobodys else {})
        # Counted as they come: a second question would read them all again.
        rows = await self._remembered.reach.first(
            self._database[CONVERSATIONS],
            query,
            "order",
            wanted=MOST_COUNTED + 1,
            keep=lambda row: row["into"] is None,
        )
        return Queued(
            ConversationRow.read(rows[:limit]), min(len(rows), MOST_COUNTED), len(rows) > MOST_COUNTED
        )

    async def agent(self, agent_id: str) -> AgentRow | None:
        """An agent in the team that has them, or will; None for one never heard of."""
        found = await self._database[AGENTS].find({"agent_id": agent_id, "left": False}).limit(9).to_list()
        rows = AgentRow.read(found)
        return max(rows, key=lambda row: (row.at, row.team), default=None)

    async def agents(self, *, team: str | None, after: str | None, limit: int) -> list[AgentRow]:
        """Agents by their id; ``after`` is that of the last one shown."""
        query: Document = {"left": False} | given({"team": team})
        if after is not None:
            query["agent_id"] = {"$gt": after}
        found = self._database[AGENTS].find(query).sort("agent_id", 1).limit(limit)
        return AgentRow.read(await found.to_list())


async def _together(asked: Iterable[Awaitable[dict[str, str]]]) -> dict[str, str]:
    """What these questions find, each with its place."""
    found: dict[str, str] = {}
    for one in await asyncio.gather(*asked):
        found |= one
    return found


def _latest(found: Mapping[str, str]) -> list[str]:
    """The customers, those first seen last first."""
    return sorted(found, key=lambda id: found[id], reverse=True)


def _beginning(key: str) -> Document:
    return {"$gte": key, "$lt": key + LAST_CHARACTER}
