"""Whether an agent fits a conversation, and how well."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from services.interactions.domain.desk.policy import Desk, same_language
from services.interactions.domain.routing.calm import can_take_hard, paused_until
from services.interactions.domain.routing.state import ONE, Agent, Milli, Waiting
from shared.schemas.times import Micros


class Needs(NamedTuple):
    """What a conversation asks of its agent at a time; alike ones have the same agents to choose from."""

    skills: tuple[str, ...]
    preferred: tuple[str, ...]
    """Those that are still waited for."""
    language: str | None
    channel: str | None
    takes: Milli
    difficult: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The skills, of both kinds."""
        return (*self.skills, *self.preferred)


def needs(desk: Desk, waiting: Waiting, now: Micros) -> Needs:
    """As of now: what would only help is waited for so long."""
    still = now < waiting.asked_at + desk.preferred_for
    preferred = waiting.preferred if still else ()
    kind = (waiting.takes, waiting.difficult)
    return Needs(waiting.skills, preferred, waiting.language, waiting.channel, *kind)


def at_work(agent: Agent) -> bool:
    """Whether anything may come to them by itself: they are this team's alone, at work and not on a break."""
    return agent.lease is not None and agent.on_shift and not agent.on_break and agent.total > 0


def able(agent: Agent, wanted: Needs) -> bool:
    """Whether they have the skills, those too that are still waited for, and the language, and take the
    channel; not whether they have time."""
    if cost(agent, wanted.channel, wanted.takes) is None:
        return False
    if any(name not in agent.skills for name in wanted.names):
        return False
    return wanted.language is None or any(same_language(own, wanted.language) for own in agent.languages)


def has_time(desk: Desk, agent: Agent, carried: Milli, wanted: Needs, now: Micros) -> bool:
    """Whether they can carry it beside what they have, and calm allows it; ``carried``: their load."""
    takes = cost(agent, wanted.channel, wanted.takes)
    if takes is None or carried + takes > agent.total or paused_until(desk.calm, agent) > now:
        return False
    return not wanted.difficult or can_take_hard(desk.calm, agent, now)


class Capable(Protocol):
    """Who takes conversations: an agent, or what a row says of one."""

    @property
    def total(self) -> Milli: ...
    @property
    def weights(self) -> Mapping[str, Milli]: ...


def cost(agent: Capable, channel: str | None, times: Milli) -> Milli | None:
    """What a conversation of a channel takes, and of its kind of work; of a channel not known, the dearest.
    A kind of work takes all of an agent at most, so that one with nothing else to do can take it. None: they
    do not take the channel."""
    weight = max(agent.weights.values(), default=None) if channel is None else agent.weights.get(channel)
    if weight is None or times <= ONE:
        return None if weight is None else of_kind(weight, times)
    return max(weight, min(of_kind(weight, times), agent.total))


def of_kind(weight: Milli, times: Milli) -> Milli:
    """So many thousandths of a weight; a part of a thousandth is one, so that nothing is too little."""
    return -(-weight * times // ONE)


def load(agent: Agent) -> Milli:
    """What they carry, by what it takes of them now."""
    taken = 0
    for one in agent.carries.values():
        takes = cost(agent, one.channel, one.takes)
        taken += of_kind(ONE, one.takes) if takes is None else takes
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
