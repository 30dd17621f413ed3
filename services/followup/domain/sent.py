"""A message that went, or may have: what it counts for from then on, and what is told of it."""

from typing import TypeVar

from services.followup.domain.policy import Policy
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Outreach, Send
from shared.domain import Emit
from shared.schemas.outreach import OutreachAttempt
from shared.schemas.times import DAY, Micros, moment

SENDS_KEPT = 180 * DAY
MOST_SENDS = 100
"""How long, and how many of, the messages that were sent are kept where conditions ask about them."""

A = TypeVar("A", bound=OutreachAttempt)


def counted(state: Customer, policy: Policy, flight: InFlight, at: Micros, now: Micros) -> Customer:
    """The message went ``at``, as is heard now: it counts for caps and intervals, and what came of the same
    while it was planned has had its message."""
    send = Send(rule=flight.rule, purpose=flight.purpose, at=at)
    return state.model_copy(
        update={
            "sends": _recent((*state.sends, send), policy, now),
            "waiting": tuple(w for w in state.waiting if w.key != flight.key or w.by > flight.decided_at),
        }
    )


def told(kind: type[A], outreach: Outreach, attempt: int, at: Micros) -> Emit:
    """A fact of the outreach's way."""
    fact = kind(
        outreach_id=outreach.outreach_id,
        rule=outreach.rule,
        step=outreach.step,
        variant=outreach.variant,
        channel=outreach.channel,
        due_at=moment(outreach.due_at),
        attempt=attempt,
    )
    return Emit(fact, moment(at))


def _recent(sends: tuple[Send, ...], policy: Policy, now: Micros) -> tuple[Send, ...]:
    """Those that an interval, the cap or a condition of any version can still see."""
    if any(rules.names_sends() for rules in policy.every):
        since = now - max(SENDS_KEPT, *(span(rules.horizon()) for rules in policy.every))
        return tuple(s for s in sends[-MOST_SENDS:] if s.at > since)
    caps = [rules.frequency_cap for rules in policy.every if rules.frequency_cap is not None]
    capped = frozenset[str]().union(*(cap.purposes for cap in caps))
    spaced = {rule.name for rules in policy.every for rule in rules.rules if rule.at_most_one_in}
    after = now - span(max(rules.horizon() for rules in policy.every))
    return tuple(s for s in sends if s.at > after and (s.purpose in capped or s.rule in spaced))
