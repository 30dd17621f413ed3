"""The decision: who gets what of all that waits. A pure function of a team, the desk's rules and the time.

The first of the queue chooses first: of the agents who fit and have time the one with the least load for
their capacity, then the best, then whoever was without anything new longest. Conversations that ask the same
have the same agents to choose from, in one heap: 1,000 over 500 agents are a matter of milliseconds.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from services.interactions.domain.desk.policy import language_of
from services.interactions.domain.routing.calm import paused_until
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.matching import (
    Needs,
    able,
    at_work,
    has_time,
    load,
    needs,
    place,
    skill,
)
from services.interactions.domain.routing.state import ONE, Agent, Carried, Key, Waiting
from services.interactions.domain.state import altered
from shared.schemas.times import SECOND

Rank: TypeAlias = tuple[float, int, int, str]
"""Load for their capacity, less is better; skill, negative; since when idle; the agent."""

FEW = 8
"""So few conversations are compared with each agent; for more the agents are sorted by what they know."""


class Assigned(NamedTuple):
    """An agent was chosen."""

    waiting: Waiting
    agent_id: str
    why: dict[str, Any]


def decide(
    floor: Floor, keys: Iterable[Key] | None = None, agents: Iterable[str] | None = None
) -> list[Assigned]:
    """Give what waits to who is free, as far as that goes; it is reserved for them on the floor.

    ``keys`` and ``agents``: nothing but these can have become possible since the last decision.
    """
    asked = list(floor.waiting if keys is None else keys)
    among = list(floor.agents if agents is None else agents)
    made: list[Assigned] = []
    while more := _Pass(floor, among, asked).run():
        made += more
        asked = [key for key in asked if key in floor.waiting and floor.waiting[key].difficult]
        if all(one.waiting.difficult for one in more):
            break  # an easy contact may have made room for a hard one; nothing else makes room
    return made


class _Free:
    """Agents to whom something may come, by what they know: few of many are looked at."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self.skills: defaultdict[str, set[str]] = defaultdict(set)
        self.languages: defaultdict[str, set[str]] = defaultdict(set)
        self.channels: defaultdict[str | None, set[str]] = defaultdict(set)
        for id, agent in agents.items():
            for name in agent.skills:
                self.skills[name].add(id)
            for language in agent.languages:
                self.languages[language_of(language)].add(id)
            for channel in (None, *agent.weights) if agent.weights else ():
                self.channels[channel].add(id)

    def able(self, wanted: Needs) -> Iterable[str]:
        """As ``matching.able``."""
        sets = [self.channels[wanted.channel], *(self.skills[name] for name in wanted.names)]
        if wanted.language is not None:
            sets.append(self.languages[language_of(wanted.language)])
        return set.intersection(*sorted(sets, key=len))


class _Pass:
    """Once through the queue."""

    def __init__(self, floor: Floor, among: Iterable[str], keys: Iterable[Key]) -> None:
        self.floor = floor
        asked = (floor.waiting[key] for key in keys if key in floor.waiting)
        self.asked = [one for one in asked if not one.leaving]
        found = (floor.agents.get(id) for id in among)
        calm, now = floor.desk.calm, floor.now
        self.free = {
            one.agent_id: one
            for one in found
            if one is not None and at_work(one) and paused_until(calm, one) <= now
        }
        self.loads = {id: load(agent) for id, agent in self.free.items()}
        self.index = _Free(self.free) if len(self.asked) > FEW else None
        self.heaps: dict[Needs, list[Rank]] = {}

    def run(self) -> list[Assigned]:
        if not self.free:
            return []
        desk, made = self.floor.desk, list[Assigned]()
        for waiting in sorted(self.asked, key=lambda one: place(desk, one)):
            wanted = needs(desk, waiting, self.floor.now)
            heap = self._heap(wanted)
            if (chosen := self._chosen(waiting, wanted, heap)) is not None:
                made.append(self._give(waiting, wanted, chosen))
        return made

    def _heap(self, wanted: Needs) -> list[Rank]:
        """Those who fit and may have time, the best first."""
        heap = self.heaps.get(wanted)
        if heap is None:
            if self.index is not None:
                agents = [self.floor.agents[id] for id in self.index.able(wanted)]
            else:
                agents = [agent for id in self.free if able(agent := self.floor.agents[id], wanted)]
            heap = [self._rank(agent, wanted) for agent in agents if self._has_time(agent, wanted)]
            heapq.heapify(heap)
            self.heaps[wanted] = heap
        return heap

    def _chosen(self, waiting: Waiting, wanted: Needs, heap: list[Rank]) -> Agent | None:
        """The best of the heap whom this one may go to. Loads only grow: who is where they are no more is put
        where they belong, who has no time goes."""
        expected = awaited(self.floor, waiting)
        aside: list[Rank] = []
        found: Agent | None = None
        if expected is not None:
            agent = self.floor.agents[expected]
            mine = expected in self.free and self._has_time(agent, wanted)
            return agent if mine else None
        while heap:
            rank = heap[0]
            agent = self.floor.agents[rank[-1]]
            if not self._has_time(agent, wanted):
                heapq.heappop(heap)
            elif (now := self._rank(agent, wanted)) != rank:
                heapq.heapreplace(heap, now)
            elif _gave_back(self.floor, waiting, agent):
                aside.append(heapq.heappop(heap))
            else:
                found = agent
                break
        for rank in aside:
            heapq.heappush(heap, rank)
        return found

    def _has_time(self, agent: Agent, wanted: Needs) -> bool:
        carried = self.loads[agent.agent_id]
        return has_time(self.floor.desk, agent, carried, wanted, self.floor.now)

    def _rank(self, agent: Agent, wanted: Needs) -> Rank:
        loaded = self.loads[agent.agent_id] / agent.total
        return loaded, -skill(agent, wanted.names), agent.idle_since, agent.agent_id

    def _give(self, waiting: Waiting, wanted: Needs, agent: Agent) -> Assigned:
        floor = self.floor
        key = f"{waiting.customer_id} {waiting.conversation_id}"
        carried = Carried(
            customer_id=waiting.customer_id,
            conversation_id=waiting.conversation_id,
            revision=waiting.revision,
            at=floor.now,
            channel=waiting.channel,
            takes=waiting.takes,
            difficult=waiting.difficult,
            reserved=True,
        )
        why = _why(floor, waiting, wanted, agent)
        floor.give(agent.agent_id, key, carried)
        self.loads[agent.agent_id] = load(floor.agents[agent.agent_id])
        return Assigned(waiting, agent.agent_id, why)


def awaited(floor: Floor, waiting: Waiting) -> str | None:
    """The agent who knows the customer, as long as they are waited for."""
    if waiting.knows is None or floor.now >= waiting.asked_at + floor.desk.sticky_for:
        return None
    agent = floor.agents.get(waiting.knows)
    if agent is None or waiting.gave_back == waiting.knows or not at_work(agent):
        return None
    wanted = needs(floor.desk, waiting, floor.now)._replace(preferred=())
    return agent.agent_id if able(agent, wanted) else None


def overflowing(floor: Floor) -> list[tuple[Key, str]]:
    """What has waited so long that another team is asked, and which."""
    overflow = floor.desk.overflow_of(floor.before.team_id)
    if overflow is None:
        return []
    to, after = overflow
    found = []
    for key, waiting in sorted(floor.waiting.items()):
        late = not waiting.leaving and floor.now >= waiting.asked_at + after
        if late and may_go(floor, waiting, to):
            floor.waiting[key] = altered(waiting, leaving=True)
            found.append((key, to))
    return found


def may_go(floor: Floor, waiting: Waiting, to: str) -> bool:
    """Whether it goes on to that team: once to each; but from one that the file has no more it goes back."""
    return to not in waiting.been or floor.before.team_id not in floor.desk.by_id


def _gave_back(floor: Floor, waiting: Waiting, agent: Agent) -> bool:
    """Whoever gave it back is asked only when nobody else has taken it for a while."""
    if waiting.gave_back != agent.agent_id:
        return False
    return floor.now < waiting.asked_at + floor.desk.preferred_for


def _why(floor: Floor, waiting: Waiting, wanted: Needs, agent: Agent) -> dict[str, Any]:
    """For people who ask."""
    why: dict[str, Any] = {
        "team": floor.before.team_id,
        "priority": waiting.priority,
        "waited_s": max(floor.now - waiting.since, 0) // SECOND,
        "load": round(load(agent) / agent.total, 3),
    }
    names = (*waiting.skills, *waiting.preferred)
    if names:
        why["skills"] = {name: agent.skills[name] for name in names if name in agent.skills}
    if waiting.preferred and not wanted.preferred:
        why["without"] = [name for name in waiting.preferred if name not in agent.skills]
    if waiting.language is not None:
        why["language"] = waiting.language
    if waiting.knows == agent.agent_id:
        why["knows_customer"] = True
    if waiting.takes != ONE:
        why["takes"] = waiting.takes / ONE
    if waiting.difficult:
        why["difficult"] = True
    if waiting.been:
        why["overflow_from"] = list(waiting.been)
    return why
