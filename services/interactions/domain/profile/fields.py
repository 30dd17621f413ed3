"""Who the customer is: the latest event time wins, whatever arrives first."""

import json
from typing import Any

from services.interactions.domain.state import Customer, Known
from shared.schemas.customers import Profile
from shared.schemas.times import Micros

FIELDS = frozenset(Profile.model_fields)
"""Profile fields that are kept; others a source adds stay in the timeline."""


def profile_told(customer: Customer, told: Profile, at: Micros) -> Customer:
    """Each field given is taken unless a later event told it already; an absent one stays as it is.

    Of two events of the same time, the one later in the log wins.
    """
    given = told.model_dump(mode="json", include=set(FIELDS & told.model_fields_set))
    newer = {
        name: Known(encoded=json.dumps(value, ensure_ascii=False), at=at)
        for name, value in given.items()
        if name not in customer.profile or at >= customer.profile[name].at
    }
    return customer.model_copy(update={"profile": customer.profile | newer}) if newer else customer


def profile_values(customer: Customer) -> dict[str, Any]:
    """The profile as told: field to value."""
    return {name: json.loads(known.encoded) for name, known in customer.profile.items()}
