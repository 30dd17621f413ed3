"""Who may be one person twice: somebody looks at both, and says."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated

from fastapi import Depends, Query, Response

from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.desk.words import _
from services.interactions.models.duplicates import apart, duplicate_view
from services.interactions.routes.dependencies import Duplicates, Store, last_shown
from services.interactions.routes.duplicates import Deciding, DuplicateId
from shared.http.commands import Answer
from shared.http.paging import cut
from shared.http.problems import TOLD, ProblemError, from_error

router = desk_router()

SHOWN = 30
"""Suggestions of a page."""

Decide = Annotated[Deciding, Depends()]


class Parts:
    """What the page is made of."""

    def __init__(self, desk: SignedIn, store: Store, duplicates: Duplicates) -> None:
        self.desk, self._store, self._duplicates = desk, store, duplicates

    async def page(
        self, cursor: str | None, problem: ProblemError | None = None, form: Form | None = None
    ) -> Response:
        """``problem``: what came of ``form``."""
        desk = self.desk
        desk.demand("customers:read")
        rows = await self._duplicates.listed("open", before=last_shown(cursor), limit=SHOWN + 1)
        shown, following = cut(rows, SHOWN, lambda row: (row.order,))
        ids = {id for row in shown for id in (row.customer, row.other)}
        known, now = await asyncio.gather(self._store.customer_rows(ids), self._duplicates.survivors(ids))
        return desk.render(
            "duplicates.html",
            title=desk.t(_("Duplicates")),
            here="duplicates",
            problem=problem,
            form=form,
            pairs=[duplicate_view(row, known) for row in apart(shown, now)],
            cursor=cursor,
            older=following,
        )

    async def decided(self, form: Form, asked: Awaitable[Answer]) -> Response:
        """What came of it; the page again, with what is wrong beside the two."""
        try:
            answer = await asked
        except TOLD as error:
            return await self.page(form["cursor"] or None, from_error(error), form)
        return self.desk.go("/duplicates", "done" if answer.status == 200 else "pending")


MakePage = Annotated[Parts, Depends()]


@router.get("/duplicates")
async def duplicates_page(
    parts: MakePage, cursor: Annotated[str | None, Query(max_length=1024)] = None
) -> Response:
    return await parts.page(cursor)


@router.post("/duplicates/{duplicate_id}/reject")
async def reject(parts: MakePage, form: Posted, decide: Decide, duplicate_id: DuplicateId) -> Response:
    who = parts.desk.demand("desk")
    return await parts.decided(form, decide.reject(who, duplicate_id, form.key))


@router.post("/duplicates/{duplicate_id}/confirm")
async def confirm(parts: MakePage, form: Posted, decide: Decide, duplicate_id: DuplicateId) -> Response:
    """``into``: the one who goes on."""
    who = parts.desk.demand("admin")
    return await parts.decided(form, decide.confirm(who, duplicate_id, form["into"] or None, form.key))
