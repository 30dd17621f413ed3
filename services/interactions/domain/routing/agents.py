"""A team's agents: told how they are, given to the team, taken from it."""

from typing import Any

from services.interactions.domain.routing import contents
from services.interactions.domain.routing.floor import Floor
from services.interactions.domain.routing.state import Agent, Carried, Gone, key_of, mark_of, milli
from services.interactions.domain.state import altered
from shared.domain import Emit
from shared.schemas.commands.routing import (
    AgentGoneRequested,
    AgentJoinRequested,
    AgentLeaveRequested,
    AgentSeenRequested,
    RoutingReturnRequested,
)
from shared.schemas.teams import AgentChanged
from shared.schemas.times import Micros, micros, moment


def changed(floor: Floor, told: AgentChanged, at: Micros, *, asked: bool = False) -> list[Emit]:
    """An agent as they are from now on; the latest by event time holds. Nothing comes to them until no other
    team has them: that is asked. Who goes home gives back what is owed an answer; back they keep the rest."""
    known = floor.agents.get(told.agent_id)
    said = told.model_dump_json(exclude_none=True)
    if known is not None and not known.left and (known.at, known.told) >= (at, said):
        return []
    if known is not None and known.left and (known.at, known.left_to) > (at, floor.before.team_id):
        return []
    agent = known or Agent(agent_id=told.agent_id, at=at, told=said, name=told.name)
    fields: dict[str, Any] = {
        "at": at,
        "told": said,
        "name": told.name,
        "skills": dict(told.skills),
        "languages": told.languages,
        "total": milli(told.capacity.total),
        "weights": {channel: milli(cost) for channel, cost in told.capacity.weights.items()},
        "on_shift": told.on_shift,
        "on_break": told.on_break,
        "left": False,
        "left_to": "",
    }
    floor.agents[told.agent_id] = altered(agent, **fields)
    seen = AgentSeenRequested(team=floor.before.team_id, at=moment(at), asked=asked)
    emits = [Emit(seen, moment(floor.now), told.agent_id)]
    if agent.on_shift != told.on_shift:
        emits += _at_work(floor, agent, told.on_shift)
    return emits


def _at_work(floor: Floor, agent: Agent, back: bool) -> list[Emit]:
    """The customers of what they carry are told that they are at work again, or not any more."""
    return [
        given_back(floor, agent.agent_id, one, back=back, asks=one.reserved)
        for _, one in sorted(agent.carries.items())
    ]


def given_back(floor: Floor, agent_id: str, one: Carried, *, back: bool = False, asks: bool = False) -> Emit:
    """The customer is told that whoever has their conversation is not at work any more, or is again; and says
    how it stands, if not so. ``asks``: that alone is asked."""
    data = RoutingReturnRequested(
        conversation_id=one.conversation_id,
        team=floor.before.team_id,
        agent_id=agent_id,
        back=back or asks,
        asks="team" if asks else None,
        revision=one.revision,
    )
    return Emit(data, moment(floor.now), one.customer_id)


def joined(floor: Floor, told: AgentJoinRequested) -> list[Emit]:
    """They are this team's alone from now on, with all that they carry."""
    agent = floor.agents.get(told.agent_id)
    if agent is not None and told.lease <= max(agent.ended, agent.lease or 0):
        return []
    if agent is None or (agent.left and not _theirs_again(floor, agent, told)):
        return [_gone(floor, told.agent_id, told.lease, None)]
    ended = None if told.hard_ended_at is None else micros(told.hard_ended_at)
    contacts = tuple(contents.contact(one) for one in told.contacts)
    here = {"since": agent.since if told.at is None else micros(told.at), "left": False, "left_to": ""}
    agent = altered(agent, lease=told.lease, contacts=contacts, hard_ended_at=ended, **here)
    floor.agents[told.agent_id] = agent
    emits = []
    for load in told.loads:
        one = contents.carried(load)
        if load.revision >= floor.revision(key_of(load.customer_id, load.conversation_id)):
            _carries(floor, told.agent_id, one)
        else:  # known here to be older: the agent's own state is to hear of it too
            emits.append(given_back(floor, told.agent_id, one, asks=True))
    if agent.on_shift:  # they may have gone home in the team before
        return [*emits, *_at_work(floor, floor.agents[told.agent_id], back=True)]
    carried = floor.agents[told.agent_id].carries.values()
    return [
        *emits,
        *(given_back(floor, told.agent_id, one, asks=one.reserved or one.manual) for one in carried),
    ]


def _theirs_again(floor: Floor, agent: Agent, told: AgentJoinRequested) -> bool:
    """Whether they came back after they left. A team that refused then would be asked again, for ever."""
    if told.at is None:
        return False
    return (micros(told.at), floor.before.team_id) >= (agent.at, agent.left_to)


def _carries(floor: Floor, agent_id: str, carried: Carried) -> None:
    """As it was elsewhere: it does not come to them anew."""
    key = key_of(carried.customer_id, carried.conversation_id)
    agent = floor.agents[agent_id]
    floor.waiting.pop(key, None)
    floor.gone.pop(mark_of(key), None)
    floor.take_from(key)
    floor.holders[key] = agent_id
    floor.agents[agent_id] = altered(agent, carries={**agent.carries, key: carried})


def left(floor: Floor, told: AgentLeaveRequested) -> list[Emit]:
    """They are in another team by now: what they carry goes with them, and the next team waits for that."""
    agent = floor.agents.get(told.agent_id)
    emits = []
    if agent is None:
        agent = Agent(agent_id=told.agent_id, at=micros(told.at), told="", name=told.agent_id, left=True)
    if told.lease is not None:
        held = agent if agent.lease == told.lease else None
        emits.append(_gone(floor, told.agent_id, told.lease, held))
        if held is not None:
            agent = altered(_emptied(floor, agent), lease=None, contacts=(), hard_ended_at=None)
        agent = altered(agent, ended=max(agent.ended, told.lease))
    # One order for all who decide: the time, then the team's name. A leave of before has no name.
    at, to, here = micros(told.at), told.to or "", floor.before.team_id
    since = max(agent.at, agent.since)
    if since < at or (since == at and (not to or to > here)):
        agent = altered(_emptied(floor, agent), left=True, at=at, left_to=to)
    floor.agents[told.agent_id] = agent
    return emits


def _emptied(floor: Floor, agent: Agent) -> Agent:
    """What they carry is for their next team to count."""
    for key, one in agent.carries.items():
        floor.holders.pop(key, None)
        floor.gone[mark_of(key)] = Gone(revision=one.revision, at=floor.now)
    return altered(agent, carries={})


def _gone(floor: Floor, agent_id: str, lease: int, agent: Agent | None) -> Emit:
    """Says what they carry, what is reserved too; nothing where they were not here."""
    said: dict[str, Any] = {"team": floor.before.team_id, "lease": lease}
    if agent is not None:
        said["loads"] = tuple(contents.load(one) for one in agent.carries.values())
        said["contacts"] = tuple(contents.told_contact(one) for one in agent.contacts)
        if agent.hard_ended_at is not None:
            said["hard_ended_at"] = moment(agent.hard_ended_at)
    return Emit(AgentGoneRequested(**said), moment(floor.now), agent_id)
