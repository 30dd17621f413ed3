"""How many messages a channel may send in a time, whatever rules they are of. Pure."""

from datetime import timedelta
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator

from services.followup.domain.rules.times import Duration, span
from shared.schemas.base import Strict
from shared.schemas.times import MILLISECOND, Micros

BURST = 50 * MILLISECOND
"""As many as fall into so long a time may go at once: so that they are marked and told together."""


class Granted(NamedTuple):
    """What may be sent now."""

    messages: int
    at: Micros
    """What is kept for the next grant: when the next message would go, were they sent one by one."""


class RateLimit(Strict):
    """At most ``max`` messages in any span of ``per``, evenly: a backlog does not all go at once."""

    max: Annotated[int, Field(ge=1, le=1_000_000)]
    per: Duration

    @field_validator("per")
    @classmethod
    def _lasts(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            raise ValueError("it must be longer than nothing, such as 1s")
        return value

    @property
    def burst(self) -> int:
        """How many may go at once."""
        return max(1, self.max * BURST // span(self.per))

    @property
    def spacing(self) -> int:
        """Microseconds from one message to the next. Bursts are taken off twice: for the one that a span may
        begin with, and for what was granted just before it and arrives in it."""
        return -(-span(self.per) // max(1, self.max - 2 * (self.burst - 1)))

    def grant(self, at: Micros | None, now: Micros, wanted: int) -> Granted:
        """How many of the wanted may go now. ``at``: of the last grant; None before the first."""
        begin = now if at is None else max(at, now)
        room = now + (self.burst - 1) * self.spacing - begin
        messages = min(wanted, room // self.spacing + 1) if room >= 0 else 0
        return Granted(messages, begin + messages * self.spacing)

    def opens(self, at: Micros) -> Micros:
        """When the next one may go, after a grant that left ``at``."""
        return at - (self.burst - 1) * self.spacing
