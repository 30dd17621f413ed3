"""What agents ask for over HTTP, as the facts that it leads to."""

from collections.abc import Mapping

from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.state import Customer, found
from shared.domain import Context, Outcome
from shared.schemas.commands.complaints import (
    ComplaintAcknowledgeRequested,
    ComplaintChangeRequested,
    ComplaintCloseRequested,
    ComplaintCommand,
    ComplaintOpenRequested,
    ComplaintReopenRequested,
    ComplaintResolveRequested,
    ComplaintResumeRequested,
    ComplaintUpdateRequested,
    ComplaintWaitRequested,
)
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintsData,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.times import Micros

STEPS: Mapping[type[ComplaintCommand], type[ComplaintsData]] = {
    ComplaintAcknowledgeRequested: ComplaintAcknowledged,
    ComplaintUpdateRequested: ComplaintUpdated,
    ComplaintChangeRequested: ComplaintChanged,
    ComplaintWaitRequested: ComplaintWaiting,
    ComplaintResumeRequested: ComplaintResumed,
    ComplaintResolveRequested: ComplaintResolved,
    ComplaintReopenRequested: ComplaintReopened,
    ComplaintCloseRequested: ComplaintClosed,
}
"""Command -> the fact that it asks for. A command has its fact's fields, and maybe ``assignee``."""


def decide(command: ComplaintOpenRequested | ComplaintCommand, context: Context) -> ComplaintsData:
    """The fact that a command asks for; ``complaint_opened`` or ``complaint_stepped`` judges it.

    Without what is not said, and without fields that the command does not know: as a source would tell it.
    """
    said = command.model_dump(include=set(type(command).model_fields), exclude_none=True)
    match command:
        case ComplaintOpenRequested():
            said.pop("customer_id", None)  # it is the event's subject
            return ComplaintOpened.model_validate(said | {"complaint_id": context.new_id("complaint")})
        case ComplaintCommand():
            return STEPS[type(command)].model_validate(said)


def decided_at(customer: Customer, fact: ComplaintsData, at: Micros) -> Micros:
    """When what a command asks for happens: an agent acts on what is known, so after all of it, even where
    the clock of who told the last step is ahead of ours."""
    complaint = found(customer.complaints, fact.complaint_id, complaint_key)
    return at if complaint is None else max(at, 1 + max(step.at for step in complaint.steps))


def outcome(customer: Customer, fact: ComplaintsData) -> Outcome:
    """The answer to a command whose fact has taken effect: 201 and the id of a new complaint, else 200 and
    the status."""
    if isinstance(fact, ComplaintOpened):
        return Outcome(201, {"complaint_id": fact.complaint_id})
    complaint = found(customer.complaints, fact.complaint_id, complaint_key)
    assert complaint is not None
    return Outcome(200, {"complaint_id": complaint.complaint_id, "status": complaint.life.status})
