"""What a step of the gate says, and what the gate decides."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from services.followup.domain.gate.kept import Cited, HoldReason
from services.followup.domain.state import Planned
from shared.schemas.outreach import SuppressionReason
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not go."""

    reason: SuppressionReason
    detail: str | None = None
    """More about it, without a capital and a stop."""
    next_at: Micros | None = None
    """When this alone would be over; None where it never is, or nobody can know."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: look again then. Past the message's last moment that is a refusal."""

    reason: HoldReason
    until: Micros
    detail: str | None = None

    @property
    def refuses_as(self) -> SuppressionReason:
        """The reason of a refusal, where it ends too late. Nothing waits too long for others of its mail."""
        assert self.reason != "bundle"
        return self.reason


Verdict: TypeAlias = Refuse | Hold | None
"""None: nothing is against it."""


@dataclass(frozen=True, slots=True)
class Go:
    """Send it now, by this channel, to this address."""

    to: str
    channel: str
    consent: Cited | None = None
    """The event that allows it; None where none was needed, or from before it was kept."""
    mates: tuple["Mate", ...] = ()
    """What goes in the same mail."""


class Mate(NamedTuple):
    """A message that goes in one mail with another, and the word on it alone."""

    outreach: Planned
    go: Go


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is told: decide again then."""

    until: Micros
    reason: HoldReason
    """What holds it."""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class No:
    """Do not send it."""

    reason: SuppressionReason
    """The first step that refuses."""
    detail: str | None = None
    next_at: Micros | None = None
    """When the reason alone would be over; None where it never is, or nobody can know."""
    also: tuple[SuppressionReason, ...] = ()
    """What else stands in its way at that instant, in the gate's order."""

    @property
    def blocked_by(self) -> tuple[SuppressionReason, ...]:
        """All that stands in its way, in the gate's order; the reason is the first."""
        return (self.reason, *self.also)


Decision: TypeAlias = Go | Wait | No
