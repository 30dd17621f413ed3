"""A customer: the 360, and what happened."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Response

from services.interactions.desk.names import called
from services.interactions.desk.page import Form, Posted, SignedIn, desk_router
from services.interactions.desk.queries import DeskStore
from services.interactions.desk.reading import birthday, clock_time, language_name
from services.interactions.desk.site import ROOT
from services.interactions.desk.views import orders, unsent
from services.interactions.desk.views.customer import customer_page
from services.interactions.desk.views.happened import GROUPS, folded, story, types_of
from services.interactions.domain.rows import TimelineRow
from services.interactions.errors import UNKNOWN_CUSTOMER
from services.interactions.person_store import ids_in, in_time
from services.interactions.routes.dependencies import CustomerId, Policy, Store, last_shown, of_these
from services.interactions.routes.desk.dependencies import DeskQueries
from services.interactions.routes.desk.steps import TakeSteps
from shared.http.paging import cut
from shared.http.problems import TOLD, ProblemError, from_error
from shared.schemas.feedback import ReviewPosted, SurveyAnswered

router = desk_router()

FIRST_LINES, MOST_LINES = 25, 500
"""Lines of the timeline: at first, and at most at once."""
ORDERS, UNSENT, ANSWERS = 5, 6, 3
ORDER_ROWS = 2 * ORDERS
"""Purchases and returns that are read for the orders."""
RECENT = 300
"""Rows of which all of this is made, the latest: of a long past a search by type would read it all."""
ASKED = (SurveyAnswered.event_type, ReviewPosted.event_type)
SEVERITIES = ("low", "normal", "high", "critical")
CHANNELS = ("phone", "email", "chat", "sms", "social", "mail", "in_person", "web")

Word = Annotated[str, Query(max_length=128)]
Cursor = Annotated[str | None, Query(max_length=1024)]


class Parts:
    """What a customer's page is made of. ``of`` and ``by`` narrow the timeline to a group and a channel; so
    many ``lines`` of it are shown."""

    def __init__(
        self,
        desk: SignedIn,
        store: Store,
        queries: DeskQueries,
        sla: Policy,
        customer_id: CustomerId,
        of: Word = "",
        by: Word = "",
        cursor: Cursor = None,
        lines: Annotated[int, Query(ge=1, le=MOST_LINES)] = FIRST_LINES,
    ) -> None:
        self.desk, self.customer_id = desk, customer_id
        self._store, self._queries, self._sla = store, queries, sla
        self._of, self._by, self._cursor, self._lines = of, by, cursor, lines

    async def page(self, problem: ProblemError | None = None, form: Form | None = None) -> Response:
        """``problem``: what came of ``form``. Raises 404; elsewhere to, of one who was merged."""
        desk, store, queries, lines = self.desk, self._store, self._queries, self._lines
        customer_id, of, by, cursor = self.customer_id, self._of, self._by, self._cursor
        desk.demand("customers:read")
        most = max(RECENT, lines + 1)
        state, recent = await asyncio.gather(
            store.customer(customer_id), queries.happened((customer_id,), (), limit=most)
        )
        if state is None:
            raise UNKNOWN_CUSTOMER(customer=customer_id)
        if state.customer_id != customer_id:
            return desk.go(f"/customers/{state.customer_id}")
        ids = ids_in(state)
        if len(ids) > 1:
            recent = await queries.happened(ids, (), limit=most)
        before = of_these(last_shown(cursor), ids)
        told = recent[: lines + 1]
        if of or by or before:
            told = await narrowed(queries, ids, recent, of=of, by=by, before=before, limit=lines + 1)
        bought = _of(recent, orders.TYPES)[:ORDER_ROWS]
        last_at = state.purchases.last_at
        if not bought and last_at is not None and len(recent) >= RECENT:
            bought = await queries.at(ids, last_at, orders.TYPES)
        page = customer_page(
            state,
            self._sla,
            desk.now,
            bought=bought,
            dropped=_of(recent, unsent.TYPES)[:UNSENT],
            answered=_of(recent, ASKED)[:ANSWERS],
            unusable=await store.unusable(state),
        )
        shown, following = cut(told, lines, lambda row: (row.place,))
        person = page.person
        return desk.render(
            "customer.html",
            title=person.name or customer_id,
            here="customer",
            problem=problem,
            form=form,
            page=page,
            lines=folded(story(shown)),
            older=_older(customer_id, lines, following, of=of, by=by, cursor=cursor or ""),
            address=_address(customer_id, of=of, by=by, cursor=cursor, lines=lines),
            of=of,
            by=by,
            groups=tuple(GROUPS),
            local_time=person.local_time and clock_time(person.local_time, desk.t),
            language=person.locale and language_name(person.locale, desk.t),
            birthday=person.born and birthday(person.born, desk.t),
            severities=[(one, called("severity", one)) for one in SEVERITIES],
            channels=[(one, called("channel", one)) for one in CHANNELS],
            watch=(customer_id,),
        )


MakePage = Annotated[Parts, Depends()]


@router.get("/customers/{customer_id}")
async def get_customer(parts: MakePage) -> Response:
    return await parts.page()


@router.post("/customers/{customer_id}/complaints")
async def open_complaint(
    parts: MakePage, steps: TakeSteps, form: Posted, customer_id: CustomerId
) -> Response:
    """What a customer complains of, as an agent writes it down; the page again, with what is wrong."""
    try:
        complaint_id, said = await steps.open_complaint(customer_id, form)
    except TOLD as error:
        return await parts.page(from_error(error), form)
    if complaint_id is None:
        return parts.desk.go(f"/customers/{customer_id}", said)
    place = f"/complaints/{quote(complaint_id, safe='')}?customer_id={quote(customer_id, safe='')}"
    return parts.desk.go(place, said)


def _of(rows: Sequence[TimelineRow], types: Sequence[str]) -> list[TimelineRow]:
    return [row for row in rows if row.type in types]


async def narrowed(
    queries: DeskStore,
    ids: Sequence[str],
    recent: Sequence[TimelineRow],
    *,
    of: str,
    by: str,
    before: str | None,
    limit: int,
) -> list[TimelineRow]:
    """The timeline narrowed to a group and a channel, from ``before`` on. ``recent`` are its latest rows:
    only what is older than these is asked for, and only where they do not give it all."""
    types = types_of(of)
    told = [
        row
        for row in recent
        if (not types or row.type in types)
        and (not by or row.channel == by)
        and (before is None or in_time(row.place) < in_time(before))
    ][:limit]
    if len(told) == limit or len(recent) < RECENT:
        return told
    older = min(before or recent[-1].place, recent[-1].place, key=in_time)
    return told + await queries.happened(
        ids, types, channel=by or None, before=older, limit=limit - len(told)
    )


def _address(customer_id: str, **query: object) -> str:
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{ROOT}/customers/{customer_id}?{given}"


def _older(customer_id: str, lines: int, following: str | None, **query: str) -> str | None:
    """Where there is more of the timeline, if any: on this page as far as it may grow, then on others."""
    if following is None:
        return None
    if lines < MOST_LINES:
        return _address(customer_id, **query, lines=min(3 * lines, MOST_LINES))
    return _address(customer_id, **query | {"cursor": following})
