"""A customer's page, timeline, and the search for customers."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.interactions.domain.state import Customer
from services.interactions.errors import AHEAD, INVALID_ALIAS, QUERY_OR_ALIAS, UNKNOWN_CUSTOMER
from services.interactions.models.customers import (
    ConsentView,
    CustomerHit,
    CustomerView,
    consent_view,
    customer_hit,
    customer_view,
)
from services.interactions.models.past import (
    CustomerThen,
    PastTime,
    consent_place,
    consents_before,
    customer_then,
    not_ahead,
)
from services.interactions.models.timeline import TimelineItem, timeline_item
from services.interactions.person_store import ids_in
from services.interactions.routes.dependencies import (
    CustomerId,
    Reader,
    Resolving,
    Store,
    full_type,
    last_shown,
    of_these,
)
from services.interactions.store import InteractionsStore
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, page
from shared.schemas.times import micros

router = APIRouter(tags=["customers"])

KNOWN = responses(UNKNOWN_CUSTOMER)


@router.get(
    "/customers",
    summary="Find customers",
    response_model=Page[CustomerHit],
    responses=responses(INVALID_ALIAS, QUERY_OR_ALIAS),
)
async def search(
    principal: Reader,
    store: Store,
    resolver: Resolving,
    query: Annotated[
        str | None,
        Query(
            max_length=256,
            pattern=r"\S",
            description="How the id, e-mail address, telephone number or a word of the name begins; "
            "or the id of an order or a complaint.",
        ),
    ] = None,
    alias: Annotated[
        str | None,
        Query(
            max_length=300,
            description="Whose this is: email:, phone:, card:, account: or device: and the value, in any "
            "spelling.",
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Customers found by ``query``, in any case, without accents; those first seen last first. A name is
    found by the beginning of any of its words, a number with or without country code, zeros and spaces. Or
    the one customer whose ``alias`` that is, or nobody."""
    if (query is None) == (alias is None):
        raise QUERY_OR_ALIAS()
    if query is None:
        owner = await resolver.whose(str(alias))
        named = await store.customer_rows([] if owner is None else [owner])
        return page([customer_hit(row) for row in named.values()], None)
    rows = await store.search(query, before=last_shown(cursor), limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.order,))
    return page([customer_hit(row) for row in shown], following)


@router.get("/customers/{customer_id}", summary="The 360", responses=KNOWN | responses(AHEAD))
async def customer(
    principal: Reader, store: Store, clock: Clock, customer_id: CustomerId, at: PastTime | None = None
) -> CustomerView | CustomerThen:
    """All that is known of a customer; with ``at``, profile, consents and loyalty as they were then. An id
    that was merged answers as the survivor, whose ``merged_from`` names it. 404 ``unknown_customer`` for one
    never heard of."""
    if at is not None:
        return customer_then(await _past(store, customer_id, at), at)
    state = await _known(store, customer_id)
    return customer_view(state, await clock.now(customer_id), await store.unusable(state))


@router.get(
    "/customers/{customer_id}/consents",
    summary="What the customer allows",
    response_model=Page[ConsentView],
    responses=KNOWN | responses(AHEAD),
)
async def consents(
    principal: Reader,
    store: Store,
    customer_id: CustomerId,
    at: PastTime | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """The last word on each purpose and channel, now or as it was ``at`` a time; those changed last first."""
    state = await (_known(store, customer_id) if at is None else _past(store, customer_id, at))
    rows = consents_before(state.consents, last_shown(cursor), limit + 1)
    shown, following = cut(rows, limit, lambda row: (consent_place(row),))
    return page([consent_view(row) for row in shown], following)


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
    ids = await store.ids(customer_id)
    if not ids:
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    before = of_these(last_shown(cursor), ids)
    wanted = None if type is None else full_type(type)
    rows = await store.timeline(ids, channel=channel, type=wanted, before=before, limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row.place,))
    return page([timeline_item(row) for row in shown], following)


async def _known(store: InteractionsStore, customer_id: str) -> Customer:
    """Raises 404 ``unknown_customer``."""
    state = await store.customer(customer_id)
    if state is None:
        raise UNKNOWN_CUSTOMER(customer=customer_id)
    return state


async def _past(store: InteractionsStore, customer_id: str, at: datetime) -> Customer:
    """Raises 422 ``ahead``, 404 ``unknown_customer``."""
    not_ahead(at, datetime.now(UTC))
    return await store.past(ids_in(await _known(store, customer_id)), micros(at))
