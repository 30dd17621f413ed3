"""The one door to the domain: ``apply(policy, state, event, context)``."""

from dataclasses import replace

from services.followup.domain import commands, customers, planning, replies, reports
from services.followup.domain.effects import nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.rules.events import event_name
from services.followup.domain.rules.rules import Rules
from services.followup.domain.rules.times import cut
from services.followup.domain.state import Customer, Moment, StepOf
from services.followup.domain.triggers import Fact
from shared.domain import Context, Effects
from shared.facts.complaints import KINDS, step_of
from shared.facts.names import Heard, answer_of, heard, name_of, with_name
from shared.schemas.base import Data
from shared.schemas.commands.followup import (
    DeliveryReported,
    OutreachRequested,
    ReplyRequested,
    UnsubscribeRequested,
)
from shared.schemas.complaints import ComplaintsData
from shared.schemas.customers import (
    ConsentChanged,
    CustomerErased,
    CustomerRegistered,
    CustomerUpdated,
    Profile,
)
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.timer import TimerFired
from shared.schemas.times import day_of, micros

CONSUMES: tuple[type[Data], ...] = (
    CustomerRegistered,
    CustomerUpdated,
    ConsentChanged,
    CustomerErased,
    *KINDS,
    OutreachRequested,
    ReplyRequested,
    UnsubscribeRequested,
    DeliveryReported,
)
"""What the service must know, whatever its rules."""


def consumes(rules: Rules) -> tuple[type[Data], ...]:
    """``CONSUMES``, and what the rules start and stop at."""
    return tuple(dict.fromkeys((*CONSUMES, *rules.event_classes())))


def apply(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    """What an event does. Pure. Raises ``RefusedError`` for commands only."""
    # What happened first is told by the microsecond; what is done about it, by the millisecond.
    at, heard_at, data = micros(event.time), micros(context.now), event.data
    now = cut(heard_at)
    match data:
        case DeliveryReported():
            return reports.report(state, policy, data, cut(at), now, context.new_id)
        case OutreachRequested():
            return commands.request_outreach(state, policy, data, now, context.new_id)
        case ReplyRequested():
            return replies.send_reply(state, policy, data, now)
        case UnsubscribeRequested():
            return commands.unsubscribe(state, policy, data, heard_at)
    if state.erased:
        return nothing(state)
    if isinstance(data, TimerFired):
        return planning.on_timer(state, policy, data, now, context.new_id)
    name, fact = name_of(event), Fact(data, event_name(type(data)), at, min(at, heard_at), now)
    if name is not None:
        told = heard(state.names, name)
        if told is Heard.NEW:
            state = state.model_copy(update={"names": with_name(state.names, name, day_of(now))})
        elif told is Heard.OTHER and isinstance(data, PurchaseReturned):
            fact = replace(fact, again=True)  # of returns of one name the first that can be holds
        else:
            return nothing(state)  # a copy, whatever it says: the first holds
    return _fact(policy, state, fact, context)


def _fact(policy: Policy, state: Customer, fact: Fact, context: Context) -> Effects[Customer]:
    """What a fact says about the customer, whatever the rules, and what it means to these."""
    data, known = fact.data, nothing(state)
    match data:
        case Profile():
            known = customers.profile(state, data, fact.at)
        case ConsentChanged():
            known = customers.consent(state, policy, data, Moment(fact.by, fact.at), fact.now)
        case ComplaintsData() if (step := step_of(data, fact.at)) is not None:
            learnt = customers.complaint(state, policy, data.complaint_id, step, fact.now)
            if learnt is None:
                return nothing(state)  # told before
            known, fact = learnt, replace(fact, of=StepOf(data.complaint_id, step.at, step.kind))
        case SurveyAnswered() if (place := answer_of(data)) is not None:
            fact = replace(fact, answer=place.hex())
        case CustomerErased():
            known = customers.erase(state, fact.now)
    return then(known, lambda s: planning.on_fact(s, policy, fact, context.new_id))
