"""What a search for customers shows, and by which keys it finds whom."""

import msgspec

from services.interactions.domain.rows import Row, sort_key
from services.interactions.domain.state import Customer
from shared.facts.profile import value_of
from shared.schemas.times import Micros


class CustomerRow(Row, frozen=True, omit_defaults=True):
    """A customer as a search shows it."""

    customer_id: str = msgspec.field(name="_id")
    order: str
    id_key: str
    """The id in lower case."""
    name: str | None = None
    email: str | None = None
    segment: str | None = None
    into: str | None = None
    """Whom they were merged into: it is that customer who is found."""


class SearchRow(Row, frozen=True, omit_defaults=True):
    """One key by which a customer is found (``search.py``)."""

    key_id: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    order: str
    """The customer's."""
    key: str | None = None
    """None where the profile has no such field any more."""


def customer_row(customer: Customer, seen_at: Micros) -> CustomerRow:
    """``seen_at`` is the time of the first event handled; the latest customer comes first."""
    told = (value_of(customer.profile, field) or None for field in ("name", "email", "segment"))
    order = sort_key(seen_at, customer.customer_id)
    return CustomerRow(customer.customer_id, order, customer.customer_id.casefold(), *told)


def merged_row(customer_id: str, seen_at: Micros, into: str) -> CustomerRow:
    """In the place of the row of one who was merged: no search finds it."""
    return CustomerRow(customer_id, sort_key(seen_at, customer_id), "", into=into)
