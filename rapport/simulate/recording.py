"""Recorded events for a simulation: read by ``rapport replay``'s sources, each decoded once."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from rapport.replay.source import Source
from rapport.simulate.memory import Arrival
from shared.schemas.base import Data
from shared.schemas.codec import decode
from shared.schemas.envelope import structured
from shared.schemas.upcast import current_type


def arrivals(source: Source, used: Collection[type[Data]]) -> Iterator[Arrival]:
    """Its records in their order; those of other types than ``used`` are not decoded.

    Raises ``BadLinesError`` before the first one, ``OSError``.
    """
    now, types = datetime.now(UTC), frozenset(cls.event_type for cls in used)
    for record in source.records:
        envelope = structured(record.value)
        is_used = current_type(envelope.type) in types
        yield record.at, decode(envelope, wall_now=now) if is_used else None
