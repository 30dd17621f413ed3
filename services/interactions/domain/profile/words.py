"""What is kept of the words on consents."""

from shared.facts.consents import since
from shared.schemas.base import Open
from shared.schemas.times import Micros


class ConsentWord(Open):
    """A word on a consent."""

    granted: bool
    at: Micros
    heard: Micros | None = None
    """When it was heard, where its own time had not passed by then."""
    source: str | None = None
    """Who told it; None in a state from before it was kept."""
    evidence: str | None = None
    """How it was given, as far as was told: its beginning."""
    unproven: bool = False
    """An import says so, without evidence."""

    @property
    def since(self) -> Micros:
        """As ``shared.facts.consents`` has it."""
        return since(self.at, self.heard, granted=self.granted)


class Consent(ConsentWord):
    """The word that holds on a purpose on a channel, or on a topic of these."""

    purpose: str
    channel: str
    topic: str | None = None
    others: tuple[ConsentWord, ...] = ()
    """Further words, by which, with others that are told yet, another may hold."""
