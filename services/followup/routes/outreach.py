"""A customer's messages, and sending one by hand."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from services.followup import errors
from services.followup.domain.gate.reach import address, unusable_addresses
from services.followup.domain.gate.sender import asked, held
from services.followup.domain.policy import Policy
from services.followup.domain.state import Customer
from services.followup.models.outreach import (
    OutreachBody,
    OutreachPage,
    OutreachPlaced,
    Row,
    Status,
    WaitingAnswer,
    as_shown,
    turn,
)
from services.followup.routes.dependencies import InForce, Reader, Store, Writer
from services.followup.store import FollowupStore
from shared.http.bodies import Told
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.gone import not_erased
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
    request: Request,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    before: tuple[datetime, str] | None = None
    if cursor is not None:
        due_at, outreach_id = decode_cursor(cursor, datetime, str)
        before = (due_at, outreach_id)
    read = partial(store.outreach, status=status, before=before, limit=limit + 1)
    rows, customer = await asyncio.gather(read([customer_id]), store.customer(customer_id))
    ids = [customer_id] if customer is None else customer.ids_with(customer_id)
    if len(ids) > 1:  # few customers have more
        rows = await read(ids)
    look = partial(_look, store, policy, customer)
    found = await as_shown(rows, customer, status, datetime.now(UTC), look)
    if before is not None:  # what has no row of its own
        found = [one for one in found if (one.due_at, one.outreach_id) < before]
    shown, following = cut(found, limit, lambda one: (one.due_at, one.outreach_id))
    if customer is None:
        await not_erased(request, customer_id)
        return {**page(shown, following), "unusable": {}}
    now = micros(await clock.now(customer.customer_id))
    return {**page(shown, following), "unusable": unusable_addresses(policy, customer, now)}


async def _look(
    store: FollowupStore, policy: Policy, customer: Customer | None, row: Row
) -> WaitingAnswer | None:
    """What holds one that is ready with its sender. Senders go by the wall clock; in a replay nothing waits
    for them."""
    if policy.event_time or row.not_before is None:
        return None
    now = datetime.now(UTC)
    here = policy.at(micros(now))
    to = None if customer is None else address(customer, here, row.channel)
    about = asked(here, row.channel, row.rule, row.purpose, to)
    found = await store.sending(about, now, row.not_before)
    return turn(row, found, held(here, about, found, micros(now)), now)


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
    body: Told[OutreachBody], principal: Writer, commands: SendCommands, key: IdempotencyKey = None
) -> JSONResponse:
    wanted = OutreachRequested(
        template=body.template, channel=body.channel, at=body.at, variables=body.variables
    )
    answer = await commands.submit(principal, "outreach", body.customer_id, wanted, key)
    return answer.response()
