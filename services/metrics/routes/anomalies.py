"""Figures that left what is usual."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.metrics.models.anomalies import Anomaly, anomaly
from services.metrics.routes.dependencies import Analyst, Figures, MaybeTime
from shared.http.dependencies import Clock
from shared.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cut, decode_cursor, page
from shared.schemas.times import day_of, micros

DEFAULT_DAYS = timedelta(days=30)

router = APIRouter(tags=["KPIs"])


@router.get("/anomalies", response_model=Page[Anomaly])
async def anomalies(
    principal: Analyst,
    figures: Figures,
    clock: Clock,
    from_: Annotated[
        MaybeTime, Query(alias="from", description="The first day. Default: 30 days ago.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Figures of closed days that left what is usual on their weekday, the newest day first. One that a late
    fact took back is left out."""
    start = from_ or await clock.now(None) - DEFAULT_DAYS
    before = None if cursor is None else decode_cursor(cursor, str)[0]
    rows = await figures.anomalies(first=max(0, day_of(micros(start))), before=before, limit=limit + 1)
    shown, following = cut(rows, limit, lambda row: (row["_id"],))
    return page([anomaly(row) for row in shown], following)
