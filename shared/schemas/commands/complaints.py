"""What agents ask for about complaints."""

from typing import ClassVar

from shared.schemas.base import Id, Time
from shared.schemas.commands import Command, Text
from shared.schemas.complaints import CallerName, CompensationFields
from shared.schemas.fields import Label, Severity


class ComplaintOpenRequested(Command):
    """Open a complaint."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_open.requested.v1"

    customer_id: Id | None = None
    """The customer who complains; the subject says it too."""
    channel: Id
    """Where it came in."""
    category: Label
    """What it is about, e.g. delivery."""
    severity: Severity
    """How bad it is."""
    description: str
    """In the customer's words."""
    order_id: Id | None = None
    """The order that it is about."""
    conversation_id: Id | None = None
    """The conversation in which it was made, and is answered."""


class ComplaintCommand(Command):
    """Common to the steps of a complaint that is there."""

    complaint_id: Id
    """The complaint that takes the step, one of the customer."""


class ComplaintAcknowledgeRequested(ComplaintCommand):
    """Say that we have it."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_acknowledge.requested.v1"

    message: str = ""
    """What the customer was told."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintUpdateRequested(ComplaintCommand):
    """Say how it goes."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_update.requested.v1"

    message: Text
    """What the customer was told."""
    assignee: Id | None = None
    """Who deals with it from now on."""
    promised_by: Time | None = None
    """When the customer was promised to hear again."""


class ComplaintChangeRequested(ComplaintCommand):
    """Say that it is worse, or about something else, or give it to another person."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_change.requested.v1"

    severity: Severity | None = None
    """How bad it is."""
    category: Label | None = None
    """What it is about."""
    assignee: Id | None = None
    """Who deals with it from now on."""


class ComplaintWaitRequested(ComplaintCommand):
    """Wait for the customer."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_wait.requested.v1"

    reason: Text
    """What is needed of the customer."""


class ComplaintResumeRequested(ComplaintCommand):
    """Wait no more."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_resume.requested.v1"


class ComplaintResolveRequested(ComplaintCommand):
    """Give a solution."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_resolve.requested.v1"

    resolution: Text
    """What was done."""
    root_cause: str | None = None
    """Why it had happened."""


class ComplaintReopenRequested(ComplaintCommand):
    """Say that the solution did not hold."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_reopen.requested.v1"

    reason: Text
    """Why the solution did not hold."""


class ComplaintCloseRequested(ComplaintCommand):
    """Say that nothing is left to do."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_close.requested.v1"


class ComplaintCompensateRequested(CompensationFields, ComplaintCommand):
    """Give something to make good."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_compensate.requested.v1"
    caller: ClassVar[frozenset[str]] = frozenset({"asked_by", "scopes"})

    asked_by: CallerName | None = None
    """Who asks: the principal's name."""
    scopes: tuple[str, ...] = ()
    """What the principal may do, by which it is limited."""


class ComplaintApproveRequested(ComplaintCommand):
    """Grant what somebody else asked for and may not grant alone."""

    event_type: ClassVar[str] = "rapport.interactions.complaint_approve.requested.v1"
    caller: ClassVar[frozenset[str]] = frozenset({"approved_by"})

    approval_id: Id | None = None
    """Which of those that wait; needed where there are several."""
    approved_by: CallerName
    """Who approves: the principal's name."""
