"""What a team's lead sees: what waits, who has how much, and whom it has been hard on. Agents come by name:
nobody is ranked. Pure."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.routing.calm import can_take_hard, in_a_row, paused_until
from services.interactions.domain.routing.matching import able, load, needs
from services.interactions.domain.routing.state import Agent, Team, Waiting
from shared.schemas.times import DAY, Micros

Presence: TypeAlias = Literal["at_work", "on_break", "off"]
MOST = 100
"""Conversations that are shown of those that nobody can take."""


class Queue(NamedTuple):
    """What waits of one priority."""

    priority: str
    waiting: int
    since: Micros
    """Since when the first of them has waited, in whatever team."""


class Stuck(NamedTuple):
    """What waits and nobody of the team can take, at work or not: for want of a skill, a language, a way."""

    customer_id: str
    conversation_id: str
    since: Micros
    missing: tuple[str, ...]
    """Skills that nobody has; empty where it is something else, or no one has all of them."""
    language: str | None
    channel: str | None


class Carrying(NamedTuple):
    """An agent with what they carry."""

    agent_id: str
    name: str
    presence: Presence
    load: float
    """Of ``total``; above it where people gave them more by hand."""
    total: float
    conversations: int
    hard_today: int
    """Hard contacts in the last 24 hours."""
    hard_in_a_row: int
    spared: bool
    """They are given no hard one now."""
    pause_until: Micros | None
    """Until when nothing new comes, after a hard one."""


class Lead(NamedTuple):
    """A team as it is now."""

    waiting: int
    queues: tuple[Queue, ...]
    """The most urgent first."""
    stuck: tuple[Stuck, ...]
    """The first to come first."""
    agents: tuple[Carrying, ...]
    """By name. Those who are in another team by now are left out, unless they still carry something."""
    load: float
    total: float
    """Of those at work."""


def lead(desk: Desk, team: Team, now: Micros) -> Lead:
    """The team's view."""
    present = [one for one in team.agents.values() if not one.left or one.carries]
    agents = sorted(present, key=lambda one: (one.name.casefold(), one.agent_id))
    working = [one for one in agents if _presence(one) == "at_work"]
    return Lead(
        waiting=len(team.waiting),
        queues=_queues(desk, team.waiting.values()),
        stuck=_stuck(desk, team, now),
        agents=tuple(_carrying(desk, one, now) for one in agents),
        load=sum(load(one) for one in working) / 1_000,
        total=sum(one.total for one in working) / 1_000,
    )


def _queues(desk: Desk, waiting: Iterable[Waiting]) -> tuple[Queue, ...]:
    found: dict[str, list[Micros]] = {}
    for one in waiting:
        found.setdefault(one.priority, []).append(one.since)
    ranked = sorted(found, key=lambda name: desk.ranks[name])
    return tuple(Queue(name, len(found[name]), min(found[name])) for name in ranked)


def _stuck(desk: Desk, team: Team, now: Micros) -> tuple[Stuck, ...]:
    agents = [one for one in team.agents.values() if not one.left]
    known = {skill for one in agents for skill in one.skills}
    found: list[Stuck] = []
    fit: dict[tuple[object, ...], bool] = {}
    for one in sorted(team.waiting.values(), key=lambda one: (one.since, one.customer_id)):
        wanted = needs(desk, one, now)._replace(preferred=())
        kind = (wanted.skills, wanted.language, wanted.channel)
        if kind not in fit:
            fit[kind] = any(able(agent, wanted) for agent in agents)
        if fit[kind]:
            continue
        missing = tuple(name for name in one.skills if name not in known)
        found.append(
            Stuck(one.customer_id, one.conversation_id, one.since, missing, one.language, one.channel)
        )
    return tuple(found[:MOST])


def _carrying(desk: Desk, agent: Agent, now: Micros) -> Carrying:
    pause = paused_until(desk.calm, agent)
    return Carrying(
        agent_id=agent.agent_id,
        name=agent.name,
        presence=_presence(agent),
        load=load(agent) / 1_000,
        total=agent.total / 1_000,
        conversations=len(agent.carries),
        hard_today=sum(one.difficult and one.at > now - DAY for one in agent.contacts),
        hard_in_a_row=in_a_row(agent.contacts),
        spared=pause > now or not can_take_hard(desk.calm, agent, now),
        pause_until=pause if pause > now else None,
    )


def _presence(agent: Agent) -> Presence:
    if agent.left or not agent.on_shift:
        return "off"
    return "on_break" if agent.on_break else "at_work"
