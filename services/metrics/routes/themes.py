"""What customers speak of."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from services.metrics import errors
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.themes import (
    MONTH_WEEKS,
    TEXTS,
    WEEK_DAYS,
    last_week,
    monday_of,
    spoken,
)
from services.metrics.models.acts import ActBody, ActPlaced, ActShown, shown
from services.metrics.models.themes import Themes, theme_of_week
from services.metrics.routes.dependencies import Analyst, Figures, Store, Teller, invalid
from shared.http.commands import IdempotencyKey
from shared.http.dependencies import Clock, SendCommands
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor, page
from shared.http.pending import PendingAnswer
from shared.http.problems import from_refusal
from shared.schemas.commands.themes import ThemeActRequested
from shared.schemas.times import DAY, date_of, day_number, micros

EXAMPLES = 5

router = APIRouter(tags=["Themes"])

ThemeName = Annotated[str, Path(max_length=128, description="A theme of the policy.")]


def known_theme(request: Request, name: str) -> str:
    """Raises 404 ``not_found``, which lists those there are."""
    policy: MetricsPolicy = request.app.state.policy
    names = [theme.name for theme in policy.themes.names]
    if name not in names:
        refusal = errors.UNKNOWN_THEME(name=name, known=", ".join(names) or "none")
        fault = {"field": "path.theme", "code": "unknown", "detail": refusal.detail}
        raise from_refusal(refusal, errors=[fault])
    return name


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


@router.post(
    "/themes/{theme}/acted",
    status_code=201,
    response_model=ActPlaced,
    responses={
        **responses(errors.UNKNOWN_THEME),
        202: {"model": PendingAnswer, "description": "Accepted; Location says where the answer will be."},
    },
)
async def acted(
    theme: ThemeName,
    body: ActBody,
    principal: Teller,
    commands: SendCommands,
    request: Request,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Something was changed because customers spoke of this: ``feedback.acted`` is told of each who had, with
    this text, and followup's rules write to them (``what-changed`` ships). The same ``Idempotency-Key`` again
    tells nobody twice."""
    name = known_theme(request, theme)
    asked = ThemeActRequested(text=body.text)
    return (await commands.submit(principal, "themes.acted", name, asked, key)).response()


@router.get("/themes/{theme}/acted", response_model=Page[ActShown], responses=responses(errors.UNKNOWN_THEME))
async def acts(
    theme: ThemeName,
    principal: Analyst,
    figures: Figures,
    request: Request,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """What was done about a theme, the newest first, and how many customers are told of it so far."""
    before: tuple[int, str] | None = None
    if cursor is not None:
        at, id = decode_cursor(cursor, int, str)
        before = (at, id)
    found = await figures.acts(known_theme(request, theme), before=before, limit=limit + 1)
    some, following = cut(found, limit, lambda act: (act.at, act.id))
    return page([shown(act) for act in some], following)
