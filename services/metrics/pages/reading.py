"""What a page is made of, from the store: every KPI of many spans of days, and what stood out."""

from collections.abc import Mapping

from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import ALL, Selection
from services.metrics.figures_store import FiguresStore
from services.metrics.pages.contents import Found
from services.metrics.pages.outliers import Outlier, marks
from services.metrics.pages.periods import Period, Span
from services.metrics.report import measured
from services.metrics.store import MetricsStore

MOST_OUTLIERS = 1_000
"""The newest days that stood out, of all KPIs."""


async def read(store: MetricsStore, figures: FiguresStore, period: Period, selected: Selection) -> Found:
    """All that a page of the period tells."""
    results = await _results(store, period, selected)
    found = await _outliers(figures, period) if selected == ALL else ()
    return Found(results, marks(found, KPIS.values(), period))


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
