"""The complaint board, and one complaint: its clocks, its course."""

import uuid
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Query, Response

from services.interactions.desk.live import ANYTHING
from services.interactions.desk.names import called
from services.interactions.desk.page import SignedIn, desk_router
from services.interactions.desk.site import ROOT
from services.interactions.desk.views.board import card, lanes
from services.interactions.desk.views.customer import complaint_box
from services.interactions.desk.views.happened import story
from services.interactions.desk.views.steps import steps_of
from services.interactions.desk.words import _
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.sla.course import Course
from services.interactions.domain.state import found
from services.interactions.models.complaints import complaint_detail
from services.interactions.routes.complaints import the_one
from services.interactions.routes.dependencies import ComplaintId, Policy, Store, last_shown
from services.interactions.routes.desk.customer import SEVERITIES
from services.interactions.routes.desk.dependencies import DeskQueries
from shared.http.paging import cut
from shared.schemas.base import Id

router = desk_router()

SHOWN = 60
"""Complaints of the board at once."""

Whose = Annotated[Id | None, Query()]


@router.get("/complaints")
async def board(
    desk: SignedIn,
    store: Store,
    queries: DeskQueries,
    whose: Literal["mine", ""] = "",
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Response:
    """What is open, by what is due first."""
    desk.demand("customers:read")
    mine = whose == "mine"
    rows = await queries.board(
        assignee=desk.agent if mine else None, after=last_shown(cursor), limit=SHOWN + 1
    )
    shown, following = cut(rows, SHOWN, lambda row: (row.due,))
    people = await store.customer_rows({row.customer_id for row in shown})
    names = {id: row.name for id, row in people.items()}
    query = {"whose": whose} if mine else {}
    return desk.render(
        "complaints.html",
        title=desk.t(_("Complaints")),
        here="complaints",
        mine=mine,
        lanes=lanes(shown, desk.now),
        names={row.customer_id: names.get(row.customer_id) or row.customer_id for row in shown},
        following=following and f"{ROOT}/complaints?{urlencode(query | {'cursor': following})}",
        address=f"{ROOT}/complaints?{urlencode(query | ({'cursor': cursor} if cursor else {}))}",
        watch=(ANYTHING,),
    )


@router.get("/complaints/{complaint_id}")
async def one(
    desk: SignedIn, store: Store, sla: Policy, complaint_id: ComplaintId, customer_id: Whose = None
) -> Response:
    """Its clocks as they stand now, and what may be done."""
    desk.demand("customers:read")
    row = await the_one(store, complaint_id, customer_id)
    state = await store.customer(row.customer_id)
    known = None if state is None else found(state.complaints, complaint_id, complaint_key)
    history = await store.complaint_history(row.customer_id, complaint_id)
    box = None if state is None or known is None else complaint_box(state, known, sla, desk.now)
    people = await store.customer_rows({row.customer_id})
    name = people[row.customer_id].name if row.customer_id in people else None
    shown = card(row, desk.now) if box is None else box.card
    return desk.render(
        "complaint.html",
        title=shown.category,
        here="complaints",
        card=shown,
        faces=() if box is None else box.clocks,
        detail=complaint_detail(row, Course(), history),
        customer=name or row.customer_id,
        conversation_id=None if known is None else known.conversation_id,
        lines=story(history),
        steps=steps_of(row.status, waiting=row.waiting) if desk.may("complaints:write") else (),
        may_approve=desk.may("complaints:approve"),
        root_causes=[(one, one) for one in sla.root_causes or ()],
        severities=[(one, desk.t(called("severity", one))) for one in SEVERITIES],
        key=uuid.uuid4().hex,
        watch=(row.customer_id,),
    )
