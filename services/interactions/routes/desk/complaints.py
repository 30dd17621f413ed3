"""The complaint board, and one complaint: its clocks, its course, and what can be done with it."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query, Response
from fastapi.responses import HTMLResponse

from services.interactions.desk.live import ANYTHING
from services.interactions.desk.names import called
from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.desk.site import ROOT
from services.interactions.desk.views.board import card, lanes
from services.interactions.desk.views.customer import complaint_box
from services.interactions.desk.views.happened import folded, story
from services.interactions.desk.views.steps import steps_of
from services.interactions.desk.words import _
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.sla.course import Course
from services.interactions.domain.state import Customer, found
from services.interactions.models.complaints import complaint_detail
from services.interactions.routes.complaints import the_one
from services.interactions.routes.dependencies import ComplaintId, Policy, Store, last_shown
from services.interactions.routes.desk.customer import SEVERITIES
from services.interactions.routes.desk.dependencies import DeskQueries
from services.interactions.routes.desk.steps import TakeSteps
from shared.http.paging import cut
from shared.http.problems import TOLD, ProblemError, from_error
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


class Parts:
    """What a complaint's page is made of."""

    def __init__(
        self,
        desk: SignedIn,
        store: Store,
        sla: Policy,
        complaint_id: ComplaintId,
        customer_id: Whose = None,
    ) -> None:
        self.desk, self._store, self._sla = desk, store, sla
        self._complaint_id, self._customer_id = complaint_id, customer_id

    async def page(self, problem: ProblemError | None = None, form: Form | None = None) -> HTMLResponse:
        """Its clocks as they stand now. ``problem``: what came of ``form``. Raises 404, 409."""
        desk, complaint_id = self.desk, self._complaint_id
        desk.demand("customers:read")
        row = await the_one(self._store, complaint_id, self._customer_id)
        state = await self._store.customer(row.customer_id) or Customer(customer_id=row.customer_id)
        known = found(state.complaints, complaint_id, complaint_key)
        ids = await self._store.ids(row.customer_id)
        history = await self._store.complaint_history(ids, complaint_id)
        box = None if known is None else complaint_box(state, known, self._sla, desk.now)
        people = await self._store.customer_rows({row.customer_id})
        name = people[row.customer_id].name if row.customer_id in people else None
        shown = card(row, desk.now) if box is None else box.card
        return desk.render(
            "complaint.html",
            title=desk.t(called("category", shown.category)),
            here="complaints",
            problem=problem,
            form=form,
            card=shown,
            faces=() if box is None else box.clocks,
            detail=complaint_detail(row, Course(), history),
            customer=name or row.customer_id,
            conversation_id=None if known is None else known.conversation_id,
            lines=folded(story(history)),
            steps=steps_of(row.status, waiting=row.waiting),
            may_write=desk.may("complaints:write"),
            may_approve=desk.may("complaints:approve"),
            causes=[(one, one) for one in self._sla.root_causes or ()],
            severities=[(one, called("severity", one)) for one in SEVERITIES],
            currency=state.purchases.spend[0].currency if state.purchases.spend else "EUR",
            place=f"{ROOT}/complaints/{complaint_id}",
            query=f"?customer_id={row.customer_id}",
            watch=(row.customer_id,),
        )

    async def take(self, steps: TakeSteps, step: str, form: Posted) -> Response:
        """A step; the page again, with what is wrong where it was not taken."""
        row = await the_one(self._store, self._complaint_id, self._customer_id)
        try:
            said = await steps.complaint(row.complaint_id, row.customer_id, step, form)
        except TOLD as error:
            return await self.page(from_error(error), form)
        return self.desk.go(f"/complaints/{row.complaint_id}?customer_id={row.customer_id}", said)


MakePage = Annotated[Parts, Depends()]


@router.get("/complaints/{complaint_id}")
async def one(parts: MakePage) -> Response:
    return await parts.page()


@router.post("/complaints/{complaint_id}/{step}")
async def take_step(parts: MakePage, steps: TakeSteps, form: Posted, step: str) -> Response:
    """Sent twice, by a double click, it is one step."""
    return await parts.take(steps, step, form)
