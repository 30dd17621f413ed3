"""What a team says to a customer, as the facts that it leads to. It holds only if that is still how the
conversation stands; if not, agent and team are told so: that it changed they may have heard long ago."""

from typing import NamedTuple

from services.interactions.domain.conversations.course import course
from services.interactions.domain.conversations.steps import AWAY
from services.interactions.domain.routing.told import Routed, Routing
from services.interactions.domain.routing.watch import Answers, answer, news
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
                # The team may know of it as of an id that was merged, as whose it is nobody's.
                whose = told.event.told_of
                has = routed.had if routed is not None and whose == customer.customer_id else None
                now = Routed(conversation_id=id, revision=revision, had=has)
                return Said(customer, emits=_emits(told, answer(whose, now, agent, team)))
            found = course(customer.conversations).open[id]
            fact = ConversationAssigned(conversation_id=id, agent_id=agent, why=command.why, team=team)
            return Said(customer, fact, max(told.at, 1 + found.updated_at))
        case RoutingReturnRequested(agent_id=agent, asks=asks, back=back):
            customer, answers = _answered(customer, command, told)
            routed, emits = customer.routing.by_id.get(id), _emits(told, answers)
            theirs = routed is not None and routed.had is not None and routed.had.agent_id == agent
            if routed is not None and theirs and asks is None:
                of = course(customer.conversations).open[id].assigned_at
                away = altered(routed, away=None if back else agent, away_of=of)
                return Said(_with(customer, away), emits=emits)
            return Said(customer, emits=emits)
        case RoutingOverflowRequested(revision=revision, team=team, to=to):
            asked = None if routed is None else routed.wanted
            if routed is not None and asked is not None and routed.revision == revision:
                if to == team:
                    return Said(customer)
                over = {"over_to": to, "over_from": (*asked.been, team), "over_since": asked.since}
                return Said(_with(customer, altered(routed, **over)))
            if asked is None or asked.team != team:
                whose, now, was = _now(customer, id, revision, told)
                return Said(_with(customer, now), emits=_emits(told, ((team, news(whose, now, was)),)))
            if (asked_as := told.event.told_of) != customer.customer_id:
                # It waits there by its name of now, and so by no other.
                gone = Routed(conversation_id=id, revision=1 + revision)
                return Said(customer, emits=_emits(told, ((team, news(asked_as, gone, None)),)))
    return Said(customer)


def _answered(customer: Customer, asked: RoutingReturnRequested, told: Told) -> tuple[Customer, Answers]:
    """How it stands, where that is not what was taken for it, of an hour ago maybe. What waits and for which
    they were chosen stands so still: the choice is on its way."""
    id, routed = asked.conversation_id, customer.routing.by_id.get(asked.conversation_id)
    same = routed is not None and routed.revision == asked.revision
    if asked.revision is None or (same and told.event.told_of == customer.customer_id):
        return customer, ()
    standing = customer.merging
    if routed is None and standing is not None and (standing.undone or standing.returned):
        return customer, ()  # it may not be over, but on its way to whose it is, who tells it then
    team = None if asked.asks == "agent" else asked.team
    whose, now, was = _now(customer, id, asked.revision, told)
    return _with(customer, now), answer(whose, now, asked.agent_id, team, was)


def _now(customer: Customer, id: str, revision: int, told: Told) -> tuple[str, Routed, str | None]:
    """Whose it is, how it stands, after what the team knows, and as whose the team knows of it, if not so."""
    asked_as, routed = told.event.told_of, customer.routing.by_id.get(id)
    if routed is None:
        return asked_as, Routed(conversation_id=id, revision=1 + revision), None
    now = altered(routed, revision=max(routed.revision, 1 + revision))
    return customer.customer_id, now, None if asked_as == customer.customer_id else asked_as


def _emits(told: Told, all: Answers) -> tuple[Emit, ...]:
    return tuple(Emit(data, told.context.now, key) for key, data in all)


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
    """As it stands now, if it is there; what is told of it next is newer."""
    told = customer.routing
    if routed.conversation_id not in told.by_id:
        return customer
    all = (routed if one.conversation_id == routed.conversation_id else one for one in told.routed)
    revision = max(told.revision, routed.revision)
    return altered(customer, routing=Routing(revision=revision, routed=tuple(all)))
