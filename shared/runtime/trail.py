"""The trail of who read or changed what about a person: its collection, which each service has."""

from datetime import timedelta
from typing import Any

from shared.domain import Collection
from shared.facts.erased import erased_hash

KEPT = timedelta(days=400)
AUDIT = Collection(
    "audit", owner="customer", personal=(), indexes=("customer,-at", "principal,-at"), expires=("at", KEPT)
)
"""A row a request and customer: ``customer``, ``principal``, ``method``, ``route``, ``status``, ``outcome``,
``at``. Never what was said. A list of several customers, whom nobody named, is a row without one."""


def trail_of(customer: str, erased_by: bytes) -> dict[str, Any]:
    """The query of the rows about a customer. What an erasure hid stays hidden after a lift, and what is
    written then is in clear: both are found."""
    return {"customer": {"$in": [customer, erased_hash(erased_by, customer)]}}
