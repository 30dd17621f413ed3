"""Which team an agent is in, and what they carry: a state an agent.

One team at a time has an agent, by a lease. By event time the latest team is theirs; before it gets them the
one before has let them go and said what it had reserved for them: so what they carry is never more than they
can, though two teams decide."""

from collections.abc import Mapping

from pydantic import field_validator

from services.interactions.domain.growth.forwarded import forwarded
from services.interactions.domain.routing import contents
from services.interactions.domain.routing.state import (
    GONE_FOR,
    LATE,
    Carried,
    Contact,
    Key,
    Mark,
    key_of,
    mark_of,
)
from services.interactions.domain.state import altered
from shared.domain import Context, Effects, Emit
from shared.schemas.base import Open
from shared.schemas.commands.growth import AgentRefresherRequested, AgentThankRequested
from shared.schemas.commands.routing import (
    AgentGoneRequested,
    AgentJoinRequested,
    AgentLeaveRequested,
    AgentLoadRequested,
    AgentSeenRequested,
    Load,
    RoutingNewsRequested,
    RoutingReturnRequested,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros, moment


class Held(Open):
    """What is known of a conversation and this agent."""

    carried: Carried
    holds: bool
    """False: they have it no more, which is remembered for an hour."""
    heard_at: Micros
    offered: bool = False
    """It waited as of this revision: a choice of them for that may hold."""


class Renamed(Open):
    """A conversation is another customer's by now, who is the same person."""

    customer_id: str
    heard_at: Micros


class Membership(Open):
    """The state: one document an agent."""

    agent_id: str
    team: str | None = None
    """The team that they are in by what was told."""
    since: Micros = 0
    holder: str | None = None
    """The team that has them."""
    lease: int = 0
    """Of the holder, or the last one."""
    leaving: bool = False
    """The holder was asked to let them go."""
    held: Mapping[Key | Mark, Held] = {}
    """What they have by its name; what they have no more by its mark, without whose it was."""
    renamed: Mapping[Key, Renamed] = {}
    """Of the last hour, by the names of before: the team that lets them go may not have heard of it."""
    contacts: tuple[Contact, ...] = ()
    hard_ended_at: Micros | None = None

    @field_validator("held")
    @classmethod
    def _marked(cls, held: Mapping[str, Held]) -> Mapping[str, Held]:
        """What is over went by its name in the version before, and said whose it was."""
        old = {name: one for name, one in held.items() if " " in name and not one.holds}
        if not old:
            return held
        kept = {name: one for name, one in held.items() if name not in old}
        return kept | {
            mark_of(name): altered(one, carried=altered(one.carried, customer_id="", conversation_id=""))
            for name, one in old.items()
        }


def initial(state_id: str) -> Membership:
    """An agent never heard of, from ``agent/<agent_id>``."""
    return Membership(agent_id=state_id.partition("/")[2])


def apply(agent: Membership, event: Event, context: Context) -> Effects[Membership]:
    """One event of the agent. Refuses nothing."""
    now = micros(context.now)
    emits: list[Emit] = []
    match event.data:
        case AgentSeenRequested(team=team, at=at, asked=asked_for):
            since = max(micros(at), 1 + agent.since) if asked_for and team != agent.team else micros(at)
            new, said = _seen(agent, team, since)
        case AgentGoneRequested() as data:
            new, said = _gone(agent, data, now)
        case AgentLoadRequested() as data:
            new, said = _load(agent, data, now)
            if data.holds and new is not agent and now - micros(event.time) > LATE:
                emits = [Emit(_asked(agent.agent_id, data), moment(now), data.customer_id)]
        case AgentThankRequested() | AgentRefresherRequested() as data:
            to, asked = forwarded(agent.agent_id, agent.team, data)
            return Effects(agent, (Emit(asked, moment(now), to),))
        case _:
            raise AssertionError(f"nothing of an agent: {event.type}")
    return Effects(new, (*emits, *(Emit(data, moment(now), team) for team, data in said)))


Said = list[
    tuple[str, AgentJoinRequested | AgentLeaveRequested | RoutingNewsRequested | RoutingReturnRequested]
]


def _seen(agent: Membership, team: str, at: Micros) -> tuple[Membership, Said]:
    if agent.team is not None and (at, team) < (agent.since, agent.team):
        if team == agent.team:
            return agent, []
        return agent, [(team, _leave(agent, agent.lease if team == agent.holder else None))]
    before, agent = agent.team, altered(agent, team=team, since=at)
    said: Said = []
    if before not in (None, team, agent.holder):
        assert before is not None
        said.append((before, _leave(agent)))
    if agent.holder is None:
        agent, join = _granted(agent)
        said.append((team, join))
    elif agent.holder != team and not agent.leaving:
        agent = altered(agent, leaving=True)
        said.append((agent.holder or "", _leave(agent, agent.lease)))
    return agent, said


def _gone(agent: Membership, told: AgentGoneRequested, now: Micros) -> tuple[Membership, Said]:
    if told.team != agent.holder or told.lease != agent.lease:
        return agent, []
    held = dict(agent.held)
    for load in told.loads:
        key, carried = key_of(load.customer_id, load.conversation_id), contents.carried(load)
        if (named := agent.renamed.get(key)) is not None:
            key = key_of(named.customer_id, load.conversation_id)
            carried = altered(carried, customer_id=named.customer_id)
        known = held.get(key) or held.get(mark_of(key))
        if known is None or _chosen_since(known, carried):
            held.pop(mark_of(key), None)
            held[key] = Held(carried=carried, holds=True, heard_at=now)
    contacts = tuple(contents.contact(one) for one in told.contacts)
    ended = agent.hard_ended_at if told.hard_ended_at is None else micros(told.hard_ended_at)
    agent = altered(agent, held=held, contacts=contacts or agent.contacts, hard_ended_at=ended)
    if not agent.leaving:
        # Nobody asked them to: the team does not know the agent, and would only refuse them again. No team
        # asks of what they carry then.
        asked: Said = [(load.customer_id, _asked(agent.agent_id, load)) for load in told.loads]
        return altered(agent, team=None, holder=None), asked
    agent, join = _granted(agent)
    return agent, [(agent.team or "", join)]


def _chosen_since(known: Held, carried: Carried) -> bool:
    """Whether a team says something newer: it may have chosen them anew for what waits again."""
    if known.carried.revision == carried.revision:
        return known.offered and carried.reserved
    return known.carried.revision < carried.revision


def _granted(agent: Membership) -> tuple[Membership, AgentJoinRequested]:
    """To the team that they are in."""
    agent = altered(agent, holder=agent.team, lease=agent.lease + 1, leaving=False)
    join = AgentJoinRequested(
        agent_id=agent.agent_id,
        lease=agent.lease,
        at=moment(agent.since),
        loads=tuple(contents.load(one.carried) for one in agent.held.values() if one.holds),
        contacts=tuple(contents.told_contact(one) for one in agent.contacts),
        hard_ended_at=None if agent.hard_ended_at is None else moment(agent.hard_ended_at),
    )
    return agent, join


def _leave(agent: Membership, lease: int | None = None) -> AgentLeaveRequested:
    return AgentLeaveRequested(agent_id=agent.agent_id, at=moment(agent.since), to=agent.team, lease=lease)


def _newer(known: Held, told: AgentLoadRequested) -> bool:
    """Of one revision a yes holds, unless they were only chosen: then a no ends the choice."""
    if known.carried.revision == told.revision:
        if not known.holds:
            return told.holds
        return known.carried.reserved and not told.offered
    return known.carried.revision < told.revision


def _asked(agent_id: str, told: AgentLoadRequested | Load) -> RoutingReturnRequested:
    """A yes that is late may be over, and that forgotten: its customer is asked."""
    return RoutingReturnRequested(
        conversation_id=told.conversation_id,
        team=agent_id,
        agent_id=agent_id,
        back=True,
        asks="agent",
        revision=told.revision,
    )


def _renamed(agent: Membership, told: AgentLoadRequested, now: Micros) -> Membership:
    """Of a conversation that was another customer's: what is known of it goes by its new name."""
    if told.was is None:
        return agent
    old, key = key_of(told.was, told.conversation_id), key_of(told.customer_id, told.conversation_id)
    held, known = dict(agent.held), agent.held.get(old)
    if known is not None:
        del held[old]
        if mark_of(key) not in held:
            held.setdefault(key, altered(known, carried=altered(known.carried, customer_id=told.customer_id)))
    elif (over := held.pop(mark_of(old), None)) is not None and key not in held:
        held.setdefault(mark_of(key), over)
    was, mark = mark_of(old), mark_of(key)
    contacts = tuple(altered(one, key=mark) if one.key == was else one for one in agent.contacts)
    named = Renamed(customer_id=told.customer_id, heard_at=now)
    renamed = {
        name: named if key_of(one.customer_id, told.conversation_id) == old else one
        for name, one in agent.renamed.items()
        if one.heard_at > now - GONE_FOR and name != key
    }
    return altered(agent, held=held, contacts=contacts, renamed={**renamed, old: named})


def _load(agent: Membership, told: AgentLoadRequested, now: Micros) -> tuple[Membership, Said]:
    """The team that has them is told, unless it was told already."""
    key = key_of(told.customer_id, told.conversation_id)
    agent = _renamed(agent, told, now)
    mark = mark_of(key)
    known = agent.held.get(key) or agent.held.get(mark)
    if known is not None and not _newer(known, told):
        return agent, []
    carried = Carried(
        customer_id=told.customer_id if told.holds else "",
        conversation_id=told.conversation_id if told.holds else "",
        revision=told.revision,
        at=now if known is None else known.carried.at,
        channel=told.channel,
        takes=told.takes,
        difficult=told.difficult,
        manual=told.manual,
    )
    here = Held(carried=carried, holds=told.holds, heard_at=now, offered=told.offered)
    held = {
        name: one
        for name, one in agent.held.items()
        if name not in (key, mark) and (one.holds or one.heard_at > now - GONE_FOR)
    } | {key if told.holds else mark: here}
    agent = altered(agent, held=held)
    if agent.holder is None or agent.holder == told.told:
        return agent, []
    return agent, [(agent.holder, contents.news_of(agent.agent_id, told))]
