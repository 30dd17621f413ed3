"""An outreach from the calendar to the sender."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from services.followup.domain.changes import with_plan, without_plan, without_plans
from services.followup.domain.deliverability.guard import recipient_domain
from services.followup.domain.deliverability.receipts import traced
from services.followup.domain.effects import nothing, then
from services.followup.domain.gate.complaint import complaint_of
from services.followup.domain.gate.decision import decide
from services.followup.domain.gate.kept import Held, Unreached
from services.followup.domain.gate.mates import in_order
from services.followup.domain.gate.verdicts import Go, Mate, No, Wait
from services.followup.domain.journeys.goals import hoped
from services.followup.domain.links import Subscription, for_template
from services.followup.domain.messages.bundle import Section, in_one
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.messages.faults import TemplateFaultError
from services.followup.domain.policy import Policy
from services.followup.domain.rows import ready_row, row
from services.followup.domain.rules.rule import DEFAULT_CHANNEL
from services.followup.domain.rules.times import span
from services.followup.domain.sent import counted, told
from services.followup.domain.state import Customer, InFlight, Outreach, Planned, address_mark
from services.followup.domain.tasks import TASKS, opened, plan_of
from shared.domain import CancelTimer, Effects, Emit, SetTimer
from shared.schemas.outreach import (
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
    SuppressionReason,
)
from shared.schemas.times import DAY, Micros, maybe_moment, moment

UNREACHED: frozenset[SuppressionReason] = frozenset({"no_consent", "condition_unmet", "address_suppressed"})
"""The customer could not be reached: within the interval of its rule that is told once."""
CANCELLED_KEPT = DAY
"""How long the report of a cancelled message, which the sender may have sent, is still understood."""


def plan(state: Customer, planned: Planned, at: Micros, now: Micros) -> Effects[Customer]:
    """Put an outreach in the calendar, to be decided at ``at``, and announce it."""
    return Effects(
        with_plan(state, planned),
        emits=(_scheduled(planned, now),),
        timers=(SetTimer(planned.timer, moment(at)),),
        rows=(row(state.customer_id, planned, "scheduled", now),),
    )


def plan_silently(state: Customer, planned: Planned, at: Micros, now: Micros) -> Effects[Customer]:
    """Put an outreach in the calendar that is told of when it goes."""
    return Effects(with_plan(state, planned), timers=(SetTimer(planned.timer, moment(at)),))


def settle(state: Customer, policy: Policy, planned: Planned, now: Micros) -> Effects[Customer]:
    """Decide about an outreach that is due."""
    match decide(state, policy, planned, now):
        case Wait() as wait:
            # Silently: else every message of a night would be one more event.
            held = Held(reason=wait.reason, until=wait.until, detail=wait.detail)
            waits = with_plan(state, planned.model_copy(update={"held": held}))
            return Effects(waits, timers=(SetTimer(planned.timer, moment(wait.until)),))
        case No() as no:
            return suppress(without_plan(state, planned.outreach_id), policy, planned, no, now)
        case Go(mates=()) as go:
            rest = without_plan(state, planned.outreach_id)
            chosen = planned.model_copy(update={"channel": go.channel})
            return hand_over(rest, policy, chosen, go, partial(render, rest, policy, chosen), now)
        case Go() as go:
            return send_together(state, policy, (Mate(planned, go), *go.mates), now)


def hand_over(
    state: Customer, policy: Policy, planned: Planned, go: Go, write: Callable[[], Message], now: Micros
) -> Effects[Customer]:
    """Give the sender what ``write`` makes, which raises ``TemplateFaultError`` where that cannot be."""
    try:
        message = write()
    except TemplateFaultError as fault:
        return _unwritable(state, planned, str(fault), now)
    flight = _flight(policy, planned, go, now)
    announced = () if planned.announced else (_scheduled(planned, now),)
    if planned.channel in TASKS:
        return then(Effects(state, announced), lambda s: _give(s, policy, flight, message.text, now))
    return Effects(
        _with_flights(state, (flight,), now),
        emits=announced,
        rows=(ready_row(state, policy, flight, go.to, message, now),),
    )


def send_together(state: Customer, policy: Policy, parts: Sequence[Mate], now: Micros) -> Effects[Customer]:
    """Give the sender several messages as one mail, those of the highest priority first: one row, that of the
    first, is the mail; those of the others say in which they go. One that cannot be written fails alone."""
    by_id = {one.outreach.outreach_id: one for one in parts}
    effects = nothing(without_plans(state, by_id))
    written: list[tuple[Planned, Section]] = []
    for one in in_order(policy, [part.outreach for part in parts]):
        try:
            written.append((one, section(state, policy, one)))
        except TemplateFaultError as fault:
            effects = then(effects, partial(_unwritable, outreach=one, error=str(fault), now=now))
    if not written:
        return effects
    first, message = written[0][0], mail_of(state, policy, written)
    mail = first.outreach_id if len(written) > 1 else None
    flights = [_flight(policy, one, by_id[one.outreach_id].go, now, mail=mail) for one, _ in written]
    to = by_id[first.outreach_id].go.to
    expires = min(flight.due_at + span(policy.rules.stale(flight.rule)) for flight in flights)
    ready = ready_row(state, policy, flights[0], to, message, now, expires=expires)
    rows = [
        ready,
        *(row(state.customer_id, flight, "ready", now, attempt=flight.tries) for flight in flights[1:]),
    ]
    emits = [_scheduled(one, now) for one, _ in written if not one.announced]
    timers = [CancelTimer(one.outreach.timer) for one in parts[1:]]
    sent = Effects(_with_flights(effects.state, flights, now), tuple(emits), tuple(timers), tuple(rows))
    return then(effects, lambda _: sent)


def mail_of(state: Customer, policy: Policy, written: Sequence[tuple[Planned, Section]]) -> Message:
    """The one mail of these, in this order."""
    url = unsubscribe_url(state, policy, written[0][0], DEFAULT_CHANNEL)
    return in_one([section for _, section in written], policy.channels[DEFAULT_CHANNEL], url)


def _flight(policy: Policy, planned: Planned, go: Go, now: Micros, mail: str | None = None) -> InFlight:
    counts_as = policy.rules.counts_as(planned.rule, planned.purpose)
    told = {name: getattr(planned, name) for name in Outreach.model_fields}
    return InFlight(
        **{**told, "channel": go.channel},
        decided_at=now,
        to=address_mark(go.channel, go.to),
        domain=recipient_domain(go.channel, counts_as, go.to),
        consent=go.consent,
        asks=policy.templates.asks(planned.template),
        mail=mail,
        plan=None if mail is None else planned,
    )


def _with_flights(state: Customer, flights: Sequence[InFlight], now: Micros) -> Customer:
    since = now - CANCELLED_KEPT
    kept = tuple(f for f in state.in_flight if not (f.cancelled and f.decided_at < since))
    return state.model_copy(update={"in_flight": (*kept, *flights)})


def _give(state: Customer, policy: Policy, flight: InFlight, text: str, now: Micros) -> Effects[Customer]:
    """Open the task that a team has of it: with that it is sent."""
    plan = plan_of(policy, flight)
    if plan is None or not text:
        why = "there is nothing to say" if plan else "no team is named for it"
        return _unwritable(state, flight, why, now)
    task = opened(plan, flight, state.customer_id, text, now)
    sent = row(state.customer_id, flight, "sent", now, attempt=1, sent_at=now)
    emits = (task, told(OutreachSent, flight, 1, now))
    gone = traced(counted(state, policy, flight, now, now), policy, flight, now)
    heard = then(gone, lambda s: hoped(s, policy, flight, now, now))
    return Effects(heard.state, (*emits, *heard.emits), rows=(sent,))


def render(state: Customer, policy: Policy, planned: Planned) -> Message:
    """The text of a planned outreach as it would be now. Raises ``TemplateFaultError``."""
    channel = policy.channels[planned.channel]
    told = _given(state, policy, planned, planned.channel)
    thread = _thread(state, policy, planned)
    return policy.templates.render(planned.template, channel, state, planned.variables, thread=thread, **told)


def _thread(state: Customer, policy: Policy, planned: Planned) -> Thread | None:
    """A mail about a complaint answers the one that this was made by."""
    of = complaint_of(planned, policy.rules.rule(planned.rule))
    complaint = None if of is None or planned.channel != DEFAULT_CHANNEL else state.complaint(of)
    return None if complaint is None or complaint.message is None else Thread(None, complaint.message)


def section(state: Customer, policy: Policy, planned: Planned) -> Section:
    """The same as a section of a mail with others. Raises ``TemplateFaultError``."""
    channel = policy.channels[DEFAULT_CHANNEL]
    told = _given(state, policy, planned, DEFAULT_CHANNEL)
    return policy.templates.section(planned.template, channel, state, planned.variables, **told)


def _given(state: Customer, policy: Policy, planned: Planned, channel: str) -> dict[str, Any]:
    """What templates are given beside their variables."""
    return {
        "sender": policy.rules.sender.name,
        "unsubscribe_url": unsubscribe_url(state, policy, planned, channel),
        "links": for_template(
            policy.links, policy.rules.surveys, planned.whose or state.customer_id, planned, state.locale
        ),
        "timezone": policy.rules.timezone,
        "locale": policy.rules.locale,
    }


def unsubscribe_url(state: Customer, policy: Policy, planned: Planned, channel: str) -> str:
    """What goes in one mail has one, as purpose, channel and topic are the same."""
    rule = policy.rules.rule(planned.rule)
    topic = None if rule is None else rule.topic
    return policy.links.unsubscribe(
        Subscription(planned.whose or state.customer_id, planned.purpose, channel, topic)
    )


def _unwritable(state: Customer, outreach: Outreach, error: str, now: Micros) -> Effects[Customer]:
    failed = row(state.customer_id, outreach, "failed", now, attempt=0, error=error[:500])
    return Effects(state, emits=(told(OutreachFailed, outreach, 0, now),), rows=(failed,))


def suppress(state: Customer, policy: Policy, planned: Planned, no: No, now: Micros) -> Effects[Customer]:
    """Tell that it does not go, and why; whether it was told of before or not."""
    rule = policy.rules.rule(planned.rule)
    if no.reason in UNREACHED and rule and rule.at_most_one_in:
        others = tuple(u for u in state.unreached if u.rule != rule.name)
        state = state.model_copy(update={"unreached": (*others, Unreached(rule=rule.name, at=now))})
    data = OutreachSuppressed(
        outreach_id=planned.outreach_id,
        rule=planned.rule,
        reason=no.reason,
        detail=no.detail,
        step=planned.step,
        variant=planned.variant,
        next_at=maybe_moment(no.next_at),
        blocked_by=no.blocked_by,
    )
    dropped = row(state.customer_id, planned, "suppressed", now, no=no)
    return Effects(state, emits=(Emit(data, moment(now)),), rows=(dropped,))


def _scheduled(planned: Planned, now: Micros) -> Emit:
    return told(OutreachScheduled, planned, 0, now)
