"""KPIs of the last days, and as a series."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError

from services.metrics import errors, report
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.places import Selection
from services.metrics.models.kpis import Answer, Kpis, Series, answer, series
from services.metrics.routes.dependencies import Analyst, Channel, Days, MaybeTime, Segment, Store, days_in
from shared.http.dependencies import Clock
from shared.http.errors import responses
from shared.http.problems import ProblemError, from_refusal
from shared.schemas.times import day_of, micros

MAX_POINTS = 750
DEFAULT_SERIES_DAYS = 30

router = APIRouter(tags=["KPIs"])


@router.get("/kpis", response_model=Kpis)
async def kpis(
    principal: Analyst,
    store: Store,
    clock: Clock,
    window: Days = "7d",
    segment: Segment = None,
    channel: Channel = None,
) -> Answer:
    """The KPIs of the last days, of all customers or of a segment, of all channels or of one.

    ``window=7d`` is today (UTC) and the six days before.
    """
    now, days, segment, channel = await clock.now(None), days_in(window), segment or None, channel or None
    results = await report.live(store, now, days, Selection(segment, channel))
    first = day_of(micros(now)) - days + 1
    return answer(results, window=window, first=first, now=now, segment=segment, channel=channel)


@router.get("/kpis/{name}/series", responses=responses(errors.UNKNOWN_KPI))
async def kpi_series(
    name: str,
    principal: Analyst,
    store: Store,
    clock: Clock,
    from_: Annotated[MaybeTime, Query(alias="from", description="Default: 30 days before ``to``.")] = None,
    to: Annotated[MaybeTime, Query(description="Default: now.")] = None,
    step: Days = "1d",
    segment: Segment = None,
    channel: Channel = None,
) -> Series:
    """A KPI of each ``step`` days, of the UTC days that ``from`` to ``to`` (not included) touch."""
    kpi = KPIS.get(name)
    if kpi is None:
        raise _unknown(name)
    now = await clock.now(None)
    end = to or now
    start = from_ or end - timedelta(days=DEFAULT_SERIES_DAYS)
    if start >= end:
        raise _invalid("from", "order", "must be before to")
    first, last, days = day_of(micros(start)), day_of(micros(end) - 1), days_in(step)
    if (last - first) // days >= MAX_POINTS:
        raise _invalid("step", "too_many", f"gives more than {MAX_POINTS} points: take a longer step")
    points = await report.series(
        store,
        kpi,
        first=first,
        last=min(last, day_of(micros(now))),
        step=days,
        selected=Selection(segment or None, channel or None),
    )
    return series(name, step, points)


def _unknown(name: str) -> ProblemError:
    refusal = errors.UNKNOWN_KPI(name=name[:64], known=", ".join(KPIS))
    return from_refusal(refusal, errors=[{"field": "path.name", "code": "unknown", "detail": refusal.detail}])


def _invalid(parameter: str, code: str, detail: str) -> RequestValidationError:
    """As a parameter that is not valid by itself: 422 ``invalid``, naming it."""
    return RequestValidationError([{"type": code, "loc": ("query", parameter), "msg": detail}])
