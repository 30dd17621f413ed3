"""The queries about teams and the people in them, a part of ``store.py``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from services.interactions.domain.desk.on_hand import CONVERSATIONS as HELD
from services.interactions.domain.desk.on_hand import OnHand, on_hand
from services.interactions.domain.growth.arrivals import arrivals_key, read_arrivals
from services.interactions.domain.growth.record import Learnt
from services.interactions.domain.growth.rows import FeedbackRow, RecordRow, StoryRow, WorkRow
from services.interactions.domain.growth.staffing import Arrivals
from services.interactions.domain.routing.rows import AgentRow
from services.interactions.domain.routing.state import Team
from services.interactions.domain.rows import (
    AGENTS,
    ARRIVALS,
    COMPLAINTS,
    CONVERSATIONS,
    FEEDBACK,
    RECORDS,
    STORIES,
    TASKS,
    WORK,
    sort_key,
)
from services.interactions.domain.tasks.rows import OPEN, TaskRow
from services.interactions.remembered import Remembered
from shared.facts.complaints import OPEN_STATUSES
from shared.runtime.mongo import Document
from shared.schemas.times import Micros

AT_ONCE = 5_000
"""Documents that come in one answer: a month of an agent's work, or of what came to a team."""


class TeamStore:
    """Reads database ``rapport_interactions``. Raises PyMongo's errors."""

    def __init__(self, database: AsyncDatabase[Document], remembered: Remembered | None = None) -> None:
        self._database = database
        self._remembered = remembered or Remembered()

    async def tasks_named(self, task_id: str, team: str | None) -> list[TaskRow]:
        """The tasks of this id: one, unless two sources gave it to two teams."""
        query = {"task_id": task_id} | given({"team": team})
        return TaskRow.read(await self._database[TASKS].find(query).limit(2).to_list())

    async def tasks(
        self,
        *,
        team: str | None,
        status: str,
        kind: str | None,
        customers: Sequence[str] | None,
        overdue: bool | None,
        now: Micros,
        last: str | None,
        limit: int,
    ) -> list[TaskRow]:
        """Open tasks, the first due first, or those that are done, the last done first; ``last`` is the
        ``order`` of the last one shown."""
        if overdue and status != OPEN:
            return []
        bounds = dict[str, str]()
        if overdue is not None and status == OPEN:
            bounds["$lt" if overdue else "$gte"] = sort_key(now + 1, "")
        if last is not None:
            bounds |= {"$gt": last} if status == OPEN else {"$lt": last}
        query = given({"team": team, "status": status, "kind": kind})
        query |= {} if customers is None else {"customer": {"$in": list(customers)}}
        found = self._database[TASKS].find(query | ({"order": bounds} if bounds else {}))
        found = found.sort("order", 1 if status == OPEN else -1).limit(limit)
        return TaskRow.read(await found.to_list())

    async def learnt(self, agent_id: str) -> list[Learnt]:
        """What an agent has learnt, in each team."""
        rows = RecordRow.read(await self._database[RECORDS].find({"agent_id": agent_id}).to_list())
        return [Learnt.model_validate(one) for row in rows for one in row.trainings]

    async def feedback(self, agent_id: str, *, before: str | None, limit: int) -> list[FeedbackRow]:
        """What trainers said to an agent, sealed, the latest first."""
        query = {"agent_id": agent_id} | before_that(before)
        found = self._database[FEEDBACK].find(query).sort("order", -1).limit(limit)
        return FeedbackRow.read(await found.to_list())

    async def stories(
        self, *, team: str | None, agent_id: str | None, before: str | None, limit: int
    ) -> list[StoryRow]:
        """Thanks, the latest first; ``before`` is the ``order`` of the last one shown."""
        query = given({"team": team, "agent_id": agent_id}) | before_that(before)
        found = self._database[STORIES].find(query).sort("order", -1).limit(limit)
        return StoryRow.read(await found.to_list())

    async def work(self, agent_id: str, *, since: Micros) -> list[WorkRow]:
        """What an agent did of which something happened since then."""
        query = {"agent_id": agent_id, "order": {"$gte": sort_key(since, "")}}
        found = self._database[WORK].find(query, batch_size=AT_ONCE)
        return WorkRow.read(await found.to_list())

    async def on_hand(self, teams: Iterable[str], now: Micros) -> OnHand:
        """What the desk has open now; these teams are told of even where they have nothing."""
        # One after the other, and by status: each is a range of an index.
        conversations = await self._each_status(CONVERSATIONS, HELD, "team", "status", "since", "into")
        agents = await self._remembered.strides.all(self._database[AGENTS], {"left": False}, "agent_id")
        tasks = await self._each_status(TASKS, (OPEN,), "team")
        complaints = await self._each_status(COMPLAINTS, sorted(OPEN_STATUSES), "waiting", "overdue")
        late = sort_key(now + 1, "")
        due = [{"team": task["team"], "late": task["order"] < late} for task in tasks]
        talks = (one for one in conversations if one.get("into") is None)
        return on_hand(teams, talks, AgentRow.read(agents), due, complaints, now)

    async def _each_status(self, collection: str, statuses: Iterable[str], *fields: str) -> list[Document]:
        rows: list[Document] = []
        for status in statuses:
            where = {"status": status}
            rows += await self._remembered.strides.all(self._database[collection], where, "order", *fields)
        return rows

    async def team(self, team: str) -> Team | None:
        """A team's agents and its queue; None for one never heard of."""
        return await self._remembered.team(self._database, team)

    async def arrivals(self, team: str, *, since: Micros) -> list[Arrivals]:
        """What came to a team since that day, by hour and partition."""
        query = {"key": {"$gte": arrivals_key(team, since), "$lt": f"{team}!"}}
        found = self._database[ARRIVALS].find(query, batch_size=AT_ONCE)
        return [*read_arrivals(await found.to_list())]


def given(wanted: Mapping[str, Any]) -> Document:
    """The fields of a query that were named."""
    return {name: value for name, value in wanted.items() if value is not None}


def before_that(place: str | None) -> Document:
    """What comes after the last one shown, where lists begin with the latest."""
    return {} if place is None else {"order": {"$lt": place}}
