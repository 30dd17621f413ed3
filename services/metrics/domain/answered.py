"""An answer to a survey about a thing, as the record keeps it."""

import msgspec

from shared.schemas.times import Micros


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """The answer to a survey about a thing that holds: a later one, by event time, takes its place."""

    at: Micros
    counts: dict[str, int]
    """The fields that it counts in, on its day."""
    where: str = ""
    """Where it counts: ``Where.name`` of the thing that it is about."""
