"""What makes good, and who has to approve it."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from services.interactions.errors import (
    AMBIGUOUS_COMPLAINT,
    INVALID_TRANSITION,
    NOTHING_TO_APPROVE,
    OWN_REQUEST,
    SEVERAL_APPROVALS,
    TOO_MANY_APPROVALS,
    UNKNOWN_COMPLAINT,
)
from services.interactions.models.compensation import Approving, Compensation
from services.interactions.models.complaints import Taken
from services.interactions.routes.complaints import Asked, OneComplaint, Whose, answers
from services.interactions.routes.dependencies import Approver, ComplaintId, Store
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.http.errors import Responses, responses
from shared.schemas.commands.complaints import ComplaintApproveRequested, ComplaintCompensateRequested

router = APIRouter(tags=["complaints"])

NEEDS_APPROVAL = (
    "`needs_approval`: above the caller's limit, it waits for an approval. With a Location: accepted, and "
    "the answer will be there."
)
COMPENSATE: Responses = (
    answers(Taken)
    | {202: {"description": NEEDS_APPROVAL}}
    | responses(UNKNOWN_COMPLAINT, AMBIGUOUS_COMPLAINT, INVALID_TRANSITION, TOO_MANY_APPROVALS)
)
APPROVE: Responses = answers(Taken) | responses(
    UNKNOWN_COMPLAINT,
    AMBIGUOUS_COMPLAINT,
    INVALID_TRANSITION,
    NOTHING_TO_APPROVE,
    SEVERAL_APPROVALS,
    OWN_REQUEST,
)
THE_ONE = Approving()


@router.post("/complaints/{complaint_id}/compensate", summary="Make good", responses=COMPENSATE)
async def compensate(complaint: Asked, body: Told[Compensation]) -> JSONResponse:
    """Any time before the close. Within the limits of the caller's scopes for the complaint's severity it is
    granted at once; above them 202 ``needs_approval``, and it waits until another approves it.

    Points and the voucher of a reward are given by loyalty; a refund, and a voucher without a reward, is for
    the shop, which hears of it by the event.
    """
    who = complaint.principal
    return await complaint.ask(
        "compensate", ComplaintCompensateRequested, body, asked_by=who.name, scopes=sorted(who.scopes)
    )


class ToApprove(OneComplaint):
    """As the other steps, for those who may approve."""

    def __init__(
        self,
        principal: Approver,
        store: Store,
        commands: SendCommands,
        complaint_id: ComplaintId,
        customer_id: Whose = None,
        key: IdempotencyKey = None,
    ) -> None:
        super().__init__(principal, store, commands, complaint_id, customer_id, key)


@router.post("/complaints/{complaint_id}/approve", summary="Approve what makes good", responses=APPROVE)
async def approve(
    complaint: Annotated[ToApprove, Depends()], body: Annotated[Told[Approving], Body()] = THE_ONE
) -> JSONResponse:
    """Grants the compensation that waits, if somebody else asked for it; ``approval_id`` says which, where
    several wait."""
    who = complaint.principal
    return await complaint.ask("approve", ComplaintApproveRequested, body, approved_by=who.name)
