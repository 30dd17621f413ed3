"""KPIs of the last days, and as a series."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.metrics import errors, report
from services.metrics.domain.cells import KEPT_MINUTES, MINUTE
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.places import Selection
from services.metrics.models.kpis import Answer, Kpis, Series, answer, series
from services.metrics.report import Point
from services.metrics.routes import formats
from services.metrics.routes.dependencies import (
    Analyst,
    AsOf,
    Days,
    MaybeTime,
    Selected,
    Step,
    Store,
    days_in,
    invalid,
    minutes_in,
)
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.problems import from_refusal
from shared.schemas.times import Micros, day_of, micros

MAX_POINTS = 750
DEFAULT_DAYS, DEFAULT_MINUTES = timedelta(days=30), timedelta(hours=6)
"""How far back a series goes that does not say."""

router = APIRouter(tags=["KPIs"])


@router.get("/kpis", response_model=Kpis, responses=responses(errors.NOT_KEPT))
async def kpis(
    principal: Analyst, store: Store, clock: Clock, selection: Selected, then: AsOf, window: Days = "7d"
) -> Answer:
    """The KPIs of the last days, of all customers or of a segment, of all channels or of one; or of one tier,
    store, rule or team.

    ``window=7d`` is today (UTC) and the six days before. With ``as_of`` what was told then, of the days that
    were closed for an hour.
    """
    now, days = await clock.now(None), days_in(window)
    if then is not None:
        first, results = await then.live(days)
        return answer(results, window=window, first=first, now=now, selection=selection, then=then)
    results = await report.live(store, now, days, selection)
    first = day_of(micros(now)) - days + 1
    return answer(results, window=window, first=first, now=now, selection=selection)


@router.get(
    "/kpis/{name}/series",
    response_model=Series,
    responses=responses(errors.UNKNOWN_KPI, errors.NOT_KEPT, errors.NO_PARQUET) | formats.DOCUMENTED,
)
async def kpi_series(
    name: str,
    principal: Analyst,
    store: Store,
    clock: Clock,
    selection: Selected,
    then: AsOf,
    format: formats.Format,
    from_: Annotated[
        MaybeTime, Query(alias="from", description="Default: 30 days before ``to``; of minutes 6 hours.")
    ] = None,
    to: Annotated[MaybeTime, Query(description="Default: now.")] = None,
    step: Step = "1d",
) -> Response:
    """A KPI of each ``step`` days, of the UTC days that ``from`` to ``to`` (not included) touch. With
    ``step=1m`` and so on, of minutes of the last 48 hours. With ``as_of`` what was told then.

    CSV and Parquet by ``Accept``, or by ``format``.
    """
    kpi = known_kpi(name)
    now = await clock.now(None)
    minutes = minutes_in(step)
    end = to or now
    start = from_ or end - (DEFAULT_MINUTES if minutes else DEFAULT_DAYS)
    if start >= end:
        raise invalid("from", "order", "must be before to")
    if minutes is not None and then is not None:
        raise invalid("step", "as_of", "is told of now alone: take a step of days")
    if minutes is not None:
        points = await _by_minutes(store, kpi, selection, micros(now), start, end, minutes)
        return formats.told(series(name, step, points), format)
    first, last, days = day_of(micros(start)), day_of(micros(end) - 1), days_in(step)
    if (last - first) // days >= MAX_POINTS:
        raise invalid("step", "too_many", f"gives more than {MAX_POINTS} points: take a longer step")
    last = min(last, day_of(micros(now)))
    if then is not None:
        points = await then.series(kpi, first=first, last=last, step=days)
    else:
        points = await report.series(store, kpi, first=first, last=last, step=days, selected=selection)
    return formats.told(series(name, step, points), format)


async def _by_minutes(
    store: Store, kpi: Kpi, selection: Selection, now: Micros, start: datetime, end: datetime, step: int
) -> list[Point]:
    for name, value in asdict(selection).items():
        if value is not None:
            raise invalid(name, "by_days", "is told by days alone: take a step of days")
    if not kpi.by_minutes:
        raise invalid("step", "by_days", f"{kpi.name} is told by days alone: take a step of days")
    first, last, minute = micros(start) // MINUTE, (micros(end) - 1) // MINUTE, now // MINUTE
    if first < minute - KEPT_MINUTES:
        raise invalid("from", "too_old", "minutes are kept for 48 hours: take a step of days")
    return await report.minutes(store, kpi, first=first, last=min(last, minute), step=step)


def known_kpi(name: str) -> Kpi:
    """Raises 404 ``not_found``, with the list."""
    kpi = KPIS.get(name)
    if kpi is not None:
        return kpi
    refusal = errors.UNKNOWN_KPI(name=name[:64], known=", ".join(KPIS))
    raise from_refusal(refusal, errors=[{"field": "path.name", "code": "unknown", "detail": refusal.detail}])
