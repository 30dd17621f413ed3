"""One merge of a customer into another, as states and commands keep it."""

from datetime import datetime

from shared.schemas.base import Id, Open, Time


class Merge(Open):
    """That a customer is another one: an edge, from the old id to the survivor."""

    customer: Id
    """The old id."""
    into: Id
    """The survivor."""
    at: Time
    """The event time of the fact."""
    uid: str
    """Names the fact: its ``Event.uid``."""

    @property
    def rank(self) -> tuple[datetime, str]:
        """Of merges that make a circle, the one with the greatest does not hold."""
        return self.at, self.uid
