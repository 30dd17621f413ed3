"""What the sender says became of a message."""

from services.followup.domain.deliverability.heard import Receipt
from services.followup.domain.deliverability.receipts import learn, trace_of, traced
from services.followup.domain.effects import NewId, nothing, then
from services.followup.domain.journeys.goals import hoped
from services.followup.domain.planning import after_one
from services.followup.domain.policy import Policy
from services.followup.domain.rows import row
from services.followup.domain.sent import counted, told
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects, Emit
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.outreach import OutreachFailed, OutreachSent, OutreachSuppressed, SuppressionReason
from shared.schemas.times import Micros, moment

STALE = "stale"
"""A report's error when the sender found that the message came too late to be sent."""
ADDRESS = "address_suppressed: "
"""How a report's error begins when the channel found that it can never use the address; the rest says why."""
MOST_REFUSED = 10


def report(
    state: Customer, policy: Policy, data: DeliveryReported, at: Micros, now: Micros, new_id: NewId
) -> Effects[Customer]:
    """The sender says what became of a message, at ``at``. Of one not known as in flight, nothing is done."""
    flight = next((f for f in state.in_flight if f.outreach_id == data.outreach_id), None)
    effects = _reported(state, policy, data, at, now)
    return (
        effects if flight is None else then(effects, lambda s: after_one(s, policy, flight.rule, now, new_id))
    )


def _reported(
    state: Customer, policy: Policy, data: DeliveryReported, at: Micros, now: Micros
) -> Effects[Customer]:
    flight = next((f for f in state.in_flight if f.outreach_id == data.outreach_id), None)
    if flight is None or (flight.cancelled and data.status != "sent"):
        return nothing(_without_flight(state, data.outreach_id))
    after = _without_flight(state, data.outreach_id)
    if data.status == "failed" and data.error == STALE:
        return _dropped(after, flight, "stale", None, at)
    if data.status == "failed" and data.error is not None and data.error.startswith(ADDRESS):
        if flight.to is not None and flight.to not in after.refused:
            refused = (*after.refused, flight.to)[-MOST_REFUSED:]
            after = after.model_copy(update={"refused": refused})
        return _dropped(after, flight, "address_suppressed", data.error.removeprefix(ADDRESS), at)
    heard = nothing(after)
    if data.status != "failed":
        # In doubt it may have arrived: it counts.
        heard = traced(counted(after, policy, flight, at, now), policy, flight, at)
        heard = then(heard, lambda s: hoped(s, policy, flight, at, now))
    elif data.code is not None:
        # What a server refuses says the same as a message that comes back.
        heard = learn(after, policy, trace_of(flight, at), Receipt("bounced", None, data.code, at))
    fact = told(OutreachSent if data.status == "sent" else OutreachFailed, flight, data.attempt, at)
    status = "sent" if data.status == "sent" else "failed"
    sent_at = at if data.status == "sent" else None
    error = None if data.status == "sent" else (data.error or data.status)[:500]
    done = row(state.customer_id, flight, status, at, attempt=data.attempt, sent_at=sent_at, error=error)
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
        step=flight.step,
        variant=flight.variant,
    )
    dropped = row(state.customer_id, flight, "suppressed", at, reason=reason, error=detail)
    return Effects(state, emits=(Emit(fact, moment(at)),), rows=(dropped,))


def _without_flight(state: Customer, outreach_id: str) -> Customer:
    rest = tuple(f for f in state.in_flight if f.outreach_id != outreach_id)
    return state if len(rest) == len(state.in_flight) else state.model_copy(update={"in_flight": rest})
