"""Customers who may be one person: suggested, confirmed by somebody, or rejected for good."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from services.interactions.domain.duplicates.rows import DuplicateRow
from services.interactions.domain.duplicates.state import Status
from services.interactions.duplicate_store import DuplicateStore
from services.interactions.errors import DUPLICATE_DECIDED, UNKNOWN_DUPLICATE
from services.interactions.models.duplicates import DuplicateView, Rejected, apart, duplicate_view
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import AtDesk, Duplicates, Reader, Store, last_shown
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import ID_PATTERN, Id
from shared.schemas.commands.duplicates import DuplicateDecideRequested

router = APIRouter(tags=["customers"])

DuplicateId = Annotated[str, Path(pattern=ID_PATTERN)]
DECIDED = responses(UNKNOWN_DUPLICATE, DUPLICATE_DECIDED)


@router.get("/duplicates", summary="Who may be one person twice", response_model=Page[DuplicateView])
async def list_duplicates(
    principal: Reader,
    store: Store,
    duplicates: Duplicates,
    status: Status = "open",
    customer_id: Id | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Two customers each, the last suggested first; a page may have fewer than asked for, as those who were
    merged meanwhile are left out. With ``customer_id``, the suggestions that customer is in."""
    if customer_id is not None:
        rows = (await duplicates.of([customer_id], status))[:limit]
    else:
        rows = await duplicates.listed(status, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    ids = {id for row in shown for id in (row.customer, row.other)}
    known, now = await asyncio.gather(store.customer_rows(ids), duplicates.survivors(ids))
    left = apart(shown, now) if status == "open" else shown
    return page([duplicate_view(row, known) for row in left], following)


@router.post(
    "/duplicates/{duplicate_id}/reject",
    summary="They are two",
    responses=answers(Rejected) | DECIDED,
)
async def reject(
    principal: AtDesk,
    duplicates: Duplicates,
    commands: SendCommands,
    duplicate_id: DuplicateId,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """For good: they are never suggested again, whatever is told of them."""
    await the_pair(duplicates, duplicate_id)
    command = DuplicateDecideRequested(verdict="rejected", decided_by=principal.name)
    return (await commands.submit(principal, "duplicates.reject", duplicate_id, command, key)).response()


async def the_pair(duplicates: DuplicateStore, duplicate_id: str) -> DuplicateRow:
    """The suggestion. Raises 404 ``unknown_duplicate``."""
    row = await duplicates.one(duplicate_id)
    if row is None:
        raise UNKNOWN_DUPLICATE(duplicate=duplicate_id)
    return row
