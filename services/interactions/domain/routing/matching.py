"""Whether an agent fits a conversation, and how well."""

from collections.abc import Iterable
from typing import NamedTuple

from services.interactions.domain.desk.policy import Desk, same_language
from services.interactions.domain.routing.calm import can_take_hard, paused_until
from services.interactions.domain.routing.state import Agent, Milli, Waiting
from shared.schemas.times import Micros

ONE: Milli = 1_000
"""What is given by hand takes so much of an agent who does not take its channel."""


class Needs(NamedTuple):
    """What a conversation asks of its agent at a time; alike ones have the same agents to choose from."""

    skills: tuple[str, ...]
    preferred: tuple[str, ...]
    """Those that are still waited for."""
    language: str | None
    channel: str | None
    difficult: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The skills, of both kinds."""
        return (*self.skills, *self.preferred)


def needs(desk: Desk, waiting: Waiting, now: Micros) -> Needs:
    """As of now: what would only help is waited for so long."""
    still = now < waiting.asked_at + desk.preferred_for
    preferred = waiting.preferred if still else ()
    return Needs(waiting.skills, preferred, waiting.language, waiting.channel, waiting.difficult)


def at_work(agent: Agent) -> bool:
    """Whether anything may come to them by itself: they are this team's alone, at work and not on a break."""
    return agent.lease is not None and agent.on_shift and not agent.on_break and agent.total > 0


def able(agent: Agent, wanted: Needs) -> bool:
    """Whether they have the skills, those too that are still waited for, and the language, and take the
    channel; not whether they have time."""
    if cost(agent, wanted.channel) is None:
        return False
    if any(name not in agent.skills for name in wanted.names):
        return False
    return wanted.language is None or any(same_language(own, wanted.language) for own in agent.languages)


def has_time(desk: Desk, agent: Agent, carried: Milli, wanted: Needs, now: Micros) -> bool:
    """Whether they can carry it beside what they have, and calm allows it; ``carried``: their load."""
    takes = cost(agent, wanted.channel)
    if takes is None or carried + takes > agent.total or paused_until(desk.calm, agent) > now:
        return False
    return not wanted.difficult or can_take_hard(desk.calm, agent, now)


def cost(agent: Agent, channel: str | None) -> Milli | None:
    """What a conversation of a channel takes; of a channel not known, the dearest. None: they do not take
    it."""
    if channel is None:
        return max(agent.weights.values(), default=None)
    return agent.weights.get(channel)


def load(agent: Agent) -> Milli:
    """What they carry, by what it takes of them now."""
    taken = 0
    for one in agent.carries.values():
        takes = cost(agent, one.channel)
        taken += ONE if takes is None else takes
    return taken


def skill(agent: Agent, names: Iterable[str]) -> int:
    """How good they are at these, together."""
    return sum(agent.skills.get(name, 0) for name in names)


def place(desk: Desk, waiting: Waiting) -> tuple[Micros, Micros, str, str]:
    """Its place in the queue, the first to come the smallest. A step of priority is worth ``ageing`` of
    waiting: what comes later has a place that is the further back, so nobody waits for ever."""
    rank = desk.ranks[waiting.priority]
    behind = waiting.since + rank * desk.priorities.ageing
    return behind, waiting.since, waiting.customer_id, waiting.conversation_id
