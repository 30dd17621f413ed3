"""Two customers who may be one, as the API reads them."""

import msgspec

from services.interactions.domain.duplicates.state import Pair
from services.interactions.domain.rows import Row, sort_key
from shared.schemas.times import Micros


class DuplicateRow(Row, frozen=True):
    """A suggestion: two ids and what was found, nothing of what they are called."""

    key: str = msgspec.field(name="_id")
    customer: str
    other: str
    order: str
    """By when it was first suggested."""
    status: str
    reasons: list[str]
    score: int | None
    """How close the names are, where that is a reason."""
    at: Micros
    decided_at: Micros | None
    decided_by: str | None


def duplicate_row(pair: Pair) -> DuplicateRow:
    """The row of two of whom something was found."""
    one, other = pair.customers
    at = pair.reasons[0].at
    scores = [reason.score for reason in pair.reasons if reason.reason in ("birthday", "postcode")]
    return DuplicateRow(
        key=pair.key,
        customer=one,
        other=other,
        order=sort_key(at, pair.key),
        status=pair.status,
        reasons=[reason.reason for reason in pair.reasons],
        score=max(scores, default=None),
        at=at,
        decided_at=pair.decided_at,
        decided_by=pair.decided_by,
    )
