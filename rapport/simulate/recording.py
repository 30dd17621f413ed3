"""Recorded events for a simulation: read by ``rapport replay``'s sources, each decoded once."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rapport.replay.source import Source
from rapport.simulate.run import Arrival
from services.loyalty.domain.apply import CONSUMES
from shared.schemas.codec import decode
from shared.schemas.envelope import structured
from shared.schemas.upcast import current_type

_TYPES = frozenset(cls.event_type for cls in CONSUMES)


def arrivals(source: Source) -> Iterator[Arrival]:
    """Its records in their order; those of types that loyalty does not use are not decoded.

    Raises ``BadLinesError`` before the first one, ``OSError``.
    """
    now = datetime.now(UTC)
    for record in source.records:
        envelope = structured(record.value)
        used = current_type(envelope.type) in _TYPES
        yield record.at, decode(envelope, wall_now=now) if used else None
