"""The guard: how much of a rule's marketing to one mail domain comes back, or is called unwanted, and when
that is too much. Pure (ADR 38)."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.followup.domain.deliverability.heard import Trace
from services.followup.domain.deliverability.limits import GuardPolicy
from services.followup.domain.deliverability.suppression import class_of
from services.followup.domain.rows import TRAFFIC
from services.followup.domain.rules.rule import DEFAULT_CHANNEL
from shared.domain import Increment
from shared.schemas.times import moment

Why = Literal["bounces", "complaints"]
FEWEST = 3
"""So many bounces or complaints at least: one person is no rate."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a rule's messages to a domain."""

    sent: int = 0
    bounced: int = 0
    complained: int = 0

    def too_much(self, policy: GuardPolicy) -> Why | None:
        if self.sent < policy.at_least:
            return None
        if self.bounced >= FEWEST and self.bounced > policy.bounces * self.sent:
            return "bounces"
        if self.complained >= FEWEST and self.complained > policy.complaints * self.sent:
            return "complaints"
        return None


def recipient_domain(channel: str, purpose: str, to: str) -> str | None:
    """The mail domain that a message is counted under; None where it is not counted."""
    if channel != DEFAULT_CHANNEL or class_of(purpose) != "marketing":
        return None
    return to.rpartition("@")[2].lower()


def counted(trace: Trace, **counts: int) -> tuple[Increment, ...]:
    """In the same transaction as what it counts, so exactly once. What is heard of a message counts on the
    day that it was sent: what comes back is a share of what went."""
    if trace.domain is None:
        return ()
    return (Increment(TRAFFIC, traffic_key(moment(trace.at).date(), trace.rule, trace.domain), counts),)


def traffic_key(day: date, rule: str, domain: str) -> str:
    return f"{day.isoformat()} {rule} {domain}"


def first_day(policy: GuardPolicy, today: date, paused_until: date | None) -> date:
    """From which day on messages are looked at."""
    first = today - timedelta(days=policy.days - 1)
    return first if paused_until is None else max(first, paused_until)
