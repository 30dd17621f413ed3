"""The search that answers while one types."""

import asyncio
import re
from typing import Annotated

from fastapi import Query, Response

from services.interactions.desk.page import Desk, SignedIn, desk_router
from services.interactions.desk.views.search import Found, found
from services.interactions.desk.words import _
from services.interactions.routes.dependencies import Store
from services.interactions.store import InteractionsStore
from shared.schemas.base import ID_PATTERN

router = desk_router()

SHOWN = 12
"""Customers at once."""
FEWEST = 2
"""Characters that are looked for."""

Asked = Annotated[str, Query(max_length=200)]


@router.get("/search")
async def search_page(desk: SignedIn, store: Store, q: Asked = "") -> Response:
    return desk.render(
        "search.html", title=desk.t(_("Search")), here="search", found=await _found(desk, store, q)
    )


@router.get("/search/results")
async def search_results(desk: SignedIn, store: Store, q: Asked = "") -> Response:
    """What the page shows under the field, for what stands in it now."""
    return desk.render("search-part.html", title="", found=await _found(desk, store, q))


async def _found(desk: Desk, store: InteractionsStore, asked: str) -> Found:
    """A blank field, or one letter, finds nobody yet."""
    desk.demand("customers:read")
    asked = asked.strip()
    if len(asked) < FEWEST:
        return found("", (), SHOWN)
    customers = store.some(asked, limit=SHOWN + 1)
    if not re.fullmatch(ID_PATTERN, asked):
        return found(asked, await customers, SHOWN)
    rows, complaints, conversations = await asyncio.gather(
        customers, store.complaints_named(asked, None), store.conversations_named(asked, None)
    )
    return found(asked, rows, SHOWN, complaints, conversations)
