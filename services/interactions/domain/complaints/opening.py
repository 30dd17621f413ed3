"""A complaint is opened, if there is room for it."""

from typing import Any

from services.interactions.domain.complaints.steps import assignee_of, find
from services.interactions.domain.state import MAX_COMPLAINTS, Complaint, Customer
from shared.domain import Refused
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.event import Event
from shared.schemas.times import micros

SUMMARY_LENGTH = 200


def opened(state: Customer, event: Event) -> dict[str, Any]:
    """Refused: ``complaint_exists``, ``too_many_complaints``."""
    data = event.data
    assert isinstance(data, ComplaintOpened)
    if find(state, data.complaint_id) is not None:
        raise Refused("complaint_exists", f"complaint {data.complaint_id} is already there")
    at = micros(event.time)
    new = Complaint(
        complaint_id=data.complaint_id,
        status="opened",
        channel=data.channel,
        category=data.category,
        severity=data.severity,
        summary=data.description[:SUMMARY_LENGTH],
        order_id=data.order_id,
        assignee=assignee_of(data),
        opened_at=at,
        updated_at=at,
    )
    return {"complaints": (*_with_room(state.complaints), new)}


def _with_room(complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    if len(complaints) < MAX_COMPLAINTS:
        return complaints
    closed = [c for c in complaints if c.status == "closed"]
    if not closed:
        raise Refused("too_many_complaints", f"a customer has {MAX_COMPLAINTS} complaints at most at a time")
    oldest = min(closed, key=lambda c: c.updated_at)
    return tuple(c for c in complaints if c is not oldest)
