"""The service's domain in one function: ``apply(policy, state, event, context)``."""

from dataclasses import replace

from msgspec import structs

from services.followup.domain import commands, customers, delivery, planning
from services.followup.domain.effects import nothing, then
from services.followup.domain.policy import Policy, milliseconds
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer
from shared.domain import Context, Effects
from shared.schemas.base import Data
from shared.schemas.commands import DeliveryReported, OutreachRequested, UnsubscribeRequested
from shared.schemas.complaints import ComplaintClosed, ComplaintOpened, ComplaintReopened, ComplaintResolved
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.timer import TimerFired

ALWAYS: tuple[type[Data], ...] = (
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


def consumes(rules: Rules) -> tuple[type[Data], ...]:
    """What the service must know, and what its rules start and stop at."""
    return tuple(dict.fromkeys((*ALWAYS, *rules.event_classes())))


def apply(policy: Policy, state: Customer, event: Event, context: Context) -> Effects[Customer]:
    """What an event does. Pure. Raises ``Refused`` for commands only."""
    if context.now.microsecond % 1000:
        context = replace(context, now=milliseconds(context.now))
    if event.time.microsecond % 1000:
        event = structs.replace(event, time=milliseconds(event.time))
    match event.data:
        case DeliveryReported():
            return delivery.report(state, policy, event, context.now)
        case OutreachRequested():
            return commands.request_outreach(state, policy, event, context)
        case UnsubscribeRequested():
            return commands.unsubscribe(state, policy, event, context)
    if state.erased:
        return nothing(state)
    if isinstance(event.data, TimerFired):
        return planning.on_timer(state, policy, event, context)
    known = _learn(state, policy, event, context)
    return then(known, lambda s: planning.on_event(s, policy, event, context))


def _learn(state: Customer, policy: Policy, event: Event, context: Context) -> Effects[Customer]:
    """What an event says about the customer, whatever the rules."""
    match event.data:
        case CustomerRegistered() | CustomerUpdated():
            return customers.profile(state, event)
        case ConsentChanged() as data:
            return customers.consent(state, policy, data, event.time, context.now)
        case ComplaintOpened() | ComplaintReopened() as data:
            return customers.complaint_open(state, policy, data.complaint_id, context.now)
        case ComplaintResolved() | ComplaintClosed() as data:
            return customers.complaint_over(state, data.complaint_id)
        case CustomerErased():
            return customers.erase(state, policy, event, context.now)
    return nothing(state)
