"""From the store to what is told: KPIs of a window that ends now, a series of windows, the gauges."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI

from services.metrics import telemetry
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.kpis.purchases import PURCHASES
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.restating import last_told
from services.metrics.figures_store import FiguresStore
from services.metrics.store import MetricsStore, Reading, store_of
from shared.schemas.times import day_of, micros

MOST_ANOMALIES = 500
"""So many have a gauge."""


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
    first = day_of(micros(now)) - days + 1
    reading = await store.read(first, selected)
    one_channel = selected.channel is not None
    found = window(
        reading.days, reading.levels, first=first, last=None, one_channel=one_channel, sums=reading.sums
    )
    return {name: measured(kpi, [found])[0] for name, kpi in KPIS.items()}


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
    reading = await store.read(first, selected, gaps=PURCHASES in kpi.counts)
    days = list(spans(first, last, step))
    windows = [
        window(reading.days, reading.levels, first=start, last=end, one_channel=selected.channel is not None)
        for start, end in days
    ]
    results = measured(kpi, windows)
    return [Point(start, end, result) for (start, end), result in zip(days, results, strict=True)][::-1]


async def minutes(store: MetricsStore, kpi: Kpi, *, first: int, last: int, step: int) -> list[Point]:
    """The KPI of each ``step`` minutes from minute ``first`` to ``last``, the newest first."""
    reading = await store.minutes(first)
    parts = [*spans(first, last, step)][::-1]
    windows, levels = [], dict(reading.levels)
    _take_back(levels, reading, (minute for minute in reading.days if minute > last))
    for start, end in parts:
        some = {minute: reading.days[minute] for minute in range(start, end + 1) if minute in reading.days}
        windows.append(window(some, dict(levels), first=start, last=None, one_channel=False))
        _take_back(levels, reading, some)
    results = measured(kpi, windows)
    return [Point(*part, result, minutes=True) for part, result in zip(parts, results, strict=True)]


def _take_back(levels: dict[str, int], reading: Reading, minutes: Iterable[int]) -> None:
    """Make of the levels at the end of these minutes those before them, in place."""
    for minute in minutes:
        for level in levels:
            levels[level] -= reading.days[minute].get(level, 0)


def spans(first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """The days (or minutes) cut into steps, first and last of each; the last one may be shorter."""
    for start in range(first, last + 1, step):
        yield start, min(start + step - 1, last)


async def refresh(app: FastAPI) -> None:
    """Read the last 30 days and set every gauge."""
    now = await app.state.clock.now(None)
    results = await live(store_of(app), now, telemetry.WINDOW_DAYS)
    for name, result in results.items():
        telemetry.show(KPIS[name], result)
    last = last_told(micros(now))
    rows = await FiguresStore(app.state.database).anomalies(first=last, limit=MOST_ANOMALIES)
    telemetry.show_anomalies((row["figure"], row["direction"]) for row in rows if row["day"] == last)
    telemetry.shown()
