"""What a figure rests on: the events behind it."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request

from services.metrics import errors
from services.metrics.behind import CREDENTIALS, Interactions, behind
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import Selection
from services.metrics.domain.why import Figure
from services.metrics.models.why import EventBehind, event_behind
from services.metrics.routes.dependencies import Analyst, Day, Figures, Store
from services.metrics.routes.kpis import known_kpi
from services.metrics.settings import MetricsSettings
from shared.http.errors import responses
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from shared.schemas.times import day_number

router = APIRouter(tags=["KPIs"])


def get_interactions(request: Request) -> Interactions:
    settings = cast(MetricsSettings, request.app.state.settings)
    given = {name: request.headers[name] for name in CREDENTIALS if name in request.headers}
    return Interactions(settings.interactions_url, given)


@router.get(
    "/kpis/{name}/why",
    response_model=Page[EventBehind],
    responses=responses(errors.UNKNOWN_KPI) | {503: {"description": "why_unavailable"}},
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
    ``customers:read`` too. A page may have fewer than ``limit``, and none, while ``cursor`` says that there
    are more."""
    principal.demand("customers:read")
    kpi, number = known_kpi(name), day_number(day)
    reading = await store.read(number, Selection(segment or None), gaps=True)
    then = window(reading.days, reading.levels, first=number, last=number, one_channel=False)
    figure = Figure(kpi, number, dict(reading.days.get(number, {})), then.levels)
    found, following = await behind(
        figure, interactions, figures, segment=segment or None, cursor=cursor, limit=limit
    )
    return page([event_behind(one) for one in found], following)
