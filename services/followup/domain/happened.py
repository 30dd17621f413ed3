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


class ConsentWord(Open):
    """A word on a consent."""

    granted: bool
    event: Cited | None = None
    """Who says so; None in a state from before it was kept, and of what a link says."""
    at: Micros
    by: Micros | None = None
    """How old it is beside a clock that ran ahead; None in a state from before it was kept: ``at``."""
    unproven: bool = False
    """An import says so, without evidence."""

    @property
    def since(self) -> Micros:
        """As ``shared.facts.consents`` has it."""
        return self.at if self.by is None else self.by


class Consent(ConsentWord):
    """The word that holds on one purpose and channel, or on one topic of these."""

    purpose: str
    channel: str
    topic: str | None = None
    others: tuple[ConsentWord, ...] = ()
    """Further words, by which, with others that are told yet, another may hold."""

    @property
    def about(self) -> tuple[str, str, str | None]:
        return self.purpose, self.channel, self.topic

    @property
    def words(self) -> tuple[ConsentWord, ...]:
        """The word that holds, and the others."""
        return (self, *self.others)
