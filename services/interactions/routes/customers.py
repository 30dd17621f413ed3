"""A customer's page, timeline, and the search for customers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.interactions.errors import INVALID_CURSOR, UNKNOWN_CUSTOMER
from services.interactions.models.customers import CustomerHit, CustomerView, customer_hit, customer_view
from services.interactions.models.timeline import TimelineItem, timeline_item
from services.interactions.routes.dependencies import CustomerId, Reader, Store, last_shown
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page

router = APIRouter(tags=["customers"])

KNOWN = responses(UNKNOWN_CUSTOMER)


@router.get("/customers", summary="Find customers", response_model=Page[CustomerHit])
async def search(
    principal: Reader,
    store: Store,
    query: Annotated[
        str,
        Query(
            max_length=256,
            pattern=r"\S",
            description="How the id, e-mail address, telephone number or a word of the name begins; "
            "or the id of an order or a complaint.",
        ),
    ],
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Customers found by ``query``, in any case, without accents; those first seen last first. A name is
    found by the beginning of any of its words, a number with or without country code, zeros and spaces."""
    rows = await store.search(query, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([customer_hit(row) for row in shown], following)


@router.get("/customers/{customer_id}", summary="The 360", responses=KNOWN)
async def customer(principal: Reader, store: Store, clock: Clock, customer_id: CustomerId) -> CustomerView:
    """All that is known of a customer. 404 ``unknown_customer`` for one never heard of."""
    state = await store.customer(customer_id)
    if state is None:
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    return customer_view(state, await clock.now(customer_id))


@router.get(
    "/customers/{customer_id}/timeline",
    summary="What happened",
    response_model=Page[TimelineItem],
    responses=KNOWN,
)
async def timeline(
    principal: Reader,
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
        raise INVALID_CURSOR()
    rows = await store.timeline(
        customer_id, channel=channel, type=_full_type(type), before=before, limit=limit + 1
    )
    if not rows and before is None and await store.customer(customer_id) is None:
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    shown, following = cut(rows, limit, lambda row: (row.place,))
    return page([timeline_item(row) for row in shown], following)


def _full_type(type: str | None) -> str | None:
    return type if type is None or type.startswith("rapport.") else f"rapport.{type}.v1"
