"""An erasure as the API reads it."""

from typing import Any

import msgspec

from services.interactions.domain.erasing.state import Erasure
from services.interactions.domain.rows import Row, sort_key
from shared.facts.certificate import latest_round
from shared.schemas.base import parse_time
from shared.schemas.times import Micros, micros


class ErasureRow(Row, frozen=True, omit_defaults=True):
    """One erased id, by its hash."""

    erasure: str = msgspec.field(name="_id")
    order: str
    """By when it was first heard of."""
    entries: list[dict[str, Any]]
    waiting: Micros | None = None
    """Since when services have been waited for; left out where none is."""
    missing: list[str] | None = None
    """Which."""


def erasure_row(erasure: Erasure) -> ErasureRow:
    """Of one of which something is known."""
    latest = latest_round(erasure.entries)
    waits = latest.lifted is None and not latest.complete
    since = latest.begun or erasure.entries[-1]["at"]
    return ErasureRow(
        erasure=erasure.erasure,
        order=sort_key(_micros(erasure.entries[0]["at"]), erasure.erasure),
        entries=[dict(entry) for entry in erasure.entries],
        waiting=_micros(since) if waits else None,
        missing=latest.missing if waits else None,
    )


def _micros(text: str) -> Micros:
    return micros(parse_time(text))
