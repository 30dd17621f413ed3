"""The one door to the domain: ``apply(policy, state, event, context)``."""

from dataclasses import replace
from datetime import datetime

from msgspec import structs

from services.followup.domain import commands, customers, planning, reports
from services.followup.domain.effects import nothing, then
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer
from shared.domain import Context, Effects
from shared.schemas.base import Data
from shared.schemas.commands import DeliveryReported, OutreachRequested, UnsubscribeRequested
from shared.schemas.complaints import ComplaintClosed, ComplaintOpened, ComplaintReopened, ComplaintResolved
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros

CONSUMES: tuple[type[Data], ...] = (
    CustomerRegistered,
    CustomerUpdated,
    ConsentChanged,
    CustomerErased,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintClosed,
    OutreachRequested,
    UnsubscribeRequested,
    DeliveryReported,
)
"""What the service must know, whatever its rules."""


def consumes(rules: Rules) -> tuple[type[Data], ...]:
    """``CONSUMES``, and what the rules start and stop at."""
    return tuple(dict.fromkeys((*CONSUMES, *rules.event_classes())))


def apply(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    """What an event does. Pure. Raises ``Refused`` for commands only."""
    if context.now.microsecond % 1000:
        context = replace(context, now=_milliseconds(context.now))
    if event.time.microsecond % 1000:
        event = structs.replace(event, time=_milliseconds(event.time))
    match event.data:
        case DeliveryReported() as data:
            return reports.report(state, policy, data, micros(event.time), micros(context.now))
        case OutreachRequested() as data:
            return commands.request_outreach(state, policy, data, context)
        case UnsubscribeRequested() as data:
            return commands.unsubscribe(state, policy, data, context)
    if state.erased:
        return nothing(state)
    if isinstance(event.data, TimerFired):
        return planning.on_timer(state, policy, event.data, context)
    known = _learn(state, policy, event, context)
    return then(known, lambda s: planning.on_event(s, policy, event, context))


def _milliseconds(time: datetime) -> datetime:
    """The time cut to what timers and rows keep, so that they and the state say the same."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _learn(state: Customer, policy: Policy, event: Event, context: Context) -> Effects[Customer]:
    """What an event says about the customer, whatever the rules."""
    at, now = micros(event.time), micros(context.now)
    match event.data:
        case CustomerRegistered() | CustomerUpdated() as data:
            return customers.profile(state, data, at)
        case ConsentChanged() as data:
            return customers.consent(state, policy, data, at, now)
        case ComplaintOpened() | ComplaintReopened() as data:
            return customers.complaint_open(state, policy, data.complaint_id, now)
        case ComplaintResolved() | ComplaintClosed() as data:
            return customers.complaint_over(state, data.complaint_id)
        case CustomerErased():
            return customers.erase(state, now)
    return nothing(state)
