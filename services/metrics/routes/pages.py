"""Pages of the figures for people: the live one, and the report of a week or a month (ADR 53)."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.metrics import pages
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.places import LIMITS, Selection
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.figures_store import FiguresStore
from services.metrics.models.report import Report, report
from services.metrics.pages.contents import Asked, choices, contents, links
from services.metrics.pages.live import Watch
from services.metrics.pages.periods import last_days, long_day, month_before, week_before
from services.metrics.pages.reading import read
from services.metrics.routes.dependencies import Day, Selected, Store, invalid
from services.metrics.store import MetricsStore
from shared.http.auth import Principal, page_for
from shared.http.dependencies import Clock
from shared.http.openapi import PAGE_TOO
from shared.http.problems import ProblemError
from shared.pages.drawing import environment, headers
from shared.schemas.times import day_of, micros

PAGES = Path(pages.__file__).parent


OF = f"^(({'|'.join(LIMITS)}):.{{1,256}})?$"


def _whose(
    selected: Selected,
    of: Annotated[
        str | None, Query(pattern=OF, description="A dimension and its value, as the page's form says it.")
    ] = None,
) -> Selection:
    """Dependency: whose figures a page shows."""
    if not of:
        return selected
    dimension, _, value = of.partition(":")
    return Selection(**{dimension: value})


Manager = Annotated[Principal, Depends(page_for("metrics:read"))]

router = APIRouter(tags=["pages"])


@cache
def _headers(*, live: bool) -> Mapping[str, str]:
    files = environment(PAGES)
    style = "".join(files.get_template(name).render() for name in ("style.css", "figures.css"))
    return headers(style, files.get_template("live.js").render() if live else None, forms=live)


@router.get(
    "/dashboard",
    response_class=HTMLResponse,
    summary="The live page: the last days, beside the days before",
)
async def dashboard(
    request: Request,
    store: Store,
    clock: Clock,
    principal: Manager,
    selected: Annotated[Selection, Depends(_whose)],
    days: Annotated[int, Query(ge=1, le=365)] = 30,
) -> HTMLResponse:
    now = await clock.now(None)
    asked = Asked(last_days(days, day_of(micros(now))), now, selected)
    told = await _told(request, store, asked)
    told |= {"links": links(days), "source": "dashboard/changes", "query": _query(asked)}
    told |= {"choices": choices(await store.dimensions(), asked.selected)}
    html = environment(PAGES).get_template("dashboard.html").render(told)
    return HTMLResponse(html, headers=dict(_headers(live=True)))


async def _watch(request: Request, principal: Manager) -> Watch:
    """Dependency. Raises 503 ``too_many_pages``."""
    watch: Watch = request.app.state.watch
    if watch.full:
        raise ProblemError(503, "too_many_pages", "Too many pages are open here already.")
    return watch


@router.get(
    "/dashboard/changes", response_class=EventSourceResponse, summary="Tells an open page of what was counted"
)
async def changes(watch: Annotated[Watch, Depends(_watch)]) -> AsyncIterable[ServerSentEvent]:
    """An event ``changed`` whenever figures may have changed, by server-sent events."""
    with watch.page() as page:
        async for _ in watch.changes(page):
            yield ServerSentEvent(event="changed", data="")


@router.get(
    "/report",
    summary="The report of a week or a month that is over",
    response_model=Report,
    responses=PAGE_TOO,
)
async def read_report(
    request: Request,
    store: Store,
    clock: Clock,
    principal: Manager,
    selected: Selected,
    period: Literal["week", "month"] = "week",
    until: Annotated[
        Day | None, Query(description="It was over when this day began. Default: today.")
    ] = None,
) -> Response:
    """One HTML file that needs nothing beside it; what it says as JSON for who accepts no HTML."""
    now = await clock.now(None)
    if until is not None and until > now.date():
        raise invalid("until", "ahead", "must not be ahead of today")
    before = week_before if period == "week" else month_before
    asked = Asked(before(until or now.date()), now, selected)
    told = await _told(request, store, asked)
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(report(asked, told).model_dump(mode="json", by_alias=True))
    html = environment(PAGES).get_template("report.html").render(told)
    return HTMLResponse(html, headers=dict(_headers(live=False)))


async def _told(request: Request, store: MetricsStore, asked: Asked) -> dict[str, Any]:
    policy: MetricsPolicy = request.app.state.policy
    found = await read(store, FiguresStore(request.app.state.database), policy.restating, asked)
    return contents(asked, list(KPIS.values()), found, policy.lives) | {"made": _moment(asked.now)}


def _query(asked: Asked) -> str:
    """What links keep of what was asked for."""
    kept = {name: value for name, value in asdict(asked.selected).items() if value is not None}
    return f"&{urlencode(kept)}" if kept else ""


def _moment(at: datetime) -> str:
    return f"{long_day(at.date())}, {at:%H:%M} UTC"
