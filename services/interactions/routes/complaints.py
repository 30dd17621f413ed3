"""Complaints from open to close."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.interactions.domain.complaints.promises import course_of
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.rows import ComplaintRow
from services.interactions.domain.sla.course import Course
from services.interactions.domain.sla.policy import Sla
from services.interactions.domain.state import found
from services.interactions.errors import (
    AMBIGUOUS_COMPLAINT,
    INVALID_TRANSITION,
    TOO_MANY_COMPLAINTS,
    UNKNOWN_COMPLAINT,
    UNKNOWN_ROOT_CAUSE,
)
from services.interactions.models.complaints import (
    Acknowledgement,
    Change,
    Closing,
    ComplaintDetail,
    ComplaintView,
    NewComplaint,
    Opened,
    Reopening,
    Resolution,
    Resumption,
    Taken,
    Update,
    Wait,
    command_of,
    complaint_detail,
    complaint_view,
)
from services.interactions.routes.dependencies import ComplaintId, Policy, Reader, Store, Writer, last_shown
from services.interactions.store import InteractionsStore
from shared.facts.complaints import Status
from shared.http.audit import touched
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import Responses, responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import Id, Strict
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
from shared.schemas.times import Micros, micros

router = APIRouter(tags=["complaints"])

Whose = Annotated[Id | None, Query(description="The customer, where two have a complaint of this id.")]


def answers(model: type[BaseModel], status: int = 200) -> Responses:
    """OpenAPI: what a command answers, at once or later."""
    return {
        status: {"model": model},
        202: {"description": "Accepted; Location says where the answer will be."},
    }


ONE = responses(UNKNOWN_COMPLAINT, AMBIGUOUS_COMPLAINT)
STEP = answers(Taken) | responses(UNKNOWN_COMPLAINT, AMBIGUOUS_COMPLAINT, INVALID_TRANSITION)
NO_MORE = Closing()
GO_ON = Resumption()
NO_MESSAGE = Acknowledgement()


@router.post(
    "/complaints",
    summary="Open",
    status_code=201,
    responses=answers(Opened, 201) | responses(TOO_MANY_COMPLAINTS),
)
async def open_complaint(
    principal: Writer, commands: SendCommands, body: Told[NewComplaint], key: IdempotencyKey = None
) -> JSONResponse:
    """The customer need not be known yet."""
    command = ComplaintOpenRequested.model_validate(body.model_dump(exclude_none=True))
    return (await commands.submit(principal, "complaints", body.customer_id, command, key)).response()


@router.get("/complaints", summary="Find", response_model=Page[ComplaintView])
async def list_complaints(
    principal: Reader,
    store: Store,
    status: Annotated[
        Status | Literal["waiting"] | None, Query(description="waiting: for the customer, while open.")
    ] = None,
    overdue: Annotated[
        bool | None, Query(description="A clock ran out, and its step has not been taken since.")
    ] = None,
    assignee: Id | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Complaints of all customers, the last opened first."""
    rows = await store.complaints(
        status=status, overdue=overdue, assignee=assignee, before=last_shown(cursor), limit=limit + 1
    )
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([complaint_view(row) for row in shown], following)


@router.get("/complaints/{complaint_id}", summary="One, with its clocks and its history", responses=ONE)
async def get_complaint(
    principal: Reader,
    store: Store,
    sla: Policy,
    clock: Clock,
    complaint_id: ComplaintId,
    customer_id: Whose = None,
) -> ComplaintDetail:
    """The clocks as they stand now; what was told of them is in the history."""
    row = await the_one(store, complaint_id, customer_id)
    now = micros(await clock.now(row.customer_id))
    course = await course_now(store, sla, row, now)
    ids = await store.ids(row.customer_id)
    return complaint_detail(row, course, await store.complaint_history(ids, complaint_id))


class OneComplaint:
    """The complaint that a step is asked for, and who asks."""

    def __init__(
        self,
        principal: Writer,
        store: Store,
        commands: SendCommands,
        complaint_id: ComplaintId,
        customer_id: Whose = None,
        key: IdempotencyKey = None,
    ) -> None:
        self.principal = principal
        self._store = store
        self._commands = commands
        self._complaint_id = complaint_id
        self._customer_id = customer_id
        self._key = key

    async def ask(
        self, action: str, kind: type[ComplaintCommand], body: Strict, **caller: object
    ) -> JSONResponse:
        """Send the command and answer what its worker says; ``caller``: what it says of who asks. Raises as
        ``STEP`` says."""
        row = await the_one(self._store, self._complaint_id, self._customer_id)
        command = command_of(kind, self._complaint_id, body, **caller)
        route = f"complaints.{action}"
        answer = await self._commands.submit(self.principal, route, row.customer_id, command, self._key)
        return answer.response()


Asked = Annotated[OneComplaint, Depends()]


@router.post("/complaints/{complaint_id}/acknowledge", summary="Say that we have it", responses=STEP)
async def acknowledge(
    complaint: Asked, body: Annotated[Told[Acknowledgement], Body()] = NO_MESSAGE
) -> JSONResponse:
    """The first response; whoever is named as ``assignee`` deals with it from now on."""
    return await complaint.ask("acknowledge", ComplaintAcknowledgeRequested, body)


@router.post("/complaints/{complaint_id}/update", summary="Say how it goes", responses=STEP)
async def update(complaint: Asked, body: Told[Update]) -> JSONResponse:
    return await complaint.ask("update", ComplaintUpdateRequested, body)


@router.post(
    "/complaints/{complaint_id}/resolve",
    summary="Give a solution",
    responses=STEP | responses(UNKNOWN_ROOT_CAUSE),
)
async def resolve(complaint: Asked, body: Told[Resolution]) -> JSONResponse:
    """``root_cause`` is one of the SLA file's ``root_causes``, where it lists any."""
    return await complaint.ask("resolve", ComplaintResolveRequested, body)


@router.post("/complaints/{complaint_id}/reopen", summary="The solution did not hold", responses=STEP)
async def reopen(complaint: Asked, body: Told[Reopening]) -> JSONResponse:
    return await complaint.ask("reopen", ComplaintReopenRequested, body)


@router.post("/complaints/{complaint_id}/close", summary="Nothing is left to do", responses=STEP)
async def close(complaint: Asked, body: Annotated[Told[Closing], Body()] = NO_MORE) -> JSONResponse:
    return await complaint.ask("close", ComplaintCloseRequested, body)


@router.post("/complaints/{complaint_id}/change", summary="Correct or hand over", responses=STEP)
async def change(complaint: Asked, body: Told[Change]) -> JSONResponse:
    """What it is about, how bad it is, who deals with it; its clocks are reckoned anew."""
    return await complaint.ask("change", ComplaintChangeRequested, body)


@router.post("/complaints/{complaint_id}/wait", summary="Wait for the customer", responses=STEP)
async def wait(complaint: Asked, body: Told[Wait]) -> JSONResponse:
    """Its clocks stand, but that of the first response, until the customer writes or it is resumed."""
    return await complaint.ask("wait", ComplaintWaitRequested, body)


@router.post("/complaints/{complaint_id}/resume", summary="Wait no more", responses=STEP)
async def resume(complaint: Asked, body: Annotated[Told[Resumption], Body()] = GO_ON) -> JSONResponse:
    return await complaint.ask("resume", ComplaintResumeRequested, body)


async def course_now(store: InteractionsStore, sla: Sla, row: ComplaintRow, now: Micros) -> Course:
    """Of its clocks; of a closed one that made room for others, none are left."""
    customer = await store.customer(row.customer_id)
    complaint = None if customer is None else found(customer.complaints, row.complaint_id, complaint_key)
    if customer is None or complaint is None:
        return Course()
    return course_of(sla, customer, complaint, now)


async def the_one(store: InteractionsStore, complaint_id: str, customer_id: str | None) -> ComplaintRow:
    """The complaint of this id. Raises 404 ``unknown_complaint``, 409 ``ambiguous_complaint``."""
    rows = await store.complaints_named(complaint_id, customer_id)
    if not rows:
        raise UNKNOWN_COMPLAINT(complaint=complaint_id)
    if len(rows) > 1:
        raise AMBIGUOUS_COMPLAINT(complaint=complaint_id)
    touched(rows[0].customer_id)
    return rows[0]
