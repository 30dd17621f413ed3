"""What sources say of a customer, field by field: the one fold that all services use.

A field not named stays, null clears, the latest event time wins; of two of the same time, the later in the
log.
"""

import json
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import Any

from shared.schemas.base import Open
from shared.schemas.customers import Profile
from shared.schemas.times import Micros

FIELDS: frozenset[str] = frozenset(Profile.model_fields)
"""Those that are kept; others that a source adds stay in its event."""


class Known(Open):
    """A field's value and the time of the event that told it."""

    encoded: str
    """The value as JSON text: sources invent preferences that a BSON document could not hold."""
    at: Micros

    @property
    def value(self) -> Any:
        """As it was told: text, an object, null."""
        return _decoded(self.encoded)


def profile_told(
    known: Mapping[str, Known], told: Profile, at: Micros, fields: Set[str] = FIELDS
) -> Mapping[str, Known]:
    """The profile after an event of the time ``at``, of which ``fields`` are kept; ``known`` itself where it
    changes nothing."""
    given = told.model_dump(mode="json", include=set(fields & told.model_fields_set))
    newer = {
        name: Known(encoded=json.dumps(value, ensure_ascii=False), at=at)
        for name, value in given.items()
        if name not in known or at >= known[name].at
    }
    return {**known, **newer} if newer else known


def value_of(known: Mapping[str, Known], field: str) -> Any:
    """What the field was last told to be; None where it was cleared or never told."""
    found = known.get(field)
    return None if found is None else found.value


@lru_cache(maxsize=4096)
def _decoded(encoded: str) -> Any:
    return json.loads(encoded)
