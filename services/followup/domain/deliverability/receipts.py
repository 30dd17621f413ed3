"""What is heard of a message after it was handed over: told once each, in whatever order it comes. Pure."""

from collections.abc import Container
from functools import partial
from typing import assert_never

from services.followup.domain.deliverability.guard import counted
from services.followup.domain.deliverability.heard import RECEIPTS, Receipt, Trace
from services.followup.domain.deliverability.suppression import with_bounce, with_complaint
from services.followup.domain.effects import nothing, then
from services.followup.domain.merging.causes import cause_of
from services.followup.domain.policy import Policy
from services.followup.domain.results.cells import cell_of_outreach
from services.followup.domain.rows import receipt_row
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects, Emit
from shared.mail.bounces import verdict
from shared.schemas.outreach import OutreachBounced, OutreachComplained, OutreachDelivered
from shared.schemas.times import DAY, Micros, moment

KEPT = 90 * DAY
"""How long something may be heard of a message."""
MOST_TRACES = 100
MOST_EARLY = 4
"""How many receipts of a message wait for its sender's own report."""


def report(
    state: Customer, policy: Policy, name: str, receipt: Receipt, which: Container[str]
) -> Effects[Customer]:
    """Something is heard of a message, and of all that went in its mail, or ``which`` of it."""
    flights = [f for f in state.in_flight if name in (f.outreach_id, f.mail) and f.outreach_id in which]
    traces = [t for t in traces_of(state, name) if t.outreach_id in which]
    effects = nothing(state)
    for flight in flights:  # the other side was faster than the sender's report
        effects = then(effects, partial(_early, flight=flight, receipt=receipt))
    for trace in traces:  # of one mail it is heard of all that went in it
        effects = then(effects, partial(learn, policy=policy, trace=trace, receipt=receipt))
    return effects


def traces_of(state: Customer, name: str) -> list[Trace]:
    """Of what went in the mail of that message, itself among them."""
    return [trace for trace in state.traces if name in (trace.outreach_id, trace.mail)]


def _early(state: Customer, flight: InFlight, receipt: Receipt) -> Effects[Customer]:
    heard = (*flight.heard, receipt)[:MOST_EARLY]
    noted = flight.model_copy(update={"heard": heard})
    flights = tuple(noted if f is flight else f for f in state.in_flight)
    return nothing(state.model_copy(update={"in_flight": flights}))


def traced(state: Customer, policy: Policy, flight: InFlight, at: Micros) -> Effects[Customer]:
    """The message went, or may have: what is heard of it is understood from now on, and what was already."""
    new = trace_of(policy, flight, at)
    kept = tuple(t for t in state.traces if t.at > at - KEPT and t.outreach_id != new.outreach_id)
    after = state.model_copy(update={"traces": (*kept, new)[-MOST_TRACES:]})
    effects = Effects(after, rows=counted(new, sent=1))
    for receipt in flight.heard:
        effects = then(
            effects, partial(_learn_of, policy=policy, outreach_id=new.outreach_id, receipt=receipt)
        )
    return effects


def trace_of(policy: Policy, flight: InFlight, at: Micros) -> Trace:
    counts_as = policy.at(flight.at).rules.counts_as(flight.rule, flight.purpose)
    told = (flight.outreach_id, flight.rule, flight.channel, counts_as, flight.to, at)
    return Trace(
        *told,
        cell=cell_of_outreach(flight).key,
        domain=flight.domain,
        mail=flight.mail,
        cause=cause_of(flight),
        whose=flight.whose,
    )


def _learn_of(state: Customer, policy: Policy, outreach_id: str, receipt: Receipt) -> Effects[Customer]:
    trace = next(t for t in state.traces if t.outreach_id == outreach_id)
    return learn(state, policy, trace, receipt)


def learn(state: Customer, policy: Policy, trace: Trace, receipt: Receipt) -> Effects[Customer]:
    """What a receipt says of the message, once, and of its address."""
    bit = 1 << RECEIPTS.index(receipt.what)
    first = not trace.heard & bit
    after, kind, counts = state, receipt.kind, {"complained": 1}
    match receipt.what:
        case "delivered":
            counts = {}
            fact: OutreachDelivered | OutreachBounced | OutreachComplained = OutreachDelivered(
                outreach_id=trace.outreach_id, rule=trace.rule
            )
        case "bounced":
            found = verdict(receipt.kind, receipt.code)
            # A full mailbox says nothing of us.
            kind, counts = found.kind, {"bounced": int(found.kind == "hard" or not found.about_address)}
            fact = OutreachBounced(
                outreach_id=trace.outreach_id, rule=trace.rule, kind=kind, code=receipt.code
            )
            if found.about_address:
                after = with_bounce(
                    state, policy, trace, hard=kind == "hard", code=receipt.code, at=receipt.at
                )
        case "complained":
            fact = OutreachComplained(outreach_id=trace.outreach_id, rule=trace.rule)
            after = with_complaint(state, trace, receipt.at)
        case never:
            assert_never(never)
    if not first:
        return nothing(after)
    told = trace._replace(heard=trace.heard | bit)
    traces = tuple(told if t.outreach_id == trace.outreach_id else t for t in after.traces)
    row = receipt_row(trace.whose or state.customer_id, trace.outreach_id, receipt._replace(kind=kind))
    after = after.model_copy(update={"traces": traces})
    traffic = counted(trace, **counts) if any(counts.values()) else ()
    return Effects(after, emits=(Emit(fact, moment(receipt.at)),), rows=(row, *traffic))
