"""``GET /events``: what happened, by type, of all customers."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError

from services.interactions.domain.rows import sort_key
from services.interactions.models.past import PastTime
from services.interactions.models.timeline import ToldItem, told_item
from services.interactions.routes.dependencies import Reader, Store, full_type, last_shown
from shared.http.dependencies import Clock
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.times import micros
from shared.schemas.topics import TYPES

router = APIRouter(tags=["events"])

MAX_TYPES = 20
DEFAULT_SPAN = timedelta(days=1)


@router.get("/events", summary="What happened, by type", response_model=Page[ToldItem])
async def told(
    principal: Reader,
    store: Store,
    clock: Clock,
    type: Annotated[
        list[str],
        Query(
            min_length=1,
            max_length=MAX_TYPES,
            description="rapport.purchase.made.v1, or purchase.made; several by several parameters.",
        ),
    ],
    from_: Annotated[PastTime | None, Query(alias="from", description="Default: a day earlier.")] = None,
    to: Annotated[PastTime | None, Query(description="Not included. Default: now.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """The events of these types, of all customers, by the time they happened. Those whose customer was erased
    are gone; ``note`` says which have no effect."""
    types = [full_type(one) for one in dict.fromkeys(type)]
    unknown = [one for one in types if one not in TYPES]
    if unknown:
        raise _invalid("type", "unknown", f"no such type: {unknown[0][:128]}")
    until = to or await clock.now(None)
    since = from_ or until - DEFAULT_SPAN
    if since >= until:
        raise _invalid("from", "order", "must be before to")
    rows = await store.told(
        types, since=micros(since), until=micros(until), before=last_shown(cursor), limit=limit + 1
    )
    shown, following = cut(rows, limit, lambda row: (sort_key(row.at, row.uid),))
    return page([told_item(row) for row in shown], following)


def _invalid(parameter: str, code: str, detail: str) -> RequestValidationError:
    return RequestValidationError([{"type": code, "loc": ("query", parameter), "msg": detail}])
