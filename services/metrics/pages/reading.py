"""Every KPI of many spans of days, from one reading of the store."""

from collections.abc import Mapping

from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import Selection
from services.metrics.pages.periods import Period, Span
from services.metrics.report import measured
from services.metrics.store import MetricsStore


async def read(
    store: MetricsStore, period: Period, selected: Selection
) -> Mapping[str, Mapping[Span, Result]]:
    """By KPI and span, all that a page of the period tells."""
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
