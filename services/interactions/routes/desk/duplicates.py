"""Who may be one person twice: somebody looks at both, and says."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Response

from services.interactions.desk.page import Posted, SignedIn, desk_router
from services.interactions.desk.words import _
from services.interactions.models.duplicates import apart, duplicate_view
from services.interactions.routes.dependencies import Duplicates, Store, last_shown
from services.interactions.routes.duplicates import Deciding, DuplicateId
from shared.http.paging import cut

router = desk_router()

SHOWN = 30
"""Suggestions of a page."""

Decide = Annotated[Deciding, Depends()]


@router.get("/duplicates")
async def duplicates_page(
    desk: SignedIn,
    store: Store,
    duplicates: Duplicates,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Response:
    desk.demand("customers:read")
    rows = await duplicates.listed("open", before=last_shown(cursor), limit=SHOWN + 1)
    shown, following = cut(rows, SHOWN, lambda row: (row.order,))
    ids = {id for row in shown for id in (row.customer, row.other)}
    known, now = await asyncio.gather(store.customer_rows(ids), duplicates.survivors(ids))
    return desk.render(
        "duplicates.html",
        title=desk.t(_("Duplicates")),
        here="duplicates",
        pairs=[duplicate_view(row, known) for row in apart(shown, now)],
        older=following,
    )


@router.post("/duplicates/{duplicate_id}/reject")
async def reject(desk: SignedIn, form: Posted, decide: Decide, duplicate_id: DuplicateId) -> Response:
    answer = await decide.reject(desk.demand("desk"), duplicate_id, form.key)
    return desk.go("/duplicates", "done" if answer.status == 200 else "pending")


@router.post("/duplicates/{duplicate_id}/confirm")
async def confirm(desk: SignedIn, form: Posted, decide: Decide, duplicate_id: DuplicateId) -> Response:
    """``into``: the one who goes on."""
    answer = await decide.confirm(desk.demand("admin"), duplicate_id, form["into"] or None, form.key)
    return desk.go("/duplicates", "done" if answer.status == 200 else "pending")
