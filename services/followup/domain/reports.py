"""What the sender says became of a message."""

from collections.abc import Container
from functools import partial

from services.followup.domain.deliverability.guard import counted as counted_traffic
from services.followup.domain.deliverability.heard import Receipt
from services.followup.domain.deliverability.receipts import learn, trace_of, traced
from services.followup.domain.deliverability.suppression import WORDS, with_known
from services.followup.domain.doubts import repeat, repeats
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.gate.verdicts import No
from services.followup.domain.journeys.goals import hoped
from services.followup.domain.late import plan_again, spared
from services.followup.domain.planning import after_one
from services.followup.domain.policy import Policy
from services.followup.domain.rows import row
from services.followup.domain.sent import counted, told
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects, Emit
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.outreach import OutreachFailed, OutreachSent, OutreachSuppressed, SuppressionReason
from shared.schemas.times import Micros, moment

STALE: SuppressionReason = "stale"
RATE_LIMITED: SuppressionReason = "rate_limited"
"""A report's error when the sender found that the message came too late to be sent: for whatever reason, or
since the channel's rate limit held it back so long."""
ADDRESS = "address_suppressed: "
"""How a report's error begins when the channel found that it can never use the address; the rest says why."""
UNWANTED = "unwanted: "
"""How one begins when the address was suppressed as somebody was erased; the rest is why."""
MOST_REFUSED = 10


def report(
    state: Customer,
    policy: Policy,
    data: DeliveryReported,
    which: Container[str],
    at: Micros,
    now: Micros,
    new_id: NewId,
) -> Effects[Customer]:
    """The sender says what became of a message, at ``at``, and of all that went in its mail, or ``which`` of
    it. A mail in doubt is tried again as a whole, or not at all."""
    effects = nothing(state)
    flights = [flight for flight in in_mail(state, data.outreach_id) if flight.outreach_id in which]
    if data.status == "in_doubt" and any(flight.heard and not flight.cancelled for flight in flights):
        data = data.model_copy(update={"status": "sent"})  # who is heard of has had it
    again = data.status == "in_doubt" and all(repeats(policy, flight, at) for flight in flights)
    is_late = data.status == "failed" and data.error in (STALE, RATE_LIMITED)
    planned_again = spared(policy, flights, at) if is_late else []
    for flight in flights:
        told = data.model_copy(update={"outreach_id": flight.outreach_id})
        if again:
            effects = then(effects, partial(repeat, flight=flight, attempt=data.attempt, at=at))
            continue
        if flight in planned_again:
            step = partial(plan_again, policy=policy, flight=flight, attempt=data.attempt, now=now)
            effects = then(effects, step)
        else:
            effects = then(effects, partial(_reported, policy=policy, data=told, at=at, now=now))
        behind = partial(after_one, policy=policy, one=flight, decided_at=flight.decided_at)
        effects = then(effects, partial(behind, now=now, new_id=new_id))
    return effects


def in_mail(state: Customer, outreach_id: str) -> list[InFlight]:
    """What is with the sender in the mail of that message, itself among them."""
    return [f for f in state.in_flight if outreach_id in (f.outreach_id, f.mail)]


def _reported(
    state: Customer, policy: Policy, data: DeliveryReported, at: Micros, now: Micros
) -> Effects[Customer]:
    flight = next((f for f in state.in_flight if f.outreach_id == data.outreach_id), None)
    if flight is None or (flight.cancelled and data.status != "sent"):
        return nothing(_without_flight(state, data.outreach_id))
    after = _without_flight(state, data.outreach_id)
    if flight.doubts and data.status != "sent":
        # A later try says nothing of the one in doubt.
        return _final(after, policy, flight, data.model_copy(update={"status": "in_doubt"}), at, now)
    late = next((reason for reason in (STALE, RATE_LIMITED) if reason == data.error), None)
    if data.status == "failed" and late is not None:
        return _dropped(after, flight, late, None, at)
    if data.status == "failed" and data.error is not None and data.error.startswith(ADDRESS):
        if flight.to is not None and flight.to not in after.refused:
            refused = (*after.refused, flight.to)[-MOST_REFUSED:]
            after = after.model_copy(update={"refused": refused})
        return _dropped(after, flight, "address_suppressed", data.error.removeprefix(ADDRESS), at)
    if data.status == "failed" and data.error is not None and data.error.startswith(UNWANTED):
        why = data.error.removeprefix(UNWANTED)
        after = with_known(after, trace_of(policy, flight, at), why, at)
        return _dropped(after, flight, "address_suppressed", WORDS[why], at)
    return _final(after, policy, flight, data, at, now)


def settle(
    state: Customer, policy: Policy, outreach_id: str, at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """Something is heard of a message in doubt that would be tried again: it had arrived."""
    effects = nothing(state)
    for flight in in_mail(state, outreach_id):
        if flight.doubts and flight.heard and not flight.cancelled:
            effects = then(effects, partial(_arrived, policy=policy, flight=flight, at=at, now=now))
            behind = partial(after_one, policy=policy, one=flight, decided_at=flight.decided_at)
            effects = then(effects, partial(behind, now=now, new_id=new_id))
    return effects


def _arrived(state: Customer, policy: Policy, flight: InFlight, at: Micros, now: Micros) -> Effects[Customer]:
    name = flight.outreach_id
    data = DeliveryReported(outreach_id=name, status="sent", attempt=flight.doubts)
    return _final(_without_flight(state, name), policy, flight, data, at, now)


def _final(
    after: Customer, policy: Policy, flight: InFlight, data: DeliveryReported, at: Micros, now: Micros
) -> Effects[Customer]:
    """The message went, was refused for good, or is left in doubt."""
    heard = nothing(after)
    if data.code is not None:
        # What a server refuses says the same as a message that comes back.
        bounced = Receipt("bounced", None, data.code, at)
        flight = flight.model_copy(update={"heard": (*flight.heard, bounced)})
    if data.status != "failed":
        # In doubt it may have arrived: it counts.
        heard = traced(counted(after, policy, flight, at, now), policy, flight, at)
        heard = then(heard, lambda s: hoped(s, policy, flight, at, now))
    elif data.code is not None:
        trace = trace_of(policy, flight, at)
        tried = Effects(after, rows=counted_traffic(trace, sent=1))
        heard = then(tried, lambda s: learn(s, policy, trace, bounced))
    fact = told(OutreachSent if data.status == "sent" else OutreachFailed, flight, data.attempt, at)
    sent_at = at if data.status == "sent" else None
    error = None if data.status == "sent" else (data.error or data.status)[:500]
    done = row(
        after.customer_id,
        flight,
        data.status,
        at,
        attempt=data.attempt,
        doubts=flight.doubts,
        sent_at=sent_at,
        error=error,
    )
    return Effects(heard.state, (fact, *heard.emits), rows=(done, *heard.rows))


def _dropped(
    state: Customer, flight: InFlight, reason: SuppressionReason, detail: str | None, at: Micros
) -> Effects[Customer]:
    """The sender did not try, and nobody will."""
    fact = OutreachSuppressed(
        outreach_id=flight.outreach_id,
        rule=flight.rule,
        reason=reason,
        detail=detail,
        blocked_by=(reason,),
        step=flight.step,
        variant=flight.variant,
    )
    dropped = row(state.customer_id, flight, "suppressed", at, no=No(reason, detail))
    return Effects(state, emits=(Emit(fact, moment(at)),), rows=(dropped,))


def _without_flight(state: Customer, outreach_id: str) -> Customer:
    rest = tuple(f for f in state.in_flight if f.outreach_id != outreach_id)
    return state if len(rest) == len(state.in_flight) else state.model_copy(update={"in_flight": rest})
