"""A complaint's life: which step may follow which. One rule for commands and for facts from outside."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from services.interactions.domain.state import (
    MAX_COMPLAINTS,
    Complaint,
    Customer,
    Status,
    found,
    placed,
)
from shared.domain import Context, Refused
from shared.schemas.base import ID_PATTERN, Data
from shared.schemas.commands import ComplaintActionRequested, ComplaintOpenRequested
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintSlaBreached,
    ComplaintUpdated,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros

SUMMARY_LENGTH = 200
F = TypeVar("F", bound=ComplaintsData)

TRANSITIONS: Mapping[type[ComplaintsData], tuple[frozenset[Status], Status | None]] = {
    ComplaintAcknowledged: (frozenset({"opened", "reopened"}), "acknowledged"),
    ComplaintResolved: (frozenset({"opened", "acknowledged", "reopened"}), "resolved"),
    ComplaintClosed: (frozenset({"resolved"}), "closed"),
    ComplaintReopened: (frozenset({"resolved", "closed"}), "reopened"),
    ComplaintUpdated: (frozenset({"opened", "acknowledged", "reopened", "resolved"}), None),
    CompensationGranted: (frozenset({"opened", "acknowledged", "reopened", "resolved"}), None),
    # A clock's own fact may cross a step on its way: it is noted whatever the status.
    ComplaintSlaBreached: (frozenset({"opened", "acknowledged", "reopened", "resolved", "closed"}), None),
}
"""Fact -> the statuses it may follow, and the one it leads to (None: it stays)."""


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
        assignee=_assignee(data),
        opened_at=at,
        updated_at=at,
    )
    return {"complaints": (*_with_room(state.complaints), new)}


def stepped(state: Customer, event: Event) -> dict[str, Any]:
    """Any fact after the first. Refused: ``unknown_complaint``, ``invalid_transition``."""
    data = event.data
    assert isinstance(data, ComplaintsData)
    old = find(state, data.complaint_id)
    if old is None:
        raise Refused("unknown_complaint", f"there is no complaint {data.complaint_id}", status=404)
    allowed, status = TRANSITIONS[type(data)]
    if old.status not in allowed:
        verb = data.event_type.split(".")[2]
        raise Refused("invalid_transition", f"complaint {old.complaint_id} is {old.status}: not to be {verb}")
    at = micros(event.time)
    update = _changes(old, data, at) | {"updated_at": max(at, old.updated_at), "steps": old.steps + 1}
    if status is not None:
        update["status"] = status
    if (assignee := _assignee(data)) is not None:
        update["assignee"] = assignee
    return {"complaints": placed(state.complaints, old.model_copy(update=update), _complaint_id)}


def _changes(old: Complaint, data: ComplaintsData, at: Micros) -> dict[str, Any]:
    match data:
        case ComplaintAcknowledged():
            first = at if old.acknowledged_at is None else old.acknowledged_at
            return {"acknowledged_at": first, "missed": _without(old, "first_response", "update")}
        case ComplaintUpdated():
            return {"missed": _without(old, "update")}
        case ComplaintResolved():
            return {"resolved_at": at, "missed": ()}
        case ComplaintClosed():
            return {"closed_at": at}
        case ComplaintReopened():
            return {"resolved_at": None, "closed_at": None}
        case ComplaintSlaBreached() if old.open and not _already_met(old, data):
            return {"missed": (*_without(old, data.clock), data.clock)}
    return {}


def _already_met(old: Complaint, breach: ComplaintSlaBreached) -> bool:
    return breach.clock == "first_response" and old.acknowledged_at is not None


def _without(old: Complaint, *clocks: str) -> tuple[str, ...]:
    return tuple(clock for clock in old.missed if clock not in clocks)


def decide(state: Customer, command: Data, context: Context) -> ComplaintsData:
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
    of, who = asked.complaint_id, _assignee(asked)
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


def find(state: Customer, complaint_id: str) -> Complaint | None:
    return found(state.complaints, complaint_id, _complaint_id)


def _complaint_id(complaint: Complaint) -> str:
    return complaint.complaint_id


def _needed(text: str | None, field: str) -> str:
    if not text:
        raise _missing(field)
    return text


def _missing(field: str) -> Refused:
    return Refused("invalid", f"{field} is needed", status=422, field=field)


def _assignee(data: Data) -> str | None:
    """Who deals with it: ``assignee``, a field that a complaint's facts may carry beside their own."""
    name = getattr(data, "assignee", None)
    return name if isinstance(name, str) and re.fullmatch(ID_PATTERN, name) else None


def _with_room(complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    if len(complaints) < MAX_COMPLAINTS:
        return complaints
    closed = [c for c in complaints if c.status == "closed"]
    if not closed:
        raise Refused("too_many_complaints", f"a customer has {MAX_COMPLAINTS} complaints at most at a time")
    oldest = min(closed, key=lambda c: c.updated_at)
    return tuple(c for c in complaints if c is not oldest)
