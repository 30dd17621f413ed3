"""Which addresses are not used any more, for which messages, and why. Another address of the same customer is
free: what is heard is kept by the ``address_mark``. Pure."""

from dataclasses import dataclass

from services.followup.domain.deliverability.heard import Klass, SoftBounce, Suppression, Trace
from services.followup.domain.policy import Policy
from services.followup.domain.rules.times import span, write_duration
from services.followup.domain.state import Customer, address_mark
from shared.schemas.times import Micros

MOST_SUPPRESSED = 20
"""How many are remembered of a customer: the latest."""
SERVICE = frozenset({"service", "reply"})
"""The purposes of messages that are owed to a customer; the others are marketing."""
WORDS = {
    "hard": "messages to it come back for good",
    "complained": "its owner has called a message unwanted",
}


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an address is not used."""

    detail: str
    """Without a capital and a stop."""
    until: Micros | None = None
    """When it would be free again; None where it never is."""


def class_of(purpose: str) -> Klass:
    """What a message counts as."""
    return "service" if purpose in SERVICE else "marketing"


def blocked(state: Customer, policy: Policy, purpose: str, channel: str, now: Micros) -> Blocked | None:
    """Why the address that the channel would use is not to be used for such a message; None where it is."""
    if not state.came_back:
        return None
    known = policy.channels.get(channel)
    address = known.address(state) if known is not None else None
    if not address:
        return None
    return blocked_mark(state, policy, address_mark(channel, address), class_of(purpose), now)


def blocked_mark(state: Customer, policy: Policy, mark: str, of: Klass, now: Micros) -> Blocked | None:
    """What is suppressed for service is so for all."""
    ofs = {of, "service"}
    for one in reversed(state.suppressed):
        if one.mark == mark and one.of in ofs:
            code = f" ({one.code})" if one.code else ""
            return Blocked(WORDS[one.why] + code)
    limit = policy.rules.soft_bounces
    came_back = sorted(b.at for b in state.soft_bounces if b.mark == mark and b.of in ofs)
    recent = [at for at in came_back if at > now - span(limit.per)]
    if len(recent) < limit.max:
        return None
    within = write_duration(limit.per)
    return Blocked(
        f"{len(recent)} messages to it came back within {within}", recent[-limit.max] + span(limit.per)
    )


def with_complaint(state: Customer, trace: Trace, at: Micros) -> Customer:
    """The address is used no more for what was complained about."""
    return _with(state, trace, "complained", None, at)


def with_bounce(
    state: Customer, policy: Policy, trace: Trace, *, hard: bool, code: str | None, at: Micros
) -> Customer:
    """A message came back from its address: for good, or for now, which is counted."""
    if hard:
        return _with(state, trace, "hard", code, at)
    if trace.to is None or any(b.outreach_id == trace.named for b in state.soft_bounces):
        return state
    since = at - span(policy.rules.soft_bounces.per)
    kept = tuple(bounce for bounce in state.soft_bounces if bounce.at > since)
    new = SoftBounce(trace.to, class_of(trace.purpose), at, trace.named)
    return state.model_copy(update={"soft_bounces": (*kept, new)[-MOST_SUPPRESSED:]})


def with_known(state: Customer, trace: Trace, why: str, at: Micros) -> Customer:
    """The address was suppressed before the customer had it."""
    return _with(state, trace, why, None, at)


def _with(state: Customer, trace: Trace, why: str, code: str | None, at: Micros) -> Customer:
    of = class_of(trace.purpose)
    if trace.to is None or any((s.mark, s.of, s.why) == (trace.to, of, why) for s in state.suppressed):
        return state
    new = Suppression.model_validate({"mark": trace.to, "of": of, "why": why, "code": code, "at": at})
    return state.model_copy(update={"suppressed": (*state.suppressed, new)[-MOST_SUPPRESSED:]})
