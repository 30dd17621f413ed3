"""My queue: what an agent has, and what waits for somebody."""

from fastapi import Response

from services.interactions.desk.live import ANYTHING
from services.interactions.desk.page import SignedIn, desk_router
from services.interactions.desk.queries import DeskStore
from services.interactions.desk.views.queue import entries, last_said
from services.interactions.desk.words import _
from services.interactions.routes.dependencies import Policy, Store
from shared.http.dependencies import Database

router = desk_router()

SHOWN = 50
"""Conversations of a list."""
WITH_CLOCKS = 30
"""Of those with the agent: so many show what is due."""
WITH_LINES = 15
"""And so many what was said last."""


@router.get("")
async def queue(desk: SignedIn, store: Store, database: Database, sla: Policy) -> Response:
    desk.demand("customers:read")
    mine = await store.conversations_of(desk.agent, limit=SHOWN)
    waiting = await store.conversations(status="queued", team=None, before=None, limit=SHOWN)
    names = await store.customer_rows({row.customer_id for row in (*mine, *waiting)})
    states = await store.customers({row.customer_id for row in mine[:WITH_CLOCKS]})
    said = await DeskStore(database).said_at(last_said(mine[:WITH_LINES], states))
    return desk.render(
        "queue.html",
        title=desk.t(_("My queue")),
        here="queue",
        mine=entries(mine, names, states, said, sla, desk.now),
        waiting=entries(waiting, names, {}, {}, sla, desk.now),
        more=len(waiting) == SHOWN,
        watch=(ANYTHING, *sorted(states)),
    )
