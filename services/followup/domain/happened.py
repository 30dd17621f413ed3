"""When something happened, and what tells one such thing from another: the smallest parts of a state."""

from typing import NamedTuple

from services.followup.domain.gate.kept import Cited
from shared.schemas.base import Open
from shared.schemas.times import Micros


class StepOf(NamedTuple):
    """The step of a complaint's life that an event is: it counts while the life has it."""

    complaint_id: str
    at: Micros
    kind: int


class Bill(NamedTuple):
    """What an order cost, or a return paid back, and on how many lines."""

    currency: str
    amount: int
    """Minor units."""
    lines: int


class Moment(NamedTuple):
    """When something happened, for comparison: what is dated tomorrow was before what happens after it was
    heard."""

    by: Micros
    at: Micros


class Happened(Open):
    """When something happened."""

    at: Micros
    """As its source says: the time that counts, for delays and intervals."""
    by: Micros
    """At the latest: ``at``, or when it was heard, if a clock ran ahead."""

    @property
    def order(self) -> Moment:
        return Moment(self.by, self.at)


class Consent(Open):
    """The latest word, by ``order``, on one purpose and channel, or on one topic of these."""

    purpose: str
    channel: str
    topic: str | None = None
    granted: bool
    event: Cited | None = None
    """Who says so; None in a state from before it was kept, and of what a link says."""
    at: Micros
    by: Micros | None = None
    """As ``Happened.by``; None in a state from before it was kept: ``at``."""

    @property
    def order(self) -> Moment:
        """What is dated ahead was before what happens after it was heard: a withdrawal of now beats it."""
        return Moment(self.at if self.by is None else self.by, self.at)
