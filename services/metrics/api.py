"""Metrics' HTTP side: ``python -m services.metrics.api``."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.kpis.registry import KPIS, Kpi
from services.metrics.report import live_window, series
from services.metrics.settings import MetricsSettings
from services.metrics.store import Reader
from services.metrics.telemetry import refresh
from shared.http.app import Producing, create_api, run_api
from shared.http.auth import Principal, require
from shared.http.clock import ApiClock
from shared.http.dependencies import get_clock, get_database
from shared.http.problems import Problem
from shared.http.refreshing import refreshing
from shared.runtime.settings import load_settings
from shared.schemas.times import date_of, day_of, micros

MAX_DAYS = 731
MAX_POINTS = 750
DEFAULT_SERIES_DAYS = 30

router = APIRouter(tags=["KPIs"])


def _is_days(value: str) -> str:
    if re.fullmatch(r"[0-9]{1,3}d", value) is None or not 1 <= _days(value) <= MAX_DAYS:
        raise PydanticCustomError(
            "days", "must be a number of days from 1d to {most}d, e.g. 7d", {"most": MAX_DAYS}
        )
    return value


def _days(value: str) -> int:
    return int(value.removesuffix("d"))


def _aware(value: datetime) -> datetime:
    """A day begins, and a time without an offset is meant, in UTC."""
    if not 1970 <= value.year <= 9000:
        raise PydanticCustomError("year", "must be in the years 1970 to 9000")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Days = Annotated[str, AfterValidator(_is_days), Query(json_schema_extra={"pattern": "^[0-9]{1,3}d$"})]
Time = Annotated[datetime | None, AfterValidator(lambda value: value and _aware(value))]
Segment = Annotated[str | None, Query(max_length=128, description="Customers in this segment now.")]
Channel = Annotated[
    str | None,
    Query(
        max_length=128, description="Complaints and purchases of this channel; answers and points have none."
    ),
]
Reads = Annotated[Principal, Depends(require("metrics:read"))]
Database = Annotated[AsyncDatabase[dict[str, Any]], Depends(get_database)]
Clock = Annotated[ApiClock, Depends(get_clock)]


class Quantiles(BaseModel):
    """Seconds; null without any."""

    p50: float | None
    p90: float | None


class Basis(BaseModel):
    """What a KPI rests on."""

    n: int
    """Answers, complaints, customers or points."""
    low: float | None = None
    """Lower end of the 95 % interval."""
    high: float | None = None


class Kpis(BaseModel):
    """KPIs of a window. Null where there is nothing to tell."""

    window: str
    from_: Annotated[date, Field(serialization_alias="from")]
    """The first day (UTC)."""
    to: datetime
    """Now: the wall clock, or the watermark of the stream clock."""
    segment: str | None
    channel: str | None
    nps: float | None
    """-100 to 100."""
    csat: float | None
    """0 to 1."""
    ces: float | None
    """1 to 7."""
    first_response_s: Quantiles
    resolution_s: Quantiles
    open_complaints: int
    repeat_purchase_rate: float | None
    """0 to 1."""
    redemption_rate: float | None
    """Points redeemed for each point earned."""
    basis: dict[str, Basis]
    """By KPI."""


class SeriesPoint(BaseModel):
    """A KPI of the UTC days from ``from`` to ``to``, which is not in it."""

    from_: Annotated[date, Field(serialization_alias="from")]
    to: date
    value: float | int | Quantiles | None
    n: int
    low: float | None = None
    high: float | None = None


class Series(BaseModel):
    """Newest first."""

    model_config = ConfigDict(json_schema_extra={"required": ["items", "cursor"]})

    name: str
    step: str
    items: list[SeriesPoint]
    cursor: None = None
    """Always null: a series comes whole."""


@router.get("/kpis", response_model=Kpis)
async def kpis(
    principal: Reads,
    database: Database,
    clock: Clock,
    window: Days = "7d",
    segment: Segment = None,
    channel: Channel = None,
) -> Any:
    """The KPIs of the last days, of all customers or of a segment, of all channels or of one.

    ``window=7d`` is today (UTC) and the six days before.
    """
    days, now = _days(window), await clock.now(None)
    found = await live_window(Reader(database), now, days, segment=segment or None, channel=channel or None)
    results = {name: kpi(found) for name, kpi in KPIS.items()}
    return {
        "window": window,
        "from_": date_of(day_of(micros(now)) - days + 1),
        "to": now,
        "segment": segment or None,
        "channel": channel or None,
        **{name: kpi.value for name, kpi in results.items()},
        "basis": {name: _basis(kpi) for name, kpi in results.items()},
    }


@router.get("/kpis/{name}/series", response_model=Series)
async def kpi_series(
    name: str,
    principal: Reads,
    database: Database,
    clock: Clock,
    from_: Annotated[Time, Query(alias="from", description="Default: 30 days before ``to``.")] = None,
    to: Annotated[Time, Query(description="Default: now.")] = None,
    step: Days = "1d",
    segment: Segment = None,
    channel: Channel = None,
) -> Any:
    """A KPI of each ``step`` days, of the UTC days that ``from`` to ``to`` (not included) touch."""
    if name not in KPIS:
        detail = f"There is no KPI {name[:64]}; there are {', '.join(KPIS)}."
        raise Problem(404, "not_found", detail, errors=[_error("path.name", "unknown", detail)])
    now = await clock.now(None)
    end = to or now
    start = from_ or end - timedelta(days=DEFAULT_SERIES_DAYS)
    if start >= end:
        raise _invalid("query.from", "order", "must be before to")
    first, last, days = day_of(micros(start)), day_of(micros(end) - 1), _days(step)
    if (last - first) // days >= MAX_POINTS:
        raise _invalid("query.step", "too_many", f"gives more than {MAX_POINTS} points: take a longer step")
    points = await series(
        Reader(database),
        name,
        first=first,
        last=min(last, day_of(micros(now))),
        step=days,
        segment=segment or None,
        channel=channel or None,
    )
    items = [
        {
            "from_": date_of(p.first),
            "to": date_of(p.last + 1),
            "value": p.kpi.value,
            **_basis(p.kpi).model_dump(),
        }
        for p in points
    ]
    return {"name": name, "step": step, "items": items}


def _basis(kpi: Kpi) -> Basis:
    low, high = kpi.interval or (None, None)
    return Basis(n=kpi.n, low=low, high=high)


def _invalid(field: str, code: str, detail: str) -> Problem:
    return Problem(422, "invalid", f"Not valid: {field}.", errors=[_error(field, code, detail)])


def _error(field: str, code: str, detail: str) -> dict[str, str]:
    return {"field": field, "code": code, "detail": detail}


def create_app(settings: MetricsSettings, *, publisher: Producing | None = None) -> FastAPI:
    """The app; ``publisher`` is for tests."""
    parts = [refreshing(refresh, settings.metrics_gauge_seconds)]
    return create_api(settings, "metrics", "Rapport metrics", [router], publisher=publisher, parts=parts)


def main() -> None:
    settings = load_settings(MetricsSettings)
    run_api(create_app(settings), settings)


if __name__ == "__main__":
    main()
