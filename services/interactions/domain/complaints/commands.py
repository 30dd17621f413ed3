"""What agents ask for over HTTP, as facts."""

from typing import TypeVar

from services.interactions.domain.complaints.steps import complaint_named
from services.interactions.domain.state import Customer
from shared.domain import Context, Outcome, Refused
from shared.schemas.base import Data
from shared.schemas.commands import ComplaintActionRequested, ComplaintOpenRequested
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintUpdated,
)

F = TypeVar("F", bound=ComplaintsData)


def decide(command: Data, context: Context) -> ComplaintsData:
    """The fact that a command asks for; ``opened`` or ``stepped`` judges it. Refused: 422 ``invalid``."""
    match command:
        case ComplaintOpenRequested():
            return _fact(
                ComplaintOpened,
                complaint_id=context.new_id("complaint"),
                channel=command.channel,
                category=command.category,
                severity=command.severity,
                description=command.description,
                order_id=command.order_id,
            )
        case ComplaintActionRequested():
            return _step(command)
    raise TypeError(f"not a command of interactions: {command.event_type}")


def _step(asked: ComplaintActionRequested) -> ComplaintsData:
    of, who = asked.complaint_id, (asked.model_extra or {}).get("assignee")
    match asked.action:
        case "acknowledge":
            return _fact(ComplaintAcknowledged, complaint_id=of, message=asked.message or "", assignee=who)
        case "update":
            message = _needed(asked.message, "message")
            return _fact(ComplaintUpdated, complaint_id=of, message=message, assignee=who)
        case "resolve":
            resolution = _needed(asked.resolution, "resolution")
            return _fact(
                ComplaintResolved, complaint_id=of, resolution=resolution, root_cause=asked.root_cause
            )
        case "reopen":
            return _fact(ComplaintReopened, complaint_id=of, reason=_needed(asked.reason, "reason"))
        case "close":
            return _fact(ComplaintClosed, complaint_id=of)
        case "compensate":
            kind = _needed(asked.kind, "kind")
            given = {"points": asked.points, "refund": asked.money}
            if kind in given and given[kind] is None:
                raise _missing({"points": "points", "refund": "money"}[kind])
            return _fact(
                CompensationGranted, complaint_id=of, kind=kind, points=asked.points, money=asked.money
            )


def _fact(cls: type[F], **fields: object) -> F:
    """The fact without what is not said, as a source would tell it."""
    return cls.model_validate({name: value for name, value in fields.items() if value is not None})


def _needed(text: str | None, field: str) -> str:
    if not text:
        raise _missing(field)
    return text


def _missing(field: str) -> Refused:
    return Refused("invalid", f"{field} is needed", status=422, field=field)


def outcome(customer: Customer, fact: ComplaintsData) -> Outcome:
    """What the caller is told, once the fact has taken effect."""
    if isinstance(fact, ComplaintOpened):
        return Outcome(201, {"complaint_id": fact.complaint_id})
    complaint = complaint_named(customer, fact.complaint_id)
    return Outcome(200, {"complaint_id": complaint.complaint_id, "status": complaint.status})
