"""The documents that the API reads, written and read back here: the timeline, complaints, and what a search
for customers compares with.

Lists are sorted by one string made of time and name (``place``, ``order``), so that a list is one range of
one index and pages never shift.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from services.interactions.domain.state import Complaint, Customer, Status
from shared.domain import Collection
from shared.schemas.times import Micros

TIMELINE = "timeline"
COMPLAINTS = "complaints"
CUSTOMERS = "customers"
SEARCH_KEYS = ("id_key", "name_key", "email_key")

COLLECTIONS = (
    Collection(TIMELINE, owner="customer", personal=("data", "summary", "extensions"), indexes=("place",)),
    Collection(
        COMPLAINTS,
        owner="customer",
        personal=("summary",),
        indexes=("complaint_id", "status,-order", "-order"),
    ),
    Collection(
        CUSTOMERS, owner="_id", personal=("name", "email", "segment", *SEARCH_KEYS), indexes=SEARCH_KEYS
    ),
)

_YEAR_1 = 62_135_596_800_000_000
"""Microseconds from year 1 to 1970: added, so that a sort key never holds a minus sign."""


class Row(msgspec.Struct, frozen=True):
    """A document; a field that is None is left out where the class omits defaults."""

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def read(cls, documents: Sequence[Mapping[str, Any]]) -> list[Self]:
        """Stored documents as rows. Raises ``msgspec.ValidationError``."""
        return [msgspec.convert(document, cls) for document in documents]


class TimelineRow(Row, frozen=True, omit_defaults=True):
    """An event as people are shown it."""

    uid: str = msgspec.field(name="_id")
    """The event's source and id."""
    place: str
    """``<customer> <time> <event>``: orders a customer's rows exactly. One index on it serves every read, and
    each index costs as much as the row itself."""
    customer_id: str = msgspec.field(name="customer")
    at: Micros
    type: str
    summary: str
    """One line, plain text as the sources gave it."""
    data: str
    """JSON text as it was told."""
    source: str
    id: str
    channel: str | None = None
    complaint_id: str | None = None
    step: int | None = None
    """Of a complaint's facts: which it was, from 1, in the order in which they took effect."""
    extensions: str | None = None
    """The event's other attributes as JSON text, where it has any."""


class ComplaintRow(Row, frozen=True):
    """A complaint in brief. Ids of complaints come from many sources and may meet: the customer is part of
    ``_id``."""

    key: str = msgspec.field(name="_id")
    customer_id: str = msgspec.field(name="customer")
    order: str
    overdue: bool
    complaint_id: str
    status: Status
    channel: str
    category: str
    severity: str
    summary: str
    order_id: str | None
    assignee: str | None
    opened_at: Micros
    updated_at: Micros
    acknowledged_at: Micros | None
    resolved_at: Micros | None
    closed_at: Micros | None


class CustomerRow(Row, frozen=True, omit_defaults=True):
    """What a search finds; it compares with ``*_key``, absent where the profile lacks the field."""

    customer_id: str = msgspec.field(name="_id")
    order: str
    id_key: str
    name: str | None = None
    name_key: str | None = None
    email: str | None = None
    email_key: str | None = None
    segment: str | None = None


def complaint_row(customer_id: str, complaint: Complaint) -> ComplaintRow:
    key = f"{complaint.complaint_id} {customer_id}"
    return ComplaintRow(
        key=key,
        customer_id=customer_id,
        order=sort_key(complaint.opened_at, key),
        overdue=complaint.overdue,
        complaint_id=complaint.complaint_id,
        status=complaint.status,
        channel=complaint.channel,
        category=complaint.category,
        severity=complaint.severity,
        summary=complaint.summary,
        order_id=complaint.order_id,
        assignee=complaint.assignee,
        opened_at=complaint.opened_at,
        updated_at=complaint.updated_at,
        acknowledged_at=complaint.acknowledged_at,
        resolved_at=complaint.resolved_at,
        closed_at=complaint.closed_at,
    )


def customer_row(customer: Customer, seen_at: Micros) -> CustomerRow:
    """``seen_at`` is the time of the first event handled; the latest customer comes first."""
    name, email = _told(customer, "name"), _told(customer, "email")
    return CustomerRow(
        customer_id=customer.customer_id,
        order=sort_key(seen_at, customer.customer_id),
        id_key=search_key(customer.customer_id),
        name=name,
        name_key=name and search_key(name),
        email=email,
        email_key=email and search_key(email),
        segment=_told(customer, "segment"),
    )


def sort_key(at: Micros, name: str) -> str:
    """Unique: by time, then by name."""
    return f"{at + _YEAR_1:018d} {name}"


def search_key(text: str) -> str:
    """What a search ignores is taken out: case, and spaces beyond one."""
    return " ".join(text.split()).casefold()[:256]


def _told(customer: Customer, field: str) -> str | None:
    known = customer.profile.get(field)
    text: str | None = None if known is None else json.loads(known.encoded)
    return text or None
