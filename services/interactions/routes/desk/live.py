"""What keeps open pages as they should be: what has changed, and who is on a conversation."""

import re
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.interactions.desk.live import ANYTHING, Live
from services.interactions.desk.page import Desk, Posted, SignedIn, desk_router
from services.interactions.desk.presence import PRESENT, Here, Presence
from shared.http.dependencies import Database
from shared.http.gone import is_erased
from shared.http.problems import ProblemError
from shared.schemas.base import ID_PATTERN, Frozen

router = desk_router()

MOST_NAMES = 100
NAME = re.compile(rf"{re.escape(ANYTHING)}|(?:{re.escape(PRESENT)}|team/|agent/)?[A-Za-z0-9._:-]{{1,128}}")
Mark = Annotated[str, Query(max_length=64)]
CustomerId = Annotated[str, Query(pattern=ID_PATTERN)]
ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]


async def watched(desk: SignedIn, watch: str) -> frozenset[str]:
    """Dependency: what a page watches (commas between). Raises 403, 422, 503 ``too_many_pages``."""
    desk.demand("customers:read")
    names = frozenset(watch.split(","))
    if len(names) > MOST_NAMES or not all(NAME.fullmatch(name) for name in names):
        raise ProblemError(422, "invalid", "These cannot be watched.")
    if desk.request.app.state.pages.live.full:
        raise ProblemError(503, "too_many_pages", "Too many pages are open here already.")
    return names


@router.get("/live", response_class=EventSourceResponse)
async def live(
    desk: SignedIn, names: Annotated[frozenset[str], Depends(watched)], mark: Mark = ""
) -> AsyncIterable[ServerSentEvent]:
    """An event ``changed`` with the name of what has changed, of what the page watches, until the session is
    over."""
    pages: Live = desk.request.app.state.pages.live
    with pages.page(names, mark) as page:
        yield ServerSentEvent(comment="here")
        async for name in page.changes(desk.session.expires_at):
            yield ServerSentEvent(event="changed", data=name)


class Saying(Frozen):
    """What an open page tells of who reads it."""

    doing: Literal["reading", "answering", "gone"]


@router.post("/conversations/{conversation_id}/presence")
async def say(
    desk: SignedIn, form: Posted, database: Database, conversation_id: ConversationId, customer_id: CustomerId
) -> Response:
    desk.demand("customers:read")
    doing = form.into(Saying).doing
    presence, now = Presence(database), datetime.now(UTC)
    here = Here(conversation_id, desk.agent, desk.session.name, "reading" if doing == "gone" else doing)
    if doing == "gone":
        await presence.leave(customer_id, here, now)
    else:
        await presence.say(customer_id, here, now)
        # A page may stay open for hours. The row stands: an erasure that is not seen here sees it.
        if await is_erased(desk.request, customer_id):
            await presence.forget(customer_id)
    return Response(status_code=204)


@router.get("/conversations/{conversation_id}/presence")
async def who(
    desk: SignedIn, database: Database, conversation_id: ConversationId, customer_id: CustomerId
) -> HTMLResponse:
    """The part of a conversation's page that says who else is on it."""
    desk.demand("customers:read")
    others = await others_on(desk, database, conversation_id, customer_id)
    return desk.render("presence.html", title="", others=others)


async def others_on(desk: Desk, database: Database, conversation_id: str, customer_id: str) -> list[Here]:
    """Who else is on a conversation, who answers first."""
    here = (await Presence(database).here([customer_id], datetime.now(UTC)))[customer_id]
    found = [one for one in here if one.conversation_id == conversation_id and one.agent_id != desk.agent]
    return sorted(found, key=lambda one: (one.doing != "answering", one.name, one.agent_id))
