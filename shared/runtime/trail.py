"""The trail of who read or changed what about a person: its collection, which each service has."""

from datetime import timedelta

from shared.domain import Collection

KEPT = timedelta(days=400)
AUDIT = Collection(
    "audit", owner="customer", personal=(), indexes=("customer,-at", "principal,-at"), expires=("at", KEPT)
)
"""A row a request and customer: ``customer``, ``principal``, ``method``, ``route``, ``status``, ``outcome``,
``at``. Never what was said. A list of several customers, whom nobody named, is a row without one."""
