"""What customers speak of."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.themes import (
    MONTH_WEEKS,
    TEXTS,
    WEEK_DAYS,
    last_week,
    monday_of,
    spoken,
)
from services.metrics.models.themes import Themes, theme_of_week
from services.metrics.routes.dependencies import Analyst, Figures, Store, invalid
from shared.http.dependencies import Clock
from shared.schemas.times import DAY, date_of, day_number, micros

EXAMPLES = 5

router = APIRouter(tags=["Themes"])


@router.get("/themes")
async def themes(
    principal: Analyst,
    store: Store,
    figures: Figures,
    clock: Clock,
    request: Request,
    week: Annotated[
        date | None, Query(description="A Monday. Default: of the last week that is closed.")
    ] = None,
) -> Themes:
    """What complaints, comments and reviews of a week speak of, by the word lists of the policy, and how that
    compares with the four weeks before. What rose most comes first. A text counts once for each theme; no
    words are told here, only which events have them."""
    now = micros(await clock.now(None))
    monday = last_week(now) if week is None else day_number(week)
    if monday != monday_of(monday):
        raise invalid("week", "monday", "must be a Monday")
    if not 0 <= monday <= now // DAY:
        raise invalid("week", "ahead", "must have begun, since 1970")
    policy: MetricsPolicy = request.app.state.policy
    days = (await store.read(monday - MONTH_WEEKS * WEEK_DAYS)).days
    found = []
    for theme in policy.themes.names:
        told = spoken(theme.name, days, monday, policy.themes)
        last = monday + WEEK_DAYS - 1
        rows = await figures.raised(theme.name, monday, last, EXAMPLES) if told.mentions else []
        found.append(theme_of_week(theme.name, told, rows))
    found.sort(key=lambda one: (-(one.log_odds or 0.0), one.theme))
    texts = sum(days[day].get(TEXTS, 0) for day in range(monday, monday + WEEK_DAYS) if day in days)
    return Themes(week=date_of(monday), texts=texts, themes=found)
