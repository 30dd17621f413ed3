"""Who the customer is: the latest event time wins, whatever arrives first."""

import json
from typing import Any

from services.interactions.domain.state import Customer, Known
from shared.schemas.customers import CustomerRegistered, CustomerUpdated, Profile
from shared.schemas.event import Event
from shared.schemas.times import micros

FIELDS = frozenset(Profile.model_fields)
"""Profile fields that are kept; others a source adds stay in the timeline."""


def profile_told(state: Customer, event: Event) -> dict[str, Any]:
    """Each field given is taken unless a later event told it already; an absent one stays as it is.

    Of two events of the same time, the one later in the log wins.
    """
    data = event.data
    assert isinstance(data, CustomerRegistered | CustomerUpdated)
    at = micros(event.time)
    given = data.model_dump(mode="json", include=set(FIELDS & data.model_fields_set))
    newer = {
        name: Known(encoded=json.dumps(value, ensure_ascii=False), at=at)
        for name, value in given.items()
        if name not in state.profile or at >= state.profile[name].at
    }
    return {"profile": state.profile | newer} if newer else {}


def profile_values(state: Customer) -> dict[str, Any]:
    """The profile as told: field to value."""
    return {name: json.loads(known.encoded) for name, known in state.profile.items()}
