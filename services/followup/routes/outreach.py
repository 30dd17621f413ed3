"""A customer's messages, and sending one by hand."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from services.followup import errors
from services.followup.domain.gate.reach import unusable_addresses
from services.followup.models.outreach import OutreachBody, OutreachPage, OutreachPlaced, Status, with_waiting
from services.followup.routes.dependencies import InForce, Reader, Store, Writer
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, cut, decode_cursor, page
from shared.schemas.base import Id
from shared.schemas.commands.followup import OutreachRequested
from shared.schemas.times import micros

router = APIRouter(tags=["followup"])


@router.get(
    "/customers/{customer_id}/outreach",
    summary="A customer's outreach, the latest due first",
    response_model=OutreachPage,
    response_model_exclude_none=False,
)
async def read_outreach(
    customer_id: Annotated[Id, Path(description="The customer's id.")],
    store: Store,
    policy: InForce,
    clock: Clock,
    principal: Reader,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    before: tuple[datetime, str] | None = None
    if cursor is not None:
        due_at, outreach_id = decode_cursor(cursor, datetime, str)
        before = (due_at, outreach_id)
    found = await store.outreach(customer_id, status=status, before=before, limit=limit + 1)
    customer = await store.customer(customer_id)
    if customer is not None:
        found = with_waiting(found, customer, status, before)
    shown, following = cut(found, limit, lambda one: (one.due_at, one.outreach_id))
    if customer is None:
        return {**page(shown, following), "unusable": {}}
    now = micros(await clock.now(customer_id))
    return {**page(shown, following), "unusable": unusable_addresses(policy, customer, now)}


@router.post(
    "/outreach",
    summary="Send a customer a message by hand",
    status_code=201,
    response_model=OutreachPlaced,
    responses=responses(
        errors.UNKNOWN_TEMPLATE, errors.UNKNOWN_CHANNEL, errors.BAD_VARIABLES, *errors.SUPPRESSED.values()
    ),
)
async def send(
    body: OutreachBody, principal: Writer, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    asked = OutreachRequested(
        template=body.template, channel=body.channel, at=body.at, variables=body.variables
    )
    answer = await commands.submit(principal, "outreach", body.customer_id, asked, key)
    return answer.response()
