"""What makes good: granted at once within the limits of who asks, else once another principal approves it."""

from collections.abc import Sequence
from typing import NamedTuple

from services.interactions.domain.complaints.remembered import Approval
from services.interactions.domain.complaints.standing import standing
from services.interactions.domain.complaints.steps import complaint_key, refused_step, with_complaint
from services.interactions.domain.sla.compensation import Compensation
from services.interactions.domain.state import Complaint, Customer, altered, found
from services.interactions.errors import (
    NOTHING_TO_APPROVE,
    OWN_REQUEST,
    SEVERAL_APPROVALS,
    TOO_MANY_APPROVALS,
    UNKNOWN_COMPLAINT,
)
from shared.domain import Context, Outcome
from shared.facts.complaints import TRANSITIONS
from shared.schemas.commands.complaints import ComplaintApproveRequested, ComplaintCompensateRequested
from shared.schemas.complaints import CompensationGranted
from shared.schemas.times import Micros

MAX_APPROVALS = 20
"""Compensations of one complaint that wait for an approval."""
NEEDS_APPROVAL = Outcome(202, {"code": "needs_approval"})


class Decided(NamedTuple):
    """What becomes of what was asked for."""

    customer: Customer
    complaint: Complaint
    granted: CompensationGranted | None
    """None: it waits for an approval."""


def decided(
    limits: Compensation,
    customer: Customer,
    command: ComplaintCompensateRequested | ComplaintApproveRequested,
    at: Micros,
    context: Context,
) -> Decided:
    """Raises as ``_asked`` and ``_approved`` do."""
    if isinstance(command, ComplaintApproveRequested):
        return _approved(customer, command)
    return _asked(limits, customer, command, at, context)


def _asked(
    limits: Compensation,
    customer: Customer,
    command: ComplaintCompensateRequested,
    at: Micros,
    context: Context,
) -> Decided:
    """Granted, if the caller's scopes allow it for the complaint as severe as it is now; else it waits.

    Raises 404 ``unknown_complaint``; 409 ``invalid_transition``, ``too_many_approvals``.
    """
    complaint = _that_may_be_compensated(customer, command.complaint_id)
    given = command.model_dump(exclude_none=True, include={"kind", "points", "reward_id", "money"})
    by = {} if command.asked_by is None else {"asked_by": command.asked_by}
    if limits.allows(command.scopes, standing(complaint).severity, command.points, command.money):
        granted = {"complaint_id": complaint.complaint_id, **given, **by}
        return Decided(customer, complaint, CompensationGranted.model_validate(granted))
    if len(complaint.approvals) >= MAX_APPROVALS:
        raise TOO_MANY_APPROVALS(most=MAX_APPROVALS)
    new = Approval.model_validate({"approval_id": context.new_id("approval"), "at": at, **given, **by})
    complaint = altered(complaint, approvals=(*complaint.approvals, new))
    return Decided(with_complaint(customer, complaint), complaint, None)


def _approved(customer: Customer, command: ComplaintApproveRequested) -> Decided:
    """What waited is granted.

    Raises 404 ``unknown_complaint``; 409 ``invalid_transition``, ``nothing_to_approve``,
    ``several_approvals``; 403 ``own_request``.
    """
    complaint = _that_may_be_compensated(customer, command.complaint_id)
    one = _chosen(complaint, command)
    granted = {
        "complaint_id": complaint.complaint_id,
        **one.model_dump(exclude_none=True, include={"kind", "points", "reward_id", "money", "asked_by"}),
        "approved_by": command.approved_by,
    }
    left = tuple(other for other in complaint.approvals if other is not one)
    complaint = altered(complaint, approvals=left)
    fact = CompensationGranted.model_validate(granted)
    return Decided(with_complaint(customer, complaint), complaint, fact)


def _that_may_be_compensated(customer: Customer, complaint_id: str) -> Complaint:
    complaint = found(customer.complaints, complaint_id, complaint_key)
    if complaint is None:
        raise UNKNOWN_COMPLAINT(complaint=complaint_id)
    if complaint.life.status not in TRANSITIONS[CompensationGranted].follows:
        raise refused_step(complaint, complaint.life.status, CompensationGranted)
    return complaint


def _chosen(complaint: Complaint, command: ComplaintApproveRequested) -> Approval:
    """The one that is approved: that of the id, or the only one that this principal may approve."""
    waiting: Sequence[Approval] = complaint.approvals
    if command.approval_id is not None:
        waiting = [one for one in waiting if one.approval_id == command.approval_id]
    if not waiting:
        raise NOTHING_TO_APPROVE(complaint=complaint.complaint_id)
    others = [one for one in waiting if one.asked_by != command.approved_by]
    if not others:
        raise OWN_REQUEST()
    if len(others) > 1:
        raise SEVERAL_APPROVALS(field="approval_id", ids=", ".join(one.approval_id for one in others))
    return others[0]
