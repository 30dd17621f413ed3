"""A message that went, or may have: what it counts for from then on, and what is told of it."""

from typing import TypeVar

from services.followup.domain.gate.caps import caps_counting
from services.followup.domain.policy import Policy
from services.followup.domain.preferences.caps import LONGEST_WISH, STRICTEST
from services.followup.domain.rules.terms import sort_of
from services.followup.domain.rules.times import span
from services.followup.domain.state import Customer, InFlight, Outreach, Send
from shared.domain import Emit
from shared.schemas.outreach import ConsentCited, OutreachAttempt, OutreachSent
from shared.schemas.times import DAY, Micros, moment

SENDS_KEPT = 180 * DAY
MOST_SENDS = 100
"""How long, and how many of, the messages that were sent are kept where conditions ask about them."""

A = TypeVar("A", bound=OutreachAttempt)


def counted(state: Customer, policy: Policy, flight: InFlight, at: Micros, now: Micros) -> Customer:
    """The message went ``at``, as is heard now: it counts for caps and intervals."""
    send = Send(rule=flight.rule, purpose=flight.purpose, at=at, mail=flight.mail, whose=flight.whose)
    return state.model_copy(update={"sends": _recent((*state.sends, send), policy, now)})


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
    if isinstance(fact, OutreachSent) and isinstance(outreach, InFlight):
        cited = {} if outreach.consent is None else {"consent": ConsentCited(**outreach.consent._asdict())}
        asks = {} if outreach.asks is None else {"asks": outreach.asks}
        complaint = outreach.complaint if outreach.of is None else outreach.of.complaint_id
        about = {} if complaint is None else {"complaint_id": complaint}
        fact = fact.model_copy(update=cited | asks | about)
    return Emit(fact, moment(at))


def _recent(sends: tuple[Send, ...], policy: Policy, now: Micros) -> tuple[Send, ...]:
    """Those that an interval, a cap or a condition of any version can still see."""
    if any(rules.names_sends() for rules in policy.every):
        since = now - max(SENDS_KEPT, *(span(rules.horizon()) for rules in policy.every))
        return tuple(s for s in sends[-MOST_SENDS:] if s.at > since)
    spaced = {rule.name for rules in policy.every for rule in rules.rules if rule.at_most_one_in}
    after = now - span(max(LONGEST_WISH, *(rules.horizon() for rules in policy.every)))
    return tuple(s for s in sends if s.at > after and (s.rule in spaced or _capped(policy, s)))


def _capped(policy: Policy, send: Send) -> bool:
    sorts = ((sort_of(rules.rule(send.rule), send.purpose), rules.all_caps) for rules in policy.every)
    return any(caps_counting(sort, caps, STRICTEST) for sort, caps in sorts)
