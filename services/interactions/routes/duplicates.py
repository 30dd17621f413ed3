"""Customers who may be one person: suggested, confirmed by somebody, or rejected for good."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path
from fastapi.responses import JSONResponse

from services.interactions.domain.duplicates.rows import DuplicateRow
from services.interactions.domain.duplicates.state import Status
from services.interactions.duplicate_store import DuplicateStore
from services.interactions.errors import (
    DUPLICATE_DECIDED,
    NOT_OF_THE_TWO,
    UNKNOWN_CUSTOMER,
    UNKNOWN_DUPLICATE,
)
from services.interactions.models.duplicates import (
    Confirm,
    Confirmed,
    DuplicateView,
    Rejected,
    apart,
    duplicate_view,
    first_seen,
)
from services.interactions.models.merging import MergeInto
from services.interactions.routes.complaints import answers
from services.interactions.routes.dependencies import Admin, AtDesk, Duplicates, Reader, Store, last_shown
from services.interactions.routes.merging import merged
from shared.http.auth import Principal
from shared.http.bodies import Told
from shared.http.commands import Answer, IdempotencyKey
from shared.http.dependencies import SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.base import ID_PATTERN, Id
from shared.schemas.commands.duplicates import DuplicateDecideRequested

router = APIRouter(tags=["customers"])

DuplicateId = Annotated[str, Path(pattern=ID_PATTERN)]
WHOEVER = Confirm()
DECIDED = responses(UNKNOWN_DUPLICATE, DUPLICATE_DECIDED)


class Deciding:
    """Decides about suggestions."""

    def __init__(self, store: Store, duplicates: Duplicates, commands: SendCommands) -> None:
        self._store, self._duplicates, self._commands = store, duplicates, commands

    async def reject(self, principal: Principal, duplicate_id: str, key: str | None) -> Answer:
        """Raises 404 ``unknown_duplicate``, 409 ``duplicate_decided``."""
        await the_pair(self._duplicates, duplicate_id)
        command = DuplicateDecideRequested(verdict="rejected", decided_by=principal.name)
        return await self._commands.submit(principal, "duplicates.reject", duplicate_id, command, key)

    async def confirm(
        self, principal: Principal, duplicate_id: str, into: str | None, key: str | None
    ) -> Answer:
        """The merge first, as it may be refused; then that it was right. Where the first is not known to have
        happened yet, the answer is its 202: ask again. Raises as ``merged`` does, and as ``reject``."""
        row = await the_pair(self._duplicates, duplicate_id)
        if row.status == "rejected":
            raise DUPLICATE_DECIDED(duplicate=duplicate_id, status=row.status)
        two = (row.customer, row.other)
        if into is not None and into not in two:
            raise NOT_OF_THE_TWO(customer=into, field="body.into")
        known, now = await asyncio.gather(self._store.customer_rows(two), self._duplicates.survivors(two))
        # Where they are one already, it is answered as it was.
        survivor = now[row.customer] if now[row.customer] == now[row.other] else None
        stays = into or (survivor if survivor in two else None) or first_seen(row, known)
        goes = row.other if stays == row.customer else row.customer
        if now[goes] != now[stays]:
            asked = MergeInto(into=stays, reason=f"duplicate: {', '.join(row.reasons)}")
            answer = await merged(principal, self._store, self._commands, goes, asked, key)
            if answer.status == 202:
                return answer
        command = DuplicateDecideRequested(verdict="confirmed", decided_by=principal.name)
        answer = await self._commands.submit(principal, "duplicates.confirm", duplicate_id, command, key)
        if answer.status == 202:
            return answer
        return Answer(200, {**answer.body, "customer_id": goes, "into": stays})


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
        rows = (await duplicates.of(await store.ids(customer_id), status))[:limit]
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
    asking: Annotated[Deciding, Depends()],
    duplicate_id: DuplicateId,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """For good: they are never suggested again, whatever is told of them."""
    return (await asking.reject(principal, duplicate_id, key)).response()


@router.post(
    "/duplicates/{duplicate_id}/confirm",
    summary="They are one",
    responses=answers(Confirmed) | DECIDED | responses(UNKNOWN_CUSTOMER, NOT_OF_THE_TWO),
)
async def confirm(
    principal: Admin,
    asking: Annotated[Deciding, Depends()],
    duplicate_id: DuplicateId,
    body: Annotated[Told[Confirm], Body()] = WHOEVER,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """The other one is merged into ``into``, as by ``POST /customers/{id}/merge``."""
    return (await asking.confirm(principal, duplicate_id, body.into, key)).response()


async def the_pair(duplicates: DuplicateStore, duplicate_id: str) -> DuplicateRow:
    """The suggestion. Raises 404 ``unknown_duplicate``."""
    row = await duplicates.one(duplicate_id)
    if row is None:
        raise UNKNOWN_DUPLICATE(duplicate=duplicate_id)
    return row
