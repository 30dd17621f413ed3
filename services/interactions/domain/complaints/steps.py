"""Which step may follow which. One rule for commands and for facts from outside."""

import re
from collections.abc import Mapping
from typing import Any

from services.interactions.domain.complaints.clocks import already_met, without
from services.interactions.domain.state import Complaint, Customer, Status, found, placed
from shared.domain import Refused
from shared.schemas.base import ID_PATTERN, Data
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintsData,
    ComplaintSlaBreached,
    ComplaintUpdated,
)
from shared.schemas.event import Event
from shared.schemas.times import Micros, micros

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
    if (assignee := assignee_of(data)) is not None:
        update["assignee"] = assignee
    return {"complaints": placed(state.complaints, old.model_copy(update=update), complaint_key)}


def _changes(old: Complaint, data: ComplaintsData, at: Micros) -> dict[str, Any]:
    match data:
        case ComplaintAcknowledged():
            first = at if old.acknowledged_at is None else old.acknowledged_at
            return {"acknowledged_at": first, "missed": without(old, "first_response", "update")}
        case ComplaintUpdated():
            return {"missed": without(old, "update")}
        case ComplaintResolved():
            return {"resolved_at": at, "missed": ()}
        case ComplaintClosed():
            return {"closed_at": at}
        case ComplaintReopened():
            return {"resolved_at": None, "closed_at": None}
        case ComplaintSlaBreached() if old.open and not already_met(old, data):
            return {"missed": (*without(old, data.clock), data.clock)}
    return {}


def find(state: Customer, complaint_id: str) -> Complaint | None:
    return found(state.complaints, complaint_id, complaint_key)


def complaint_key(complaint: Complaint) -> str:
    return complaint.complaint_id


def assignee_of(data: Data) -> str | None:
    """Who deals with it: ``assignee``, a field that a complaint's facts may carry beside their own."""
    name = getattr(data, "assignee", None)
    return name if isinstance(name, str) and re.fullmatch(ID_PATTERN, name) else None
