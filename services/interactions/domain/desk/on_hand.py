"""What the desk has on its hands now: what its gauges say, counted from rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.interactions.domain.routing.rows import AgentRow
from services.interactions.domain.routing.state import ONE
from shared.schemas.times import SECOND, Micros

Rows: TypeAlias = Iterable[Mapping[str, Any]]
NOBODYS = "none"
"""The team of a conversation for which no team was asked."""
CONVERSATIONS = ("queued", "assigned", "waiting")
AGENTS = ("at_work", "on_break", "off")
COMPLAINTS = ("open", "waiting", "overdue")
TASKS = ("open", "overdue")


@dataclass(frozen=True, slots=True)
class TeamOnHand:
    """Of one team; the keys are the names above."""

    conversations: Counter[str] = field(default_factory=Counter)
    oldest_s: float = 0.0
    """Seconds that the conversation has waited which is queued the longest; 0 where none is."""
    agents: Counter[str] = field(default_factory=Counter)
    load: float = 0.0
    """What agents at work carry."""
    capacity: float = 0.0
    """What they can carry, in the same unit."""
    tasks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class OnHand:
    """Of all teams, and the complaints, which are no team's."""

    teams: Mapping[str, TeamOnHand]
    complaints: Counter[str]


def on_hand(
    teams: Iterable[str],
    conversations: Rows,
    agents: Iterable[AgentRow],
    tasks: Rows,
    complaints: Rows,
    now: Micros,
) -> OnHand:
    """``teams``: those that are shown even where they have nothing. ``conversations`` have ``team``,
    ``status`` and ``since`` (of one that waits for an agent: since when); ``tasks`` are open and have
    ``team`` and ``late``; ``complaints`` are open and have ``waiting`` and ``overdue``."""
    by_team: dict[str, list[Mapping[str, Any]]] = {team: [] for team in teams}
    for one in conversations:
        by_team.setdefault(one.get("team") or NOBODYS, []).append(one)
    people: dict[str, list[AgentRow]] = {}
    for agent in agents:
        people.setdefault(agent.team, []).append(agent)
    open_tasks: dict[str, list[Mapping[str, Any]]] = {}
    for task in tasks:
        open_tasks.setdefault(task["team"], []).append(task)
    return OnHand(
        {
            team: _team(by_team.get(team, []), people.get(team, []), open_tasks.get(team, []), now)
            for team in sorted({*by_team, *people, *open_tasks})
        },
        Counter(state for one in complaints for state in _states(one)),
    )


def _states(complaint: Mapping[str, Any]) -> Iterable[str]:
    yield "open"
    yield from (state for state in ("waiting", "overdue") if complaint.get(state))


def _team(conversations: Rows, agents: Iterable[AgentRow], tasks: Rows, now: Micros) -> TeamOnHand:
    held = list(conversations)
    queued = [one["since"] for one in held if one["status"] == "queued" and one.get("since") is not None]
    there = list(agents)
    working = [agent for agent in there if _state(agent) == "at_work"]
    listed = list(tasks)
    return TeamOnHand(
        conversations=Counter(one["status"] for one in held),
        oldest_s=max(0.0, (now - min(queued, default=now)) / SECOND),
        agents=Counter(map(_state, there)),
        load=sum(agent.load for agent in working) / ONE,
        capacity=sum(agent.total for agent in working) / ONE,
        tasks=Counter({"open": len(listed), "overdue": sum(task["late"] for task in listed)}),
    )


def _state(agent: AgentRow) -> str:
    if not agent.on_shift:
        return "off"
    return "on_break" if agent.on_break else "at_work"
