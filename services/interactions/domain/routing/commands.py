"""What a team says to a customer, as the facts that it leads to. It holds only if that is still how the
conversation stands; if not, the agent is told so: the team was told when it changed."""

from typing import NamedTuple

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.steps import AWAY
from services.interactions.domain.routing.told import Routed, Routing
from services.interactions.domain.routing.watch import load
from services.interactions.domain.state import Customer, altered
from services.interactions.domain.telling import Told
from shared.domain import Emit
from shared.schemas.commands.routing import (
    RoutingAssignRequested,
    RoutingCommand,
    RoutingOverflowRequested,
    RoutingReturnRequested,
)
from shared.schemas.event import Event
from shared.schemas.interactions import ConversationAssigned, ConversationReturned
from shared.schemas.times import Micros, moment

SOURCE = "/rapport/interactions"


class Said(NamedTuple):
    """What a team's word leads to."""

    customer: Customer
    fact: ConversationAssigned | None = None
    at: Micros = 0
    """When the fact happens: after all that is known of the conversation."""
    emits: tuple[Emit, ...] = ()


def said(customer: Customer, command: RoutingCommand, told: Told) -> Said:
    """Refuses nothing: a word that came too late changes nothing."""
    id = command.conversation_id
    routed = customer.routing.by_id.get(id)
    match command:
        case RoutingAssignRequested(agent_id=agent, revision=revision, team=team):
            if routed is None or routed.wanted is None or routed.revision != revision:
                # It ends this choice alone: a later one, of how the conversation stands by now, may hold.
                now = altered(routed or Routed(conversation_id=id, revision=revision), revision=revision)
                # The team may know of it as of an id that was merged.
                late = load(told.event.told_of, now, agent, None)
                return Said(customer, emits=(Emit(late, told.context.now, agent),))
            found = course(customer.conversations).open[id]
            fact = ConversationAssigned(conversation_id=id, agent_id=agent, why=command.why, team=team)
            return Said(customer, fact, max(told.at, 1 + found.updated_at))
        case RoutingReturnRequested(agent_id=agent, back=back):
            if routed is not None and routed.had is not None and routed.had.agent_id == agent:
                of = course(customer.conversations).open[id].assigned_at
                return Said(_with(customer, altered(routed, away=None if back else agent, away_of=of)))
        case RoutingOverflowRequested(revision=revision, team=team, to=to):
            asked = None if routed is None else routed.wanted
            if routed is not None and asked is not None and routed.revision == revision:
                over = {"over_to": to, "over_from": (*asked.been, team), "over_since": asked.since}
                return Said(_with(customer, altered(routed, **over)))
    return Said(customer)


def returning(customer: Customer, told: Told, number: int) -> Event | None:
    """The first conversation to be given back, as its agent is not at work and the customer waits. Who
    applies it asks again. It is emitted as the ``number``-th event of the fact, from 0."""
    for routed in customer.routing.routed:
        if routed.away is None:
            continue
        found = course(customer.conversations).open.get(routed.conversation_id)
        if found is None or found.agent_id != routed.away or found.status != "assigned":
            continue
        if found.assigned_at != routed.away_of:
            continue
        data = ConversationReturned(conversation_id=found.conversation_id, to="queue", reason=AWAY)
        id = told.context.new_id(f"#{number}")  # begins as the emitted event's own does
        at = max(told.at, 1 + found.updated_at)
        return Event(id, SOURCE, told.event.subject, moment(at), data)
    return None


def _with(customer: Customer, routed: Routed) -> Customer:
    told = customer.routing
    all = (
        routed if one.conversation_id == routed.conversation_id else one for one in customer.routing.routed
    )
    return altered(customer, routing=Routing(revision=told.revision, routed=tuple(all)))
