"""From the store to what is told: KPIs of a window that ends now, a series of windows, the gauges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI

from services.metrics import telemetry
from services.metrics.domain.baseline import left_out
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.cohorts import Cohort, first_day, month_of, triangle
from services.metrics.domain.gaps import ANY, BY_CHANNEL
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.kpis.purchases import PURCHASES
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.lifecycle import Phases, phases
from services.metrics.domain.places import ALL, Selection
from services.metrics.figures_store import FiguresStore
from services.metrics.store import MetricsStore, Reading, store_of
from shared.schemas.times import day_of, micros


@dataclass(frozen=True, slots=True)
class Point:
    """A KPI of the days, or minutes, ``first`` to ``last``, both included (UTC)."""

    first: int
    last: int
    result: Result
    minutes: bool = False


def measured(kpi: Kpi, windows: Sequence[Window]) -> list[Result]:
    """The KPI of each window. Where it fails it is null, and that is counted and logged."""
    results: list[Result] = []
    errors: list[Exception] = []
    for found in windows:
        try:
            results.append(kpi.of(found))
        except Exception as error:  # one KPI's bug: it is null and counted, and the others stand
            results.append(kpi.nothing)
            errors.append(error)
    if errors:
        telemetry.failed(kpi, errors)
    return results


async def live(
    store: MetricsStore, now: datetime, days: int, selected: Selection = ALL
) -> Mapping[str, Result]:
    """Every KPI, by name, of the window of so many UTC days that ends now: today, and the days before."""
    today = day_of(micros(now))
    first = today - days + 1
    reading = await store.read(first, selected, gaps=True, back=store.policy.reach(days))

    def computed() -> Mapping[str, Result]:
        found = _until(today, reading, first, store.policy, one_channel=selected.channel is not None)
        return {name: measured(kpi, [found])[0] for name, kpi in KPIS.items()}

    return store.remembered(reading, ("live", selected, first, today), computed)


def _until(today: int, reading: Reading, first: int, policy: ChurnPolicy, *, one_channel: bool) -> Window:
    """The window that ends with today. What a clock that runs ahead told of a later day is no part of it."""
    ahead = any(day > today for day in reading.days)
    return window(
        reading.days,
        reading.levels,
        first=first,
        last=today if ahead else None,
        one_channel=one_channel,
        today=today,
        policy=policy,
        counted=reading.counted,
    )


async def series(
    store: MetricsStore,
    kpi: Kpi,
    *,
    first: int,
    last: int,
    step: int,
    selected: Selection = ALL,
) -> list[Point]:
    """The KPI of each ``step`` days from day ``first`` to ``last``, the newest first."""
    back = store.policy.reach(step) if kpi.looks_back else 0
    gaps = kpi.looks_back or PURCHASES in kpi.counts
    reading = await store.read(first, selected, gaps=gaps, back=back)
    days = list(spans(first, last, step))
    windows = [
        window(
            reading.days,
            reading.levels,
            first=start,
            last=end,
            one_channel=selected.channel is not None,
            policy=store.policy,
        )
        for start, end in days
    ]
    results = measured(kpi, windows)
    return [Point(start, end, result) for (start, end), result in zip(days, results, strict=True)][::-1]


async def by_dimension(
    store: MetricsStore, kpi: Kpi, now: datetime, days: int, dimension: str
) -> Mapping[str, Result]:
    """The KPI of a window that ends now, by the values of a dimension that are told apart."""
    today = day_of(micros(now))
    first = today - days + 1
    back = store.policy.reach(days) if kpi.looks_back else 0
    gaps = kpi.looks_back or PURCHASES in kpi.counts
    by = await store.by_dimension(first, dimension, today=today, gaps=gaps, back=back)
    one_channel = dimension == "channel"
    windows = [_until(today, of, first, store.policy, one_channel=one_channel) for of in by.values()]
    return dict(zip(by, measured(kpi, windows), strict=True))


async def minutes(store: MetricsStore, kpi: Kpi, *, first: int, last: int, step: int) -> list[Point]:
    """The KPI of each ``step`` minutes from minute ``first`` to ``last``, the newest first."""
    reading = await store.minutes(first)
    parts = [*spans(first, last, step)][::-1]
    windows, levels = [], dict(reading.levels)
    _take_back(levels, reading, (minute for minute in reading.days if minute > last))
    for start, end in parts:
        some = {minute: reading.days[minute] for minute in range(start, end + 1) if minute in reading.days}
        found = window(some, dict(levels), first=start, last=None, one_channel=False, policy=store.policy)
        windows.append(found)
        _take_back(levels, reading, some)
    results = measured(kpi, windows)
    return [Point(*part, result, minutes=True) for part, result in zip(parts, results, strict=True)]


def _take_back(levels: dict[str, int], reading: Reading, minutes: Iterable[int]) -> None:
    """Make of the levels at the end of these minutes those before them, in place."""
    for minute in minutes:
        for level in levels:
            levels[level] -= reading.days[minute].get(level, 0)


async def cohorts(store: MetricsStore, now: datetime, months: int, selected: Selection) -> list[Cohort]:
    """The cohorts of so many months, this one's first."""
    last = month_of(day_of(micros(now)))
    first = last - months + 1
    reading = await store.read(first_day(first), selected)
    return triangle(reading.days, first, last)


async def lifecycle(
    store: MetricsStore, *, first: int, last: int, step: int, selected: Selection
) -> list[tuple[int, int, Phases]]:
    """First and last day of each ``step`` days, the newest first, and what became of customers in it."""
    reading = await store.read(first - step, selected, gaps=True)
    chain = BY_CHANNEL if selected.channel is not None else ANY
    steps = [*spans(first, last, step)][::-1]
    return [(start, end, phases(reading.days, start, end, chain)) for start, end in steps]


def spans(first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """The days (or minutes) cut into steps, first and last of each; the last one may be shorter."""
    for start in range(first, last + 1, step):
        yield start, min(start + step - 1, last)


async def refresh(app: FastAPI) -> None:
    """Read the last 30 days and set every gauge; of what is judged by the day, the latest that was."""
    now = await app.state.clock.now(None)
    results = await live(store_of(app), now, telemetry.WINDOW_DAYS)
    for name, result in results.items():
        telemetry.show(KPIS[name], result)
    figures = FiguresStore(app.state.database)
    known = await figures.latest_judged()
    days = {name: day for name, day in known.items() if name in KPIS and not left_out(KPIS[name])}
    rows = await figures.judged(days.values())
    telemetry.show_anomalies(
        days, [row for row in rows if row["stands"] and row["day"] == days.get(row["kpi"])]
    )
    telemetry.shown()
