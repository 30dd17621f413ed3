"""A customer's page, timeline, and the search for customers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.interactions.routes.dependencies import CustomerId, Store, last_shown, unknown_customer
from services.interactions.views import (
    CustomerHit,
    CustomerView,
    TimelineItem,
    customer_hit,
    customer_view,
    timeline_item,
)
from shared.http.auth import require
from shared.http.dependencies import get_clock
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.http.problems import Problem

router = APIRouter(tags=["customers"], dependencies=[Depends(require("customers:read"))])


@router.get("/customers", summary="Find customers", response_model=Page[CustomerHit])
async def search(
    store: Store,
    query: Annotated[str, Query(max_length=256, pattern=r"\S", description="How id, name or e-mail begins.")],
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Customers whose id, name or e-mail begins with ``query``, in any case; the newest first."""
    rows = await store.search(query, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row["order"],))
    return page([customer_hit(row) for row in shown], following)


@router.get("/customers/{customer_id}", summary="The 360")
async def customer(request: Request, store: Store, customer_id: CustomerId) -> CustomerView:
    """All that is known of a customer. 404 ``unknown_customer`` for one never heard of."""
    state = await store.customer(customer_id)
    if state is None:
        raise unknown_customer(customer_id)
    return customer_view(state, await get_clock(request).now(customer_id))


@router.get("/customers/{customer_id}/timeline", summary="What happened", response_model=Page[TimelineItem])
async def timeline(
    store: Store,
    customer_id: CustomerId,
    channel: Annotated[str | None, Query(max_length=128, description="Only what came by it.")] = None,
    type: Annotated[
        str | None,
        Query(max_length=128, description="Only this type: rapport.purchase.made.v1, or purchase.made."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """The customer's events by the time they happened. Texts are as the sources gave them: plain text,
    to be escaped by whoever shows them as HTML."""
    before = last_shown(cursor)
    if before is not None and not before.startswith(f"{customer_id} "):
        raise Problem(422, "invalid_cursor", "The cursor is another customer's.")
    rows = await store.timeline(
        customer_id, channel=channel, type=_full_type(type), before=before, limit=limit + 1
    )
    if not rows and before is None and await store.customer(customer_id) is None:
        raise unknown_customer(customer_id)
    shown, following = cut(rows, limit, lambda row: (row["place"],))
    return page([timeline_item(row) for row in shown], following)


def _full_type(type: str | None) -> str | None:
    return type if type is None or type.startswith("rapport.") else f"rapport.{type}.v1"
