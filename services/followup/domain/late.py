"""A mail that got too late for one message in it: the others are planned again, under their ids (ADR 42)."""

from collections.abc import Sequence

from services.followup.domain.cancellation import cancel_planned
from services.followup.domain.changes import with_plan
from services.followup.domain.journeys.goals import over
from services.followup.domain.policy import Policy
from services.followup.domain.rows import row
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Planned
from services.followup.domain.triggers import undone
from shared.domain import Effects, SetTimer
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import MILLISECOND, Micros, moment


def spared(policy: Policy, flights: Sequence[InFlight], at: Micros) -> list[InFlight]:
    """Those of a mail that was too late ``at`` that are not themselves; none where it may have arrived."""
    if any(flight.doubts for flight in flights):
        return []
    fresh = [one for one in flights if one.plan is not None and at <= _last_moment(policy, one)]
    return fresh if len(fresh) < len(flights) else []


def plan_again(
    state: Customer, policy: Policy, flight: InFlight, attempt: int, now: Micros
) -> Effects[Customer]:
    """It is decided anew, at once; tries of its mail go on being counted, as each is reported once. What took
    away its reason while it was with the sender takes it back now."""
    assert flight.plan is not None
    left = tuple(one for one in state.in_flight if one.outreach_id != flight.outreach_id)
    state = state.model_copy(update={"in_flight": left})
    tries = max(attempt, flight.tries, 1)
    again = flight.plan.model_copy(update={"held": None, "announced": True, "tries": tries})
    reason = _against(state, policy, again)
    if reason is not None:
        return cancel_planned(state, again, reason, now)
    # A timer fires once at an instant.
    return Effects(
        with_plan(state, again),
        timers=(SetTimer(again.timer, moment(now + MILLISECOND)),),
        rows=(row(state.customer_id, again, "scheduled", now, attempt=again.tries),),
    )


def _last_moment(policy: Policy, flight: InFlight) -> Micros:
    return flight.due_at + span(policy.at(flight.at).rules.stale(flight.rule))


def _against(state: Customer, policy: Policy, one: Planned) -> SuppressionReason | None:
    rule, anchor = policy.rule(one.rule, one.at), state.anchor(one.rule)
    broken = rule is not None and rule.restart and anchor is not None and anchor.order > one.order
    if broken or not state.counts(one.of) or undone(state, policy, one.key, one.order, one.bill) is not None:
        return "condition_unmet"
    return "goal_reached" if over(state, policy, one) else None
