"""What a page is made of, from the store: every KPI of many spans of days, and what stood out."""

from collections.abc import Mapping

from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.restating import HOUR, Restating, bursts, is_backfill
from services.metrics.figures_store import FiguresStore
from services.metrics.pages.contents import Asked, Found
from services.metrics.pages.outliers import Outlier, marks
from services.metrics.pages.periods import Period, Span
from services.metrics.report import measured
from services.metrics.store import MetricsStore
from services.metrics.then import Then
from shared.domain import RefusedError
from shared.schemas.times import DAY, micros, moment

MOST_OUTLIERS = 1_000
"""The newest days that stood out, of all KPIs."""


async def read(store: MetricsStore, figures: FiguresStore, policy: Restating, asked: Asked) -> Found:
    """All that the page tells. What stood out, and what was told before, is kept of everybody's alone."""
    period, results = asked.period, await _results(store, asked.period, asked.selected)
    if asked.selected != ALL:
        return Found(results)
    return Found(
        results,
        marks(await _outliers(figures, period), KPIS.values(), period),
        await _told_before(store, figures, policy, asked),
    )


async def _results(
    store: MetricsStore, period: Period, selected: Selection
) -> Mapping[str, Mapping[Span, Result]]:
    """By KPI and span."""
    spans = period.spans
    first = min(span.first for span in spans)
    reading = await store.read(first, selected, gaps=True)
    windows = [
        window(
            reading.days,
            reading.levels,
            first=span.first,
            # What ends now holds what clocks that run ahead have told, as in GET /kpis.
            last=None if period.live and span.last == period.current.last else span.last,
            one_channel=selected.channel is not None,
        )
        for span in spans
    ]
    return {name: dict(zip(spans, measured(kpi, windows), strict=True)) for name, kpi in KPIS.items()}


async def _outliers(figures: FiguresStore, period: Period) -> list[Outlier]:
    """Of everybody's figures: others are not watched."""
    rows = await figures.anomalies(first=period.drawn.first, limit=MOST_OUTLIERS)
    return [Outlier(**{name: row[name] for name in Outlier.__slots__}) for row in rows]


async def _told_before(
    store: MetricsStore, figures: FiguresStore, policy: Restating, asked: Asked
) -> Mapping[str, Result]:
    """By KPI, what was told of the period when its last day had been closed for an hour. Nothing where it is
    not over so long, where what was told is not kept, or where history was loaded since."""
    span = asked.period.current
    at = moment((span.last + 1) * DAY + HOUR)
    if asked.period.live or at >= asked.now:
        return {}
    moved = await figures.moved_after(micros(at))
    if any(is_backfill(burst, policy) for burst in bursts(moved, policy)):
        return {}
    try:
        then = await Then(store, figures, asked.now, at).read(span.first)
    except RefusedError:
        return {}
    found = window(then.days, then.levels, first=span.first, last=span.last, one_channel=False)
    return {name: measured(kpi, [found])[0] for name, kpi in KPIS.items()}
