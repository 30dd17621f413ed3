"""The book of messages: what was made, and what has become of it."""

from fastapi import APIRouter, FastAPI

from services.followup import errors
from services.followup.models.book import BookAnswer, book_answer
from services.followup.routes.dependencies import Analyst, Store
from services.followup.routes.results import Since, Until, days_of
from services.followup.store import FollowupStore
from services.followup.telemetry import show
from shared.http.dependencies import Clock
from shared.http.errors import responses

router = APIRouter(tags=["followup"])


@router.get(
    "/outreach/book",
    summary="What has become of all messages, by rule and day",
    response_model=BookAnswer,
    responses=responses(errors.BAD_TIME),
)
async def read_book(
    store: Store, clock: Clock, principal: Analyst, since: Since = None, until: Until = None
) -> BookAnswer:
    """Of messages that are due on the UTC days which ``from`` to ``to`` (not included) touch."""
    first, last = days_of(since, until, await clock.now(None))
    return book_answer(first, last, await store.book(first, last))


async def refresh(app: FastAPI) -> None:
    """Set the gauges, of the days that the page shows by default."""
    days = days_of(None, None, await app.state.clock.now(None))
    rules = [rule.name for rule in app.state.policy.rules.rules]
    show(await FollowupStore(app.state.database, app.state.settings.erased_by).book(*days), rules)
