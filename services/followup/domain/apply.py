"""The one door to the domain: ``apply(policy, state, event, context)``."""

from datetime import datetime

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
from shared.schemas.times import MILLISECOND, Micros, micros

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
    """What an event does. Pure. Raises ``RefusedError`` for commands only."""
    at, now, data = _time(event.time), _time(context.now), event.data
    match data:
        case DeliveryReported():
            return reports.report(state, policy, data, at, now)
        case OutreachRequested():
            return commands.request_outreach(state, policy, data, now, context.new_id)
        case UnsubscribeRequested():
            return commands.unsubscribe(state, policy, data, now)
    if state.erased:
        return nothing(state)
    if isinstance(data, TimerFired):
        return planning.on_timer(state, policy, data, now, context.new_id)
    known = _learn(state, policy, data, at, now)
    return then(known, lambda s: planning.on_event(s, policy, data, at, now, context.new_id))


def _time(time: datetime) -> Micros:
    """Cut to the millisecond, which is what timers and rows keep: so they and the state say the same."""
    return micros(time) // MILLISECOND * MILLISECOND


def _learn(state: Customer, policy: Policy, data: Data, at: Micros, now: Micros) -> Effects[Customer]:
    """What an event says about the customer, whatever the rules."""
    match data:
        case CustomerRegistered() | CustomerUpdated():
            return customers.profile(state, data, at)
        case ConsentChanged():
            return customers.consent(state, policy, data, at, now)
        case ComplaintOpened() | ComplaintReopened():
            return customers.complaint_open(state, policy, data.complaint_id, now)
        case ComplaintResolved() | ComplaintClosed():
            return customers.complaint_over(state, data.complaint_id)
        case CustomerErased():
            return customers.erase(state, now)
    return nothing(state)
