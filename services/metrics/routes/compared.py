"""A KPI of each value of a dimension, side by side."""

from typing import Literal

from fastapi import APIRouter

from services.metrics import errors, report
from services.metrics.models.compared import Compared, compared
from services.metrics.routes.dependencies import Analyst, Days, Store, days_in
from services.metrics.routes.kpis import known_kpi
from shared.http.dependencies import Clock
from shared.http.errors import responses

router = APIRouter(tags=["KPIs"])


@router.get("/kpis/{name}/by/{dimension}", responses=responses(errors.UNKNOWN_KPI))
async def kpi_by_dimension(
    name: str,
    dimension: Literal["segment", "channel", "tier", "store", "rule", "team"],
    principal: Analyst,
    store: Store,
    clock: Clock,
    window: Days = "7d",
) -> Compared:
    """A KPI of the last days by channel, segment, tier, store, rule or team: of each value that is told
    apart, and of ``other`` where there are more; those with the largest basis first, and none without."""
    kpi = known_kpi(name)
    now = await clock.now(None)
    found = await report.by_dimension(store, kpi, now, days_in(window), dimension)
    return compared(name, dimension, window, found)
