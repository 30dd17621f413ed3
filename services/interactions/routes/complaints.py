"""Complaints from open to close."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.interactions.domain.state import Status
from services.interactions.routes.dependencies import ComplaintId, Store, answers, last_shown
from services.interactions.store import InteractionsStore
from services.interactions.views import ComplaintDetail, ComplaintView, complaint_detail, complaint_view
from shared.http.auth import Principal, require
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import get_commands
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.http.problems import Problem
from shared.schemas.base import Id
from shared.schemas.commands import ComplaintActionRequested, ComplaintOpenRequested
from shared.schemas.complaints import CompensationKind
from shared.schemas.fields import GivenPoints, Label, Price, Severity

router = APIRouter(tags=["complaints"])

Action = Literal["acknowledge", "update", "resolve", "reopen", "close", "compensate"]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Writer = Annotated[Principal, Depends(require("complaints:write"))]
Whose = Annotated[Id | None, Query(description="The customer, where two have a complaint of this id.")]


class Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewComplaint(Asked):
    customer_id: Id
    channel: Id
    category: Label
    severity: Severity
    description: Text
    order_id: Id | None = None


class Acknowledgement(Asked):
    message: Annotated[str, Field(max_length=20_000)] = ""
    assignee: Id | None = None


class Update(Asked):
    message: Text
    assignee: Id | None = None


class Resolution(Asked):
    resolution: Text
    root_cause: Text | None = None


class Reopening(Asked):
    reason: Text


class Closing(Asked):
    pass


class Compensation(Asked):
    """``points`` for kind points; ``money`` for kind refund; a voucher may say either."""

    kind: CompensationKind
    points: GivenPoints | None = None
    money: Price | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Compensation":
        needed = {"points": "points", "refund": "money"}.get(self.kind)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"{needed} is needed for kind {self.kind}")
        return self


class Opened(BaseModel):
    complaint_id: str


class Taken(BaseModel):
    complaint_id: str
    status: Status


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
    shown, following = cut(rows, limit, lambda row: (row["order"],))
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
    return complaint_detail(row, await store.complaint_history(row["customer"], complaint_id))


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
    return await _act(request, store, principal, "acknowledge", complaint_id, customer_id, body, key)


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
    return await _act(request, store, principal, "update", complaint_id, customer_id, body, key)


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
    return await _act(request, store, principal, "resolve", complaint_id, customer_id, body, key)


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
    return await _act(request, store, principal, "reopen", complaint_id, customer_id, body, key)


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
    return await _act(request, store, principal, "close", complaint_id, customer_id, body, key)


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
    return await _act(request, store, principal, "compensate", complaint_id, customer_id, body, key)


async def _act(
    request: Request,
    store: InteractionsStore,
    principal: Principal,
    action: Action,
    complaint_id: str,
    customer_id: str | None,
    body: Asked,
    key: str | None,
) -> JSONResponse:
    row = await _the_one(store, complaint_id, customer_id)
    asked = body.model_dump(exclude_none=True) | {"complaint_id": complaint_id, "action": action}
    command = ComplaintActionRequested.model_validate(asked)
    commands = get_commands(request)
    answer = await commands.submit(principal, f"complaints.{action}", row["customer"], command, key)
    return answer.response()


async def _the_one(store: InteractionsStore, complaint_id: str, customer_id: str | None) -> dict[str, Any]:
    """The complaint of this id. Raises 404 ``unknown_complaint``, 409 ``ambiguous_complaint``."""
    rows = await store.complaints_named(complaint_id, customer_id)
    if not rows:
        raise Problem(404, "unknown_complaint", f"There is no complaint {complaint_id}.")
    if len(rows) > 1:
        detail = "Several customers have a complaint of this id: name one with customer_id."
        raise Problem(409, "ambiguous_complaint", detail)
    return rows[0]
