"""A text of a customer's, as the record keeps it."""

import msgspec

from shared.schemas.times import Micros


class Text(msgspec.Struct, array_like=True, frozen=True):
    """A comment or a review that holds: what it speaks of. Its words are in the event alone."""

    at: Micros
    themes: tuple[str, ...]
    source: str
    event: str
    """The event's id."""
