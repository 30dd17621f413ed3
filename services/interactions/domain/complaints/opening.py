"""A complaint is opened, if there is room for it."""

from services.interactions.domain.complaints.steps import assignee_of, complaint_key
from services.interactions.domain.state import MAX_COMPLAINTS, Complaint, Customer, found
from services.interactions.errors import COMPLAINT_EXISTS, TOO_MANY_COMPLAINTS
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.times import Micros

SUMMARY_LENGTH = 200


def complaint_opened(customer: Customer, told: ComplaintOpened, at: Micros) -> Customer:
    """Raises ``complaint_exists``, ``too_many_complaints``."""
    if found(customer.complaints, told.complaint_id, complaint_key) is not None:
        raise COMPLAINT_EXISTS(complaint=told.complaint_id)
    new = Complaint(
        complaint_id=told.complaint_id,
        status="opened",
        channel=told.channel,
        category=told.category,
        severity=told.severity,
        summary=told.description[:SUMMARY_LENGTH],
        order_id=told.order_id,
        assignee=assignee_of(told),
        opened_at=at,
        updated_at=at,
    )
    return customer.model_copy(update={"complaints": (*_with_room(customer.complaints), new)})


def _with_room(complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """Without the closed one that changed longest ago, if there are as many as may be."""
    if len(complaints) < MAX_COMPLAINTS:
        return complaints
    closed = [c for c in complaints if c.status == "closed"]
    if not closed:
        raise TOO_MANY_COMPLAINTS(most=MAX_COMPLAINTS)
    oldest = min(closed, key=lambda c: c.updated_at)
    return tuple(c for c in complaints if c is not oldest)
