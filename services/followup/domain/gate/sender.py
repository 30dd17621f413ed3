"""What holds a message that the gate has let go: its channel's rate limit and those before it, the guard's
pauses, the ceiling of a new domain. As far as the store knows: the sender decides. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from services.followup.domain.deliverability.guard import recipient_domain
from services.followup.domain.gate.verdicts import Hold
from services.followup.domain.policy import Policy
from services.followup.domain.rules.rates import RateLimit
from services.followup.domain.rules.times import write_duration
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros, micros, moment

STEP: SuppressionReason = "rate_limited"
"""As previews call it, and what it is told as."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sender's books are to be looked at: those of a channel, and of one rule's marketing to a mail
    domain."""

    channel: str
    rule: str
    domain: str | None
    """None where no pause and no ceiling is about it."""
    sender: str
    """The domain that it is from."""


def asked(policy: Policy, channel: str, rule: str, purpose: str, to: str | None) -> Asked:
    counts_as = policy.rules.counts_as(rule, purpose)
    domain = None if to is None else recipient_domain(channel, counts_as, to)
    return Asked(channel, rule, domain, policy.rules.sender.address.rpartition("@")[2].lower())


@dataclass(frozen=True, slots=True)
class Found:
    """What is in them."""

    pace: Micros | None = None
    """As the channel's last grant left it."""
    ahead: int = 0
    """How many messages are ready before it."""
    paused_until: Micros | None = None
    paused_for: str = ""
    """``bounces`` or ``complaints``."""
    taken: int = 0
    """Of today's ceiling."""


def held(policy: Policy, about: Asked, found: Found, now: Micros) -> Hold | None:
    """What holds it, and until when about: its rule's turn may come earlier or later."""
    if about.domain is not None and found.paused_until is not None and found.paused_until > now:
        why = f"{about.rule} pauses for {about.domain}: too many {found.paused_for}"
        return Hold(STEP, found.paused_until, why)
    limit = policy.rate_limit(about.channel, now)
    if limit is not None:
        paced = _paced(limit, about, found, now)
        if paced is not None:
            return paced
    warm_up = policy.rules.warm_up
    today = moment(now).astimezone(UTC).date()
    ceiling = None if warm_up is None or about.domain is None else warm_up.ceiling(today)
    if ceiling is not None and found.taken >= ceiling:
        tomorrow = datetime.combine(today + timedelta(days=1), time(), UTC)
        return Hold(STEP, micros(tomorrow), f"{about.sender} is new: {ceiling} a day")
    return None


def _paced(limit: RateLimit, about: Asked, found: Found, now: Micros) -> Hold | None:
    opens = now if found.pace is None else max(now, limit.opens(found.pace))
    until = opens + found.ahead * limit.spacing
    if until <= now:
        return None
    before = f", {found.ahead:,} before it" if found.ahead else ""
    return Hold(STEP, until, f"{about.channel} sends {limit.max:,} in {write_duration(limit.per)}{before}")
