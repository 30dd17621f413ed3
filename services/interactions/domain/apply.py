"""One customer's events, one by one: state in, effects out. Pure."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from msgspec import structs

from services.interactions.domain.aliases.asking import answered, asking, come
from services.interactions.domain.complaints import compensation, promises, waiting
from services.interactions.domain.complaints.commands import STEPS, decide, decided_at, outcome
from services.interactions.domain.complaints.low_scores import reopening
from services.interactions.domain.complaints.root_causes import require_listed
from services.interactions.domain.conversations import commands as conversations
from services.interactions.domain.conversations import rest
from services.interactions.domain.conversations.folds import woken
from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.erasing import gone as erasing
from services.interactions.domain.erasing.gone import ERASING, ERASURE_COMMANDS, HashOf
from services.interactions.domain.facts import apply_fact
from services.interactions.domain.growth.watch import watched as growth_watched
from services.interactions.domain.merging.course import applied as merge_applied
from services.interactions.domain.merging.course import asked as merge_asked
from services.interactions.domain.merging.course import merging
from services.interactions.domain.merging.parts import with_each
from services.interactions.domain.noted import noted
from services.interactions.domain.routing import commands as routing
from services.interactions.domain.routing.commands import returning
from services.interactions.domain.routing.watch import watched
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import Customer
from services.interactions.domain.tasks.reviews import contact_of, with_review
from services.interactions.domain.telling import Told
from shared.domain import Context, Effects, Emit, RefusedError
from shared.facts.aliases import Identity
from shared.merging.course import concerns
from shared.schemas.base import CUSTOMER, Data
from shared.schemas.commands.aliases import AliasCommand, AliasToldRequested
from shared.schemas.commands.complaints import (
    ComplaintApproveRequested,
    ComplaintCommand,
    ComplaintCompensateRequested,
    ComplaintOpenRequested,
    ComplaintResolveRequested,
)
from shared.schemas.commands.conversations import ConversationCommand
from shared.schemas.commands.customers import CustomerMergeRequested, CustomerUnmergeRequested
from shared.schemas.commands.duplicates import BlockCommand, PairCommand
from shared.schemas.commands.growth import RecordCommand
from shared.schemas.commands.merging import MERGING
from shared.schemas.commands.orders import (
    OrderCommand,
    PurchaseTellRequested,
    ReturnTellRequested,
)
from shared.schemas.commands.reviews import ReviewAnswerRequested
from shared.schemas.commands.routing import AgentCommand, RoutingCommand, TeamRoutingCommand
from shared.schemas.commands.teams import (
    AgentChangeRequested,
    TaskDoneRequested,
    TaskForgetRequested,
    TaskOpenRequested,
)
from shared.schemas.complaints import ComplaintsData
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.teams import (
    AgentChanged,
    StoryTold,
    TaskDone,
    TaskOpened,
    TrainingBooked,
    TrainingPassed,
)
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros, moment
from shared.schemas.topics import TOPICS

FACT_TOPICS = (
    "customers",
    "interactions",
    "complaints",
    "purchases",
    "feedback",
    "loyalty",
    "outreach",
    "insights",
)
MERGE_COMMANDS = (CustomerMergeRequested, CustomerUnmergeRequested)
_ASKED = (
    ConversationCommand,
    RoutingCommand,
    TeamRoutingCommand,
    AgentCommand,
    OrderCommand,
    PurchaseTellRequested,
    ReturnTellRequested,
    ReviewAnswerRequested,
    AliasCommand,
    AliasToldRequested,
    BlockCommand,
    PairCommand,
)
CONSUMES: tuple[type[Data], ...] = (
    *(cls for topic in FACT_TOPICS for cls in TOPICS[topic] if cls.entity == CUSTOMER),
    ComplaintOpenRequested,
    *STEPS,
    AgentChanged,
    AgentChangeRequested,
    TaskOpened,
    TaskDone,
    TaskOpenRequested,
    TaskDoneRequested,
    TaskForgetRequested,
    TrainingBooked,
    TrainingPassed,
    StoryTold,
    *(cls for cls in TOPICS["commands"] if issubclass(cls, RecordCommand)),
    ComplaintCompensateRequested,
    ComplaintApproveRequested,
    *(cls for cls in TOPICS["commands"] if issubclass(cls, _ASKED)),
    *MERGING["interactions"].all,
    *MERGE_COMMANDS,
    *ERASURE_COMMANDS,
)


def apply_at_desk(
    sla: Sla,
    desk: Desk,
    identity: Identity,
    hash_of: HashOf,
    customer: Customer,
    event: Event,
    context: Context,
) -> Effects[Customer]:
    """As ``apply``; and teams, agents and aliases are told what has changed for them. What is told of one who
    is another by now goes there. ``hash_of``: what is kept of the id of one who is erased."""
    act = partial(_at_desk, sla, desk, identity, hash_of)
    if isinstance(event.data, ERASING):
        erase = partial(apply_at_desk, sla, desk, identity, hash_of, customer, context=context)
        return erasing.told(hash_of, customer, event, context, erase)
    asked = isinstance(event.data, MERGE_COMMANDS)
    if asked or concerns(customer.merging, event):
        course = merging(desk, partial(_followed, sla), partial(come, identity))
        return (merge_asked if asked else merge_applied)(course, customer, event, context, act)
    return act(customer, event, context)


def _at_desk(
    sla: Sla,
    desk: Desk,
    identity: Identity,
    hash_of: HashOf,
    customer: Customer,
    event: Event,
    context: Context,
) -> Effects[Customer]:
    if isinstance(event.data, AliasToldRequested):
        return answered(customer, event)
    told = Told(event, micros(event.time), context)
    if isinstance(event.data, CustomerErased):
        return erasing.gone(desk, hash_of, customer, told)
    effects = asking(identity, customer, apply(sla, customer, event, context), told)
    effects = with_review(desk, customer, effects, told)
    return growth_watched(desk, customer, watched(desk, customer, effects, told), told)


def apply(sla: Sla, customer: Customer, event: Event, context: Context) -> Effects[Customer]:
    """A fact takes effect; a command is turned into one, which takes effect at once and is emitted; a timer
    ends the waiting of facts, or has the clocks of a complaint looked at.

    Raises as the folds do; a fact so refused is a dead letter.
    """
    data, at = event.data, micros(event.time)
    told = Told(event, at, context)
    match data:
        case TimerFired(name=waiting.TIMER):
            effects = waiting.expired(with_each(customer, lambda part: waiting.expired(part, at).state), at)
            return replace(effects, state=noted(effects.state, effects.retracts, told.day))
        case TimerFired(name=rest.TIMER):
            effects = woken(customer, told)
        case TimerFired():
            return promises.fired(sla, customer, told, data.name)
        case ComplaintCompensateRequested() | ComplaintApproveRequested():
            decided = compensation.decided(sla.compensation, customer, data, at, context)
            if decided.granted is None:
                effects = Effects(decided.customer, outcome=compensation.NEEDS_APPROVAL)
            else:
                effects = _asked_for(decided.customer, told, decided.granted)
        case ComplaintOpenRequested() | ComplaintCommand():
            if isinstance(data, ComplaintResolveRequested):
                require_listed(sla, data)
            effects = _asked_for(customer, told, decide(data, context))
        case ConversationCommand():
            effects = _conversation_asked(customer, told, data)
        case RoutingCommand():
            effects = _team_said(customer, told, data)
        case PurchaseTellRequested() | ReturnTellRequested():
            fact = data.purchase if isinstance(data, PurchaseTellRequested) else data.returned
            effects = _told_for(customer, told, fact, data.at)
        case ReviewAnswerRequested():
            effects = _told_for(customer, told, contact_of(data), data.at)
        case _:
            effects = apply_fact(customer, told)
    return _followed(sla, customer, effects, told)


def _followed(sla: Sla, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With what follows of a change for complaints, their clocks, and conversations."""
    effects = _with_returns(_with_reopenings(before, effects, told), told)
    return promises.watched(sla, before, effects, told)


def _asked_for(customer: Customer, command: Told, fact: ComplaintsData) -> Effects[Customer]:
    """The fact that a command leads to: it takes effect, is emitted and answered."""
    at = decided_at(customer, fact, command.at)
    event = structs.replace(command.event, data=fact, time=moment(at))
    effects = apply_fact(customer, Told(event, at, command.context, asked=True))
    return replace(effects, emits=(Emit(fact, event.time),), outcome=outcome(effects.state, fact))


def _with_reopenings(before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With the complaints reopened that low scores are about, as the fact has made it known."""
    while (due := reopening(before, effects.state, told, len(effects.emits))) is not None:
        try:
            effects = _and(effects, due, told)
        except RefusedError:  # no room for another step
            break
    return effects


def _with_returns(effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With the conversations given back whose agents went home, and whose customer waits."""
    while (due := returning(effects.state, told, len(effects.emits))) is not None:
        effects = _and(effects, due, told)
    return effects


def _and(effects: Effects[Customer], due: Event, told: Told) -> Effects[Customer]:
    """One more fact that takes effect at once."""
    more = apply_fact(effects.state, Told(due, micros(due.time), told.context, asked=True))
    return replace(
        effects,
        state=more.state,
        emits=(*effects.emits, Emit(due.data, due.time)),
        timers=(*effects.timers, *more.timers),
        rows=(*effects.rows, *more.rows),
    )


def _team_said(customer: Customer, command: Told, data: RoutingCommand) -> Effects[Customer]:
    """Of a team: an agent for what waits, or that one is not at work, or whom to ask next."""
    said = routing.said(customer, data, command)
    if said.fact is None:
        return Effects(said.customer, said.emits)
    event = structs.replace(command.event, data=said.fact, time=moment(said.at))
    effects = apply_fact(said.customer, Told(event, said.at, command.context, asked=True))
    return replace(effects, emits=(Emit(said.fact, event.time),))


def _told_for(customer: Customer, command: Told, fact: Data, at: datetime) -> Effects[Customer]:
    """The fact as if it was heard from outside: loyalty judges a name that was told before."""
    event = structs.replace(command.event, data=fact, time=at)
    effects = apply_fact(customer, Told(event, micros(at), command.context, asked=True))
    return replace(effects, emits=(Emit(fact, at),), unseen=())


def _conversation_asked(customer: Customer, command: Told, asked: ConversationCommand) -> Effects[Customer]:
    """What followup is to send goes out with the fact."""
    fact, at, request = conversations.decide(customer, asked, command.at, command.context)
    told = command._replace(
        event=structs.replace(command.event, data=fact, time=moment(at)), at=at, asked=True
    )
    emits = tuple(Emit(data, told.event.time) for data in (fact, request) if data is not None)
    effects = replace(apply_fact(customer, told), emits=emits)
    return replace(effects, outcome=conversations.outcome(effects.state, told.event))
