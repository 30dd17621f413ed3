"""What is read of one person, whatever ids they have: of one who was merged it is the survivor's, and the
rows of the past stand under the id that they were told of. A part of ``store.py``."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from heapq import merge
from itertools import chain, islice

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.activity.unusable import (
    UNUSABLE_TYPES,
    Unusable,
    heard_of,
    same_address,
    told_since,
)
from services.interactions.domain.past import PAST_TYPES, PROFILE_TYPES, Past
from services.interactions.domain.people import CustomerRow
from services.interactions.domain.rows import CUSTOMERS, TIMELINE, TimelineRow, sort_key
from services.interactions.domain.state import Customer
from services.interactions.team_store import TeamStore, given
from shared.journal.later import read_state
from shared.runtime.mongo import Document
from shared.schemas.interactions import ConversationNoted, InteractionLogged
from shared.schemas.outreach import OutreachSent
from shared.schemas.times import Micros

MAX_HISTORY = 500
"""Steps of a complaint that are shown, the latest."""
AT_A_TIME = 30
"""Names that are asked for in one question."""
PAST_ROWS = 1_000
"""Rows of a past that are read at once."""
MOST_SENT = 200
"""Messages, and what was heard of them, among which it is looked for addresses that none reaches: the
latest."""
MOST_MERGES = 50
"""Of a chain, that are followed."""
_MERGED = '"merging":{'
"""In the text of a state of whom others, or who, was merged; quotes within texts are escaped."""


class PersonStore(TeamStore):
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    async def customer(self, customer_id: str) -> Customer | None:
        """All that is known of a customer, of one who was merged the survivor; None for one never seen."""
        return await customer_of(self._database, customer_id)

    async def customers(self, ids: Iterable[str]) -> dict[str, Customer]:
        """All that is known of these customers, by id; of one who was merged the survivor."""
        found = await self._database["state"].find({"_id": {"$in": sorted(set(ids))}}).to_list()
        read = {one["_id"]: read_state(Customer, one["data"]) for one in found}
        for id, one in read.items():
            if one.merging is not None and one.merging.moved is not None:
                read[id] = await self.customer(id) or one
        return read

    async def ids(self, customer_id: str) -> tuple[str, ...]:
        """The ids that a customer is, the survivor first; none of one never seen."""
        return await ids_of(self._database, customer_id)

    async def timeline(
        self, ids: Sequence[str], *, channel: str | None, type: str | None, before: str | None, limit: int
    ) -> list[TimelineRow]:
        """A customer's rows, of all their ids, newest first; ``before`` is the ``place`` of the last one
        shown."""
        wanted = given({"channel": channel, "type": type})
        return await rows_before(self._database, ids, wanted, before=before, limit=limit)

    async def past(self, ids: Sequence[str], at: Micros) -> Customer:
        """Profile, consents and loyalty as they were at a time, of a customer who is known, by all that was
        told of these ids."""
        past = Past(ids[0])
        async for row in self._told(ids, at, PAST_TYPES):
            past.add(row)
        return past.customer()

    async def unusable(self, state: Customer) -> list[Unusable]:
        """The addresses that messages no longer reach, as they are now."""
        if not state.counts.get(OutreachSent.topic):
            return []
        ids, wanted = ids_in(state), {"type": {"$in": list(UNUSABLE_TYPES)}}
        rows = await rows_before(self._database, ids, wanted, before=None, limit=MOST_SENT)
        heard = heard_of(rows)
        pasts = {one: Past(ids[0]) for one in heard if told_since(one, state)}
        # Mostly there is none: what was told last had been told by then.
        if pasts:
            async for row in self._told(ids, max(one.sent_at for one in pasts), PROFILE_TYPES):
                for one, past in pasts.items():
                    if row.at <= one.sent_at:
                        past.add(row)
        then = {one: past.customer() for one, past in pasts.items()}
        return [one for one in heard if same_address(one.channel, then.get(one, state), state)]

    async def _told(self, ids: Sequence[str], at: Micros, types: Sequence[str]) -> AsyncIterator[TimelineRow]:
        """The rows of these types up to a time."""
        for id in ids:
            after, until = f"{id} ", f"{id} {sort_key(at + 1, '')}"
            rows = None
            while rows is None or len(rows) == PAST_ROWS:
                query = {"place": {"$gt": after, "$lt": until}, "type": {"$in": [*types]}}
                found = self._database[TIMELINE].find(query).sort("place", 1).limit(PAST_ROWS)
                rows = TimelineRow.read(await found.to_list())
                for row in rows:
                    yield row
                after = rows[-1].place if rows else after

    async def customer_rows(self, ids: Iterable[str]) -> dict[str, CustomerRow]:
        """What a search shows of these customers, by id, those first seen last first; of one who was merged
        the survivor, once, and by the survivor's id too."""
        # The embedded store compares each it finds with all that are asked for.
        asked = sorted(set(ids))
        parts = [asked[start : start + AT_A_TIME] for start in range(0, len(asked), AT_A_TIME)]
        customers = self._database[CUSTOMERS]
        found = await asyncio.gather(*(customers.find({"_id": {"$in": part}}).to_list() for part in parts))
        rows = CustomerRow.read([*chain.from_iterable(found)])
        rows.sort(key=lambda row: row.order, reverse=True)
        if all(row.into is None for row in rows):
            return {row.customer_id: row for row in rows}
        return await self._with_survivors(rows)

    async def _with_survivors(self, rows: Sequence[CustomerRow]) -> dict[str, CustomerRow]:
        found = {row.customer_id: row for row in rows}
        known: dict[str, CustomerRow] = dict(found)
        for _ in range(MOST_MERGES):
            asked = {row.into for row in known.values() if row.into is not None} - known.keys()
            if not asked:
                break
            more = self._database[CUSTOMERS].find({"_id": {"$in": sorted(asked)}})
            known |= {row.customer_id: row for row in CustomerRow.read(await more.to_list())}
            known |= {id: CustomerRow(id, "", "") for id in asked - known.keys()}
        for id, row in found.items():
            while row.into is not None and row.into in known:
                row = known[row.into]
            found[id] = row
        return found

    async def messages(
        self,
        ids: Sequence[str],
        threads: Sequence[str],
        belongs: Callable[[TimelineRow], bool],
        *,
        since: str | None = None,
        before: str | None,
        limit: int,
    ) -> list[TimelineRow]:
        """A customer's messages, and notes about them, that were told in one of ``threads`` and belong, the
        latest first: those after ``since``, if given; ``before`` is the ``place`` of the last one shown."""
        found: list[TimelineRow] = []
        wanted: Document = {
            "type": {"$in": [InteractionLogged.event_type, ConversationNoted.event_type]},
            "conversation_id": {"$in": list(threads)},
        }
        while True:
            read = await rows_before(self._database, ids, wanted, since=since, before=before, limit=limit)
            found += [row for row in read if belongs(row)]
            if len(found) >= limit or len(read) < limit:
                return found[:limit]
            before = read[-1].place

    async def complaint_history(self, ids: Sequence[str], complaint_id: str) -> list[TimelineRow]:
        """The timeline rows of a complaint, the latest first."""
        wanted = {"complaint_id": complaint_id}
        return await rows_before(self._database, ids, wanted, before=None, limit=MAX_HISTORY)


async def customer_of(database: AsyncDatabase[Document], customer_id: str) -> Customer | None:
    """All that is known of a customer, of one who was merged the survivor; None for one never seen."""
    known = set[str]()
    state = None
    while customer_id not in known and len(known) < MOST_MERGES:
        found = await database["state"].find_one({"_id": customer_id})
        if found is None:
            return state
        state = read_state(Customer, found["data"])
        if state.merging is None or state.merging.moved is None:
            return state
        known.add(customer_id)
        customer_id = state.merging.moved.into
    return state


async def ids_of(database: AsyncDatabase[Document], customer_id: str) -> tuple[str, ...]:
    """The ids that a customer is, the survivor first; none of one never seen."""
    found = await database["state"].find_one({"_id": customer_id})
    if found is None:
        return ()
    # To read all of a state for its ids costs more than all else.
    if _MERGED not in found["data"]:
        return (customer_id,)
    state = await customer_of(database, customer_id)
    return (customer_id,) if state is None else ids_in(state)


def ids_in(state: Customer) -> tuple[str, ...]:
    """The ids that a customer is, their own first."""
    return (state.customer_id, *(() if state.merging is None else state.merging.ids))


async def rows_before(
    database: AsyncDatabase[Document],
    ids: Sequence[str],
    wanted: Document,
    *,
    since: str | None = None,
    before: str | None,
    limit: int,
) -> list[TimelineRow]:
    """Rows of the timeline of all these ids, the latest first: those after the ``place`` ``since``, and
    before that of ``before``, the last one shown; each of any id."""
    told = await asyncio.gather(*(_rows(database, id, wanted, since, before, limit) for id in ids))
    if len(told) == 1:
        return told[0]
    return [*islice(merge(*told, key=lambda row: in_time(row.place), reverse=True), limit)]


async def _rows(
    database: AsyncDatabase[Document],
    id: str,
    wanted: Document,
    since: str | None,
    before: str | None,
    limit: int,
) -> list[TimelineRow]:
    # A space ends the customer's id, and "!" is the character after the space.
    last = f"{id}!" if before is None else f"{id} {in_time(before)}"
    first = f"{id} " if since is None else f"{id} {in_time(since)}"
    query: Document = {"place": {"$gte": first, "$lt": last}} | wanted
    found = database[TIMELINE].find(query).sort("place", -1).limit(limit)
    return TimelineRow.read(await found.to_list())


def in_time(place: str) -> str:
    """A place without the id that it is under: orders the rows of several."""
    return place.partition(" ")[2]
