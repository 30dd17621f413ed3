"""Which step of a complaint may follow which: one rule for commands and for facts from outside."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.interactions.domain.complaints.clocks import missed_after, without
from services.interactions.domain.state import Complaint, Customer, Status, found, placed
from services.interactions.errors import INVALID_TRANSITION, UNKNOWN_COMPLAINT
from shared.schemas.base import ID_PATTERN
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
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Transition:
    """What a fact does to a complaint's status."""

    name: str
    """As in: the complaint cannot be acknowledged."""
    follows: frozenset[Status]
    to: Status | None = None
    """None: the status stays."""


_UNTIL_CLOSED: frozenset[Status] = frozenset({"opened", "acknowledged", "reopened", "resolved"})

TRANSITIONS: Mapping[type[ComplaintsData], Transition] = {
    ComplaintAcknowledged: Transition("acknowledged", frozenset({"opened", "reopened"}), "acknowledged"),
    ComplaintResolved: Transition("resolved", frozenset({"opened", "acknowledged", "reopened"}), "resolved"),
    ComplaintClosed: Transition("closed", frozenset({"resolved"}), "closed"),
    ComplaintReopened: Transition("reopened", frozenset({"resolved", "closed"}), "reopened"),
    ComplaintUpdated: Transition("updated", _UNTIL_CLOSED),
    CompensationGranted: Transition("compensated", _UNTIL_CLOSED),
    # A clock's own fact may cross a step on its way: it is noted whatever the status.
    ComplaintSlaBreached: Transition("breached", _UNTIL_CLOSED | {"closed"}),
}
"""Every fact after the first."""


def complaint_stepped(customer: Customer, told: ComplaintsData, at: Micros) -> Customer:
    """Any fact after the first. Raises ``unknown_complaint``, ``invalid_transition``."""
    old = complaint_named(customer, told.complaint_id)
    step = TRANSITIONS[type(told)]
    if old.status not in step.follows:
        raise INVALID_TRANSITION(complaint=old.complaint_id, status=old.status, step=step.name)
    update = _changes(old, told, at) | {"updated_at": max(at, old.updated_at), "steps": old.steps + 1}
    if step.to is not None:
        update["status"] = step.to
    if (assignee := assignee_of(told)) is not None:
        update["assignee"] = assignee
    new = old.model_copy(update=update)
    return customer.model_copy(update={"complaints": placed(customer.complaints, new, complaint_key)})


def _changes(old: Complaint, told: ComplaintsData, at: Micros) -> dict[str, Any]:
    match told:
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
        case ComplaintSlaBreached():
            return {"missed": missed_after(old, told)}
    return {}


def complaint_named(customer: Customer, complaint_id: str) -> Complaint:
    """Raises ``unknown_complaint``."""
    complaint = found(customer.complaints, complaint_id, complaint_key)
    if complaint is None:
        raise UNKNOWN_COMPLAINT(complaint=complaint_id)
    return complaint


def complaint_key(complaint: Complaint) -> str:
    return complaint.complaint_id


def assignee_of(told: ComplaintsData) -> str | None:
    """Who deals with it: ``assignee``, a field that a complaint's facts may carry beside their own."""
    name = (told.model_extra or {}).get("assignee")
    return name if isinstance(name, str) and re.fullmatch(ID_PATTERN, name) else None
