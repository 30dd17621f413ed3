"""Documents that the API searches: complaints, and customers by the start of name, e-mail or id."""

from typing import Any

from services.interactions.domain.profile.fields import profile_values
from services.interactions.domain.state import Complaint, Customer
from services.interactions.domain.timeline import order

COMPLAINTS = "complaints"
CUSTOMERS = "customers"
SEARCH_KEYS = ("id_key", "name_key", "email_key")


def complaint_row(customer_id: str, complaint: Complaint) -> dict[str, Any]:
    """Ids of complaints come from many sources and may meet: the customer is part of ``_id``."""
    fields = complaint.model_dump(exclude={"missed", "steps"})
    return {
        "_id": f"{complaint.complaint_id} {customer_id}",
        "customer": customer_id,
        "order": order(complaint.opened_at, f"{complaint.complaint_id} {customer_id}"),
        "overdue": complaint.overdue,
        **fields,
    }


def customer_row(state: Customer) -> dict[str, Any]:
    """``*_key`` fields are what a search compares with; absent where the profile lacks the field."""
    assert state.seen_at is not None
    profile = profile_values(state)
    row: dict[str, Any] = {
        "_id": state.customer_id,
        "order": order(state.seen_at, state.customer_id),
        "id_key": search_key(state.customer_id),
    }
    for field in ("name", "email"):
        if profile.get(field):
            row[field] = profile[field]
            row[f"{field}_key"] = search_key(profile[field])
    if profile.get("segment"):
        row["segment"] = profile["segment"]
    return row


def search_key(text: str) -> str:
    """What a search ignores is taken out: case, and spaces beyond one."""
    return " ".join(text.split()).casefold()[:256]
