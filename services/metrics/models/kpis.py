"""What the API answers of KPIs; the fields of ``Kpis`` are made of the registry."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, create_model

from services.metrics.domain.cells import MINUTE
from services.metrics.domain.kpis.kpi import Kind, Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.places import Selection
from services.metrics.report import Point
from services.metrics.then import Then
from shared.schemas.base import Frozen
from shared.schemas.times import DAY, date_of, moment


class Quantiles(Frozen):
    """In the KPI's unit; null each without any."""

    p50: float | None
    p90: float | None
    p99: float | None


class Spread(Frozen):
    """A mean and quantiles, in the KPI's unit; null each without any."""

    mean: float | None
    p50: float | None
    p90: float | None


class Ranked(Frozen):
    """A name and how often it counted."""

    name: str
    n: int


class Bounds(Frozen):
    """A 95 % interval."""

    low: float
    high: float


class Sure(Frozen):
    """What a number rests on, and how sure it is."""

    n: int
    """Answers, complaints, customers or points."""
    low: float | None = None
    """Lower end of the 95 % interval; null where there is none."""
    high: float | None = None
    """Upper end of the 95 % interval."""
    figures: Mapping[str, Bounds] = {}
    """Of a KPI that has several figures, the intervals by their names."""
    currency: str | None = None
    """Which its amounts are of, where they are of one and their names do not say it (``clv``)."""


class Basis(Sure):
    """What a KPI rests on."""


class Answer(Frozen):
    """KPIs of a window. Null where there is nothing to tell, but for counts, of which 0 is an answer."""

    window: str
    from_: Annotated[date, Field(serialization_alias="from")]
    """The first day (UTC)."""
    to: datetime
    """Now: the wall clock, or the watermark of the stream clock. With ``as_of`` the end of the last day of
    which something is told, if that is past."""
    as_of: datetime | None = None
    """When this was told; null: now."""
    segment: str | None
    channel: str | None
    tier: str | None
    store: str | None
    rule: str | None
    team: str | None


Several: TypeAlias = Quantiles | Spread | dict[str, int] | dict[str, float] | list[Ranked]
"""The shapes of KPIs that are more than one number."""


class SeriesPoint(Sure):
    """A KPI of the UTC days, or minutes, from ``from`` to ``to``, which is not in it."""

    from_: Annotated[date | datetime, Field(serialization_alias="from")]
    to: date | datetime
    value: float | int | Annotated[Several, Field(union_mode="left_to_right")] | None


class Series(Frozen):
    """Newest first."""

    model_config = ConfigDict(json_schema_extra={"required": ["items", "cursor"]})

    name: str
    step: str
    items: list[SeriesPoint]
    cursor: None = None
    """Always null: a series comes whole."""


_TYPES: Mapping[Kind, Any] = {
    Kind.NUMBER: float | None,
    Kind.COUNT: int | None,
    Kind.QUANTILES: Quantiles,
    Kind.SPREAD: Spread,
    Kind.TALLY: dict[str, int],
    Kind.RANKED: list[Ranked],
    Kind.MONEY: dict[str, float],
}


def kpis_model(kpis: Iterable[Kpi]) -> type[Answer]:
    """The model of an answer with these KPIs, and with what each rests on."""
    fields: dict[str, Any] = {kpi.name: (_TYPES[kpi.kind], Field(description=kpi.text)) for kpi in kpis}
    rests = (dict[str, Basis], Field(description="By KPI."))
    return create_model("Kpis", __base__=Answer, __doc__=Answer.__doc__, **fields, basis=rests)


Kpis = kpis_model(KPIS.values())


def answer(
    results: Mapping[str, Result],
    *,
    window: str,
    first: int,
    now: datetime,
    selection: Selection,
    then: Then | None = None,
) -> Answer:
    """The answer to ``GET /kpis``; ``first`` is the window's first day."""
    return Kpis.model_validate(
        {
            "window": window,
            "from_": date_of(first),
            "to": now if then is None else min(now, moment((then.last + 1) * DAY)),
            "as_of": None if then is None else then.at,
            **asdict(selection),
            **{name: result.value for name, result in results.items()},
            "basis": {name: basis(result) for name, result in results.items()},
        }
    )


def series(name: str, step: str, points: Iterable[Point]) -> Series:
    """The answer to ``GET /kpis/{name}/series``."""
    items = [
        SeriesPoint(
            from_=_begins(point.first, point.minutes),
            to=_begins(point.last + 1, point.minutes),
            value=point.result.value,
            **basis(point.result).model_dump(),
        )
        for point in points
    ]
    return Series(name=name, step=step, items=items)


def _begins(number: int, minutes: bool) -> date | datetime:
    return moment(number * MINUTE) if minutes else date_of(number)


def basis(result: Result) -> Basis:
    """What a result rests on, and how sure it is."""
    low, high = result.interval or (None, None)
    figures = {name: Bounds(low=ends[0], high=ends[1]) for name, ends in result.intervals.items()}
    return Basis(n=result.n, low=low, high=high, figures=figures, currency=result.currency or None)
