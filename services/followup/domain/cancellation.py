"""Taking back an outreach that is planned, or that is with the sender."""

from collections.abc import Callable
from functools import partial

from services.followup.domain.changes import with_plan, without_plan
from services.followup.domain.effects import nothing, then
from services.followup.domain.gate.verdicts import No
from services.followup.domain.policy import Policy
from services.followup.domain.rows import row
from services.followup.domain.state import Customer, InFlight, Outreach, Planned
from shared.domain import CancelTimer, Effects, Emit, SetTimer
from shared.schemas.outreach import OutreachCancelled, SuppressionReason
from shared.schemas.times import MILLISECOND, Micros, moment

APART: frozenset[SuppressionReason] = frozenset({"condition_unmet", "duplicate", "goal_reached"})
"""Reasons that are a single message's. The others are of all that go in one mail (``gate.mates.Kind``)."""


def cancel_planned(
    state: Customer, planned: Planned, reason: SuppressionReason, now: Micros, *, waits: bool = False
) -> Effects[Customer]:
    """Take an outreach out of the calendar. Where its trigger only ``waits`` for another turn, what was never
    announced goes without a word: that turn's message will have the word."""
    after, freed = _freed(without_plan(state, planned.outreach_id), now)
    timers: tuple[SetTimer | CancelTimer, ...] = (CancelTimer(planned.timer), *freed)
    if waits and not planned.announced:
        return Effects(after, timers=timers)
    data = _cancelled(planned, reason)
    return Effects(
        after,
        emits=(Emit(data, moment(now)),),
        timers=timers,
        rows=(row(state.customer_id, planned, "cancelled", now, no=No(reason)),),
    )


def _freed(state: Customer, now: Micros) -> tuple[Customer, tuple[SetTimer, ...]]:
    """What yielded to another, or waited for its mail, is decided anew, since it may have been for this one;
    not now, as a timer fires once at an instant."""
    then = now + MILLISECOND
    waits = ("outranked", "bundle")
    held = [one for one in state.planned if one.held is not None and one.held.reason in waits]
    for one in held:
        assert one.held is not None
        again = one.held.model_copy(update={"until": then})
        state = with_plan(state, one.model_copy(update={"held": again}))
    return state, tuple(SetTimer(one.timer, moment(then)) for one in held)


def cancel_flight(
    state: Customer, flight: InFlight, reason: SuppressionReason, now: Micros
) -> Effects[Customer]:
    """Take back a message from the sender. If it was faster, its report says so and counts."""
    taken_back = flight.model_copy(update={"cancelled": True, "plan": None})
    flights = tuple(taken_back if f.outreach_id == flight.outreach_id else f for f in state.in_flight)
    data = _cancelled(flight, reason)
    return Effects(
        state.model_copy(update={"in_flight": flights}),
        emits=(Emit(data, moment(now)),),
        rows=(row(state.customer_id, flight, "cancelled", now, no=No(reason)),),
    )


def _cancelled(outreach: Outreach, reason: SuppressionReason) -> OutreachCancelled:
    return OutreachCancelled(
        outreach_id=outreach.outreach_id,
        rule=outreach.rule,
        reason=reason,
        blocked_by=(reason,),
        step=outreach.step,
        variant=outreach.variant,
    )


def cancel_flights(
    state: Customer,
    policy: Policy,
    reason: SuppressionReason,
    now: Micros,
    which: Callable[[InFlight], bool],
) -> Effects[Customer]:
    """Take back what is with the sender. Under the stream clock, where a message counts as sent when
    decided, nothing is taken back. One mail is taken back as a whole: what is so of one message in it
    alone (``APART``) takes nothing back."""
    effects = nothing(state)
    if policy.event_time:
        return effects
    for flight in state.in_flight:
        if not flight.cancelled and which(flight) and not (flight.mail and reason in APART):
            effects = then(effects, partial(cancel_flight, flight=flight, reason=reason, now=now))
    return effects
