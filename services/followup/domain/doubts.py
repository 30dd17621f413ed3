"""A message of which nobody knows whether it arrived: a service message is tried again, under the same name;
a marketing one never is (ADR 37)."""

from services.followup.domain.policy import Policy
from services.followup.domain.rows import REPEATS
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight
from shared.domain import Effects, Put
from shared.schemas.times import Micros, moment

MOST_DOUBTS = 3
"""As many tries in doubt, and it is left so."""
AGAIN: Micros = 60_000_000
"""From a try that is in doubt to the next: a minute."""


def repeats(policy: Policy, flight: InFlight, at: Micros) -> bool:
    """Whether it is tried again after a try that is in doubt, ``at``."""
    in_time = at + AGAIN <= flight.due_at + span(policy.at(flight.at).rules.stale(flight.rule))
    rule = policy.rule(flight.rule, flight.at)
    service = flight.purpose == "service" and (rule is None or rule.counts_as(flight.purpose) == "service")
    return service and not flight.cancelled and flight.doubts + 1 < MOST_DOUBTS and in_time


def repeat(state: Customer, flight: InFlight, attempt: int, at: Micros) -> Effects[Customer]:
    """It stays on its way. The sender is told that it may try again: it has the text, and only here is known
    that no report of the try came before."""
    doubtful = flight.model_copy(update={"doubts": flight.doubts + 1})
    flights = tuple(doubtful if f.outreach_id == flight.outreach_id else f for f in state.in_flight)
    on_its_way = state.model_copy(update={"in_flight": flights})
    if flight.mail not in (None, flight.outreach_id):  # it goes in the mail of another, which is told
        return Effects(on_its_way)
    order = {
        "_id": flight.outreach_id,
        "customer": flight.whose or state.customer_id,
        "channel": flight.channel,
        "attempt": attempt,
        "not_before": moment(at + AGAIN),
    }
    return Effects(on_its_way, rows=(Put(REPEATS, order),))
