"""Complaints from open to close."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.interactions.domain.rows import ComplaintRow
from services.interactions.domain.state import Status
from services.interactions.models.complaints import (
    Acknowledgement,
    Closing,
    Compensation,
    ComplaintDetail,
    ComplaintView,
    NewComplaint,
    Opened,
    Reopening,
    Resolution,
    Taken,
    Update,
    command_of,
    complaint_detail,
    complaint_view,
)
from services.interactions.routes.dependencies import ComplaintId, Store, answers, last_shown
from services.interactions.store import InteractionsStore
from shared.http.auth import Principal, require
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import get_commands
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.http.problems import Problem
from shared.schemas.base import Id
from shared.schemas.commands import (
    ComplaintAcknowledgeRequested,
    ComplaintCloseRequested,
    ComplaintCommand,
    ComplaintCompensateRequested,
    ComplaintOpenRequested,
    ComplaintReopenRequested,
    ComplaintResolveRequested,
    ComplaintUpdateRequested,
)

router = APIRouter(tags=["complaints"])

Writer = Annotated[Principal, Depends(require("complaints:write"))]
Whose = Annotated[Id | None, Query(description="The customer, where two have a complaint of this id.")]


STEP = answers(Taken) | {
    404: {"description": "unknown_complaint"},
    409: {"description": "invalid_transition"},
}
NO_MORE = Closing()
NO_MESSAGE = Acknowledgement()


@router.post("/complaints", summary="Open", status_code=201, responses=answers(Opened, 201))
async def open_complaint(
    request: Request, body: NewComplaint, principal: Writer, key: IdempotencyKey = None
) -> JSONResponse:
    """The customer need not be known yet."""
    command = ComplaintOpenRequested.model_validate(body.model_dump(exclude_none=True))
    answer = await get_commands(request).submit(principal, "complaints", body.customer_id, command, key)
    return answer.response()


@router.get(
    "/complaints",
    summary="Find",
    response_model=Page[ComplaintView],
    dependencies=[Depends(require("customers:read"))],
)
async def list_complaints(
    store: Store,
    status: Status | None = None,
    overdue: Annotated[bool | None, Query(description="An SLA clock ran out and its step is due.")] = None,
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


@router.get(
    "/complaints/{complaint_id}",
    summary="One, with its history",
    dependencies=[Depends(require("customers:read"))],
)
async def get_complaint(
    store: Store, complaint_id: ComplaintId, customer_id: Whose = None
) -> ComplaintDetail:
    row = await _the_one(store, complaint_id, customer_id)
    return complaint_detail(row, await store.complaint_history(row.customer_id, complaint_id))


@router.post("/complaints/{complaint_id}/acknowledge", summary="Say that we have it", responses=STEP)
async def acknowledge(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Annotated[Acknowledgement, Body()] = NO_MESSAGE,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The first response; whoever is named as ``assignee`` deals with it from now on."""
    command = command_of(ComplaintAcknowledgeRequested, complaint_id, body)
    return await _act(request, store, principal, "acknowledge", customer_id, command, key)


@router.post("/complaints/{complaint_id}/update", summary="Say how it goes", responses=STEP)
async def update(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Update,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    command = command_of(ComplaintUpdateRequested, complaint_id, body)
    return await _act(request, store, principal, "update", customer_id, command, key)


@router.post("/complaints/{complaint_id}/resolve", summary="Give a solution", responses=STEP)
async def resolve(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Resolution,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    command = command_of(ComplaintResolveRequested, complaint_id, body)
    return await _act(request, store, principal, "resolve", customer_id, command, key)


@router.post("/complaints/{complaint_id}/reopen", summary="The solution did not hold", responses=STEP)
async def reopen(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Reopening,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    command = command_of(ComplaintReopenRequested, complaint_id, body)
    return await _act(request, store, principal, "reopen", customer_id, command, key)


@router.post("/complaints/{complaint_id}/close", summary="Nothing is left to do", responses=STEP)
async def close(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Annotated[Closing, Body()] = NO_MORE,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    command = command_of(ComplaintCloseRequested, complaint_id, body)
    return await _act(request, store, principal, "close", customer_id, command, key)


@router.post("/complaints/{complaint_id}/compensate", summary="Make good", responses=STEP)
async def compensate(
    request: Request,
    store: Store,
    principal: Writer,
    complaint_id: ComplaintId,
    body: Compensation,
    customer_id: Whose = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Points are credited by loyalty; any time before the close."""
    command = command_of(ComplaintCompensateRequested, complaint_id, body)
    return await _act(request, store, principal, "compensate", customer_id, command, key)


async def _act(
    request: Request,
    store: InteractionsStore,
    principal: Principal,
    action: str,
    customer_id: str | None,
    command: ComplaintCommand,
    key: str | None,
) -> JSONResponse:
    row = await _the_one(store, command.complaint_id, customer_id)
    commands = get_commands(request)
    answer = await commands.submit(principal, f"complaints.{action}", row.customer_id, command, key)
    return answer.response()


async def _the_one(store: InteractionsStore, complaint_id: str, customer_id: str | None) -> ComplaintRow:
    """The complaint of this id. Raises 404 ``unknown_complaint``, 409 ``ambiguous_complaint``."""
    rows = await store.complaints_named(complaint_id, customer_id)
    if not rows:
        raise Problem(404, "unknown_complaint", f"There is no complaint {complaint_id}.")
    if len(rows) > 1:
        detail = "Several customers have a complaint of this id: name one with customer_id."
        raise Problem(409, "ambiguous_complaint", detail)
    return rows[0]
