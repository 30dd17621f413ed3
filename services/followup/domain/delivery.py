"""An outreach from its decision to the sender's report."""

from datetime import datetime, timedelta
from functools import partial

from services.followup.domain.decision import Candidate, Go, No, Wait, decide
from services.followup.domain.effects import nothing, then
from services.followup.domain.messages.templates import Message, TemplateFault
from services.followup.domain.policy import Policy, milliseconds
from services.followup.domain.rows import ready_row, row
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import (
    Customer,
    InFlight,
    Planned,
    Send,
    Unreached,
    with_plan,
    without_plan,
)
from shared.domain import CancelTimer, Effects, Emit, SetTimer
from shared.schemas.commands import DeliveryReported
from shared.schemas.event import Event
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
    SuppressionReason,
)

STALE = "stale"
"""A report's error when the sender found that the message came too late to be sent."""
CANCELLED_KEPT = timedelta(days=1)
"""How long the report of a cancelled message, which the sender may have sent, is still understood."""


def plan(state: Customer, planned: Planned, at: datetime, now: datetime) -> Effects[Customer]:
    """Put an outreach in the calendar, to be decided at ``at``, and announce it."""
    return Effects(
        with_plan(state, planned),
        emits=(_scheduled(planned, now),),
        timers=(SetTimer(planned.timer, at),),
        rows=(row(state.customer_id, planned, "scheduled", now),),
    )


def settle(state: Customer, policy: Policy, planned: Planned, now: datetime) -> Effects[Customer]:
    """Decide about an outreach that is due."""
    candidate = Candidate(planned.rule, planned.template, planned.purpose, planned.channel, planned.due_at)
    match decide(state, policy, candidate, now):
        case Wait(until):
            # Silently: a night would otherwise be an event a message.
            return Effects(with_plan(state, planned), timers=(SetTimer(planned.timer, until),))
        case No(reason):
            return _suppress(without_plan(state, planned.outreach_id), policy, planned, reason, now)
        case Go(to):
            return _hand_over(without_plan(state, planned.outreach_id), policy, planned, to, now)


def _hand_over(
    state: Customer, policy: Policy, planned: Planned, to: str, now: datetime
) -> Effects[Customer]:
    try:
        message = render(state, policy, planned)
    except TemplateFault as fault:
        return _unwritable(state, planned, str(fault), now)
    flight = InFlight(
        outreach_id=planned.outreach_id,
        key=planned.key,
        rule=planned.rule,
        template=planned.template,
        purpose=planned.purpose,
        channel=planned.channel,
        due_at=planned.due_at,
        decided_at=now,
    )
    kept = tuple(f for f in state.in_flight if not (f.cancelled and f.decided_at < now - CANCELLED_KEPT))
    return Effects(
        state.model_copy(update={"in_flight": (*kept, flight)}),
        emits=() if planned.announced else (_scheduled(planned, now),),
        rows=(ready_row(state, policy, planned, to, message, now),),
    )


def render(state: Customer, policy: Policy, planned: Planned) -> Message:
    """The text of a planned outreach as it would be now. Raises ``TemplateFault``."""
    return policy.templates.render(
        planned.template,
        state,
        planned.variables,
        sender=policy.rules.sender.name,
        unsubscribe_url=policy.unsubscribe_link(state.customer_id, planned.purpose, planned.channel),
        timezone=policy.rules.timezone,
    )


def _unwritable(state: Customer, planned: Planned, error: str, now: datetime) -> Effects[Customer]:
    data = OutreachFailed(
        outreach_id=planned.outreach_id,
        rule=planned.rule,
        channel=planned.channel,
        due_at=planned.due_at,
        attempt=0,
    )
    failed = row(state.customer_id, planned, "failed", now, attempt=0, error=error[:500])
    return Effects(state, emits=(Emit(data, now),), rows=(failed,))


def _suppress(
    state: Customer, policy: Policy, planned: Planned, reason: SuppressionReason, now: datetime
) -> Effects[Customer]:
    rule = policy.rules.rule(planned.rule)
    if reason in ("no_consent", "condition_unmet") and rule and rule.at_most_one_in:
        others = tuple(u for u in state.unreached if u.rule != rule.name)
        state = state.model_copy(update={"unreached": (*others, Unreached(rule=rule.name, at=now))})
    data = OutreachSuppressed(outreach_id=planned.outreach_id, rule=planned.rule, reason=reason)
    return Effects(
        state,
        emits=(Emit(data, now),),
        rows=(row(state.customer_id, planned, "suppressed", now, reason=reason),),
    )


def _scheduled(planned: Planned, now: datetime) -> Emit:
    data = OutreachScheduled(
        outreach_id=planned.outreach_id,
        rule=planned.rule,
        channel=planned.channel,
        due_at=planned.due_at,
        attempt=0,
    )
    return Emit(data, now)


def cancel_planned(
    state: Customer, planned: Planned, reason: SuppressionReason, now: datetime
) -> Effects[Customer]:
    """Take an outreach out of the calendar; what was never announced goes without a word."""
    after = without_plan(state, planned.outreach_id)
    timers = (CancelTimer(planned.timer),)
    if not planned.announced:
        return Effects(after, timers=timers)
    data = OutreachCancelled(outreach_id=planned.outreach_id, rule=planned.rule, reason=reason)
    return Effects(
        after,
        emits=(Emit(data, now),),
        timers=timers,
        rows=(row(state.customer_id, planned, "cancelled", now, reason=reason),),
    )


def cancel_flight(
    state: Customer, flight: InFlight, reason: SuppressionReason, now: datetime
) -> Effects[Customer]:
    """Take back a message from the sender. If it was faster, its report says so and counts."""
    taken_back = flight.model_copy(update={"cancelled": True})
    flights = tuple(taken_back if f.outreach_id == flight.outreach_id else f for f in state.in_flight)
    data = OutreachCancelled(outreach_id=flight.outreach_id, rule=flight.rule, reason=reason)
    return Effects(
        state.model_copy(update={"in_flight": flights}),
        emits=(Emit(data, now),),
        rows=(row(state.customer_id, flight, "cancelled", now, reason=reason),),
    )


def cancel_flights(
    state: Customer,
    policy: Policy,
    reason: SuppressionReason,
    now: datetime,
    *,
    purposes: frozenset[str] | None = None,
    channel: str | None = None,
    key: str | None = None,
) -> Effects[Customer]:
    """Take back what is with the sender and matches. Under the stream clock, where a message counts as
    sent when decided, only an erasure takes back."""
    effects = nothing(state)
    if policy.event_time and reason != "erased":
        return effects
    for flight in state.in_flight:
        wanted = (
            not flight.cancelled
            and (purposes is None or flight.purpose in purposes)
            and (channel is None or flight.channel == channel)
            and (key is None or flight.key == key)
        )
        if wanted:
            effects = then(effects, partial(cancel_flight, flight=flight, reason=reason, now=now))
    return effects


def report(state: Customer, policy: Policy, event: Event, now: datetime) -> Effects[Customer]:
    """The sender says what became of a message. Of one not known as in flight, nothing is done."""
    data = event.data
    assert isinstance(data, DeliveryReported)
    flight = next((f for f in state.in_flight if f.outreach_id == data.outreach_id), None)
    if flight is None or (flight.cancelled and data.status != "sent"):
        return nothing(_without_flight(state, data.outreach_id))
    at = milliseconds(event.time)
    after = _without_flight(state, data.outreach_id)
    if data.status == "failed" and data.error == STALE:
        dropped = OutreachSuppressed(outreach_id=flight.outreach_id, rule=flight.rule, reason="stale")
        late = row(state.customer_id, flight, "suppressed", at, reason="stale")
        return Effects(after, emits=(Emit(dropped, at),), rows=(late,))
    if data.status != "failed":
        # In doubt it may have arrived: it counts.
        send = Send(rule=flight.rule, purpose=flight.purpose, at=at)
        after = after.model_copy(update={"sends": _recent((*after.sends, send), policy.rules, now)})
    fact = (OutreachSent if data.status == "sent" else OutreachFailed)(
        outreach_id=flight.outreach_id,
        rule=flight.rule,
        channel=flight.channel,
        due_at=flight.due_at,
        attempt=data.attempt,
    )
    status = "sent" if data.status == "sent" else "failed"
    result = {"sent_at": at} if status == "sent" else {"error": (data.error or data.status)[:500]}
    done = row(state.customer_id, flight, status, at, attempt=data.attempt, **result)
    return Effects(after, emits=(Emit(fact, at),), rows=(done,))


def _without_flight(state: Customer, outreach_id: str) -> Customer:
    rest = tuple(f for f in state.in_flight if f.outreach_id != outreach_id)
    return state if len(rest) == len(state.in_flight) else state.model_copy(update={"in_flight": rest})


def _recent(sends: tuple[Send, ...], rules: Rules, now: datetime) -> tuple[Send, ...]:
    """Those that an interval or the cap can still see."""
    cap = rules.frequency_cap
    capped = cap.purposes if cap else frozenset()
    spaced = {rule.name for rule in rules.rules if rule.at_most_one_in}
    after = now - rules.horizon()
    return tuple(s for s in sends if s.at > after and (s.purpose in capped or s.rule in spaced))
