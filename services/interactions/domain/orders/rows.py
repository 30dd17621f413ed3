"""Whose a shop's order is, by which it is found once they are erased."""

import msgspec

from services.interactions.domain.rows import Row
from shared.schemas.times import Micros


class OrderRow(Row, frozen=True):
    """An order of which is known whose it is, or was before it was forgotten."""

    key: str = msgspec.field(name="_id")
    customer: str | None
    at: Micros | None
    """When that was told."""
