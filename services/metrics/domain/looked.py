"""What is known and told of a customer's health, as the record keeps it."""

import msgspec

from shared.schemas.times import Micros


class Looked(msgspec.Struct, array_like=True, frozen=True):
    """What is told of the customer's health."""

    at: Micros | None = None
    """As of when it was told, or found out; None if it never was."""
    segment: str = ""
    score: int | None = None
    warned: bool = False
    """That the customer may leave."""
    silent: bool = False
    """It is only known: nothing of it was told."""
