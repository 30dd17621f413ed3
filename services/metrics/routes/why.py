"""What a figure rests on: the events behind it."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request

from services.metrics import errors
from services.metrics.behind import CREDENTIALS, Asked, Interactions, behind
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import Selection
from services.metrics.domain.why import Figure
from services.metrics.domain.why_life import LifeFigure
from services.metrics.models.why import EventBehind, event_behind
from services.metrics.routes.dependencies import Analyst, Day, Figures, Store
from services.metrics.routes.kpis import known_kpi
from services.metrics.settings import MetricsSettings
from services.metrics.store import MetricsStore
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from shared.http.problems import from_refusal
from shared.schemas.times import day_number

router = APIRouter(tags=["KPIs"])


async def get_interactions(request: Request) -> Interactions:
    settings = cast(MetricsSettings, request.app.state.settings)
    given = {name: request.headers[name] for name in CREDENTIALS if name in request.headers}
    return Interactions(settings.interactions_url, given, settings.https_trust)


@router.get(
    "/kpis/{name}/why",
    response_model=Page[EventBehind],
    responses=responses(errors.UNKNOWN_KPI, errors.NO_TIMELINE) | {503: {"description": "why_unavailable"}},
)
async def why(
    name: str,
    principal: Analyst,
    store: Store,
    figures: Figures,
    interactions: Annotated[Interactions, Depends(get_interactions)],
    day: Annotated[Day, Query(description="The UTC day of the figure.")],
    segment: Annotated[
        str | None, Query(max_length=128, description="Customers in this segment now.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """The events that the figure of a day rests on, the newest first, from interactions: the scope
    ``customers:read`` too. Of churn and retention these are the purchases, terms and complaints that say what
    became of each customer in the figure. A page may have fewer than ``limit``, and none, while ``cursor``
    says that there are more. A KPI that no customer's events count in (``clv``, ``agents_at_work``) has none
    to show: 409 ``no_timeline``; of ``agents_load`` there are those of conversations."""
    principal.demand("customers:read")
    kpi, number = known_kpi(name), day_number(day)
    if not kpi.told_of_customers:
        types = ", ".join(event.event_type for event in kpi.events)
        raise from_refusal(errors.NO_TIMELINE(kpi=kpi.name, types=types))
    figure = await _figure(kpi, number, store, segment or None)
    found, following = await behind(
        figure, interactions, figures, segment=segment or None, cursor=cursor, limit=limit
    )
    return page([event_behind(*one) for one in found], following)


async def _figure(kpi: Kpi, day: int, store: MetricsStore, segment: str | None) -> Asked:
    if kpi.looks_back:
        return LifeFigure(kpi, day, store.policy)
    reading = await store.read(day, Selection(segment), gaps=True)
    then = window(reading.days, reading.levels, first=day, last=day, one_channel=False)
    return Figure(kpi, day, dict(reading.days.get(day, {})), then.levels, store.policy)
