"""My queue: what an agent has, and what waits for somebody."""

from fastapi import Response

from services.interactions.desk.page import SignedIn, desk_router
from services.interactions.desk.views.queue import entry
from services.interactions.desk.words import _
from services.interactions.routes.dependencies import Store

router = desk_router()

SHOWN = 50
"""Conversations of a list."""


@router.get("")
async def queue(desk: SignedIn, store: Store) -> Response:
    desk.demand("customers:read")
    mine = await store.conversations_of(desk.agent, limit=SHOWN)
    waiting = await store.conversations(status="queued", team=None, before=None, limit=SHOWN)
    names = await store.customer_rows({row.customer_id for row in (*mine, *waiting)})
    return desk.render(
        "queue.html",
        title=desk.t(_("My queue")),
        here="queue",
        mine=[entry(row, names) for row in mine],
        waiting=[entry(row, names) for row in waiting],
    )
