"""What a page is made of, from the store: every KPI of many spans of days, and what stood out."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from services.metrics.domain.cohorts import first_day
from services.metrics.domain.gaps import ANY, BY_CHANNEL
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.lifecycle import phases
from services.metrics.domain.places import ALL
from services.metrics.domain.restating import HOUR, Restating, bursts, is_backfill, oldest_kept
from services.metrics.figures_store import FiguresStore
from services.metrics.pages import wording
from services.metrics.pages.contents import Asked, Found
from services.metrics.pages.figures import currency_of
from services.metrics.pages.outliers import Outlier, marks
from services.metrics.pages.periods import Period, Span
from services.metrics.pages.stacks import Stacks, stacks
from services.metrics.pages.triangle import Triangle, triangle
from services.metrics.report import cohorts, measured
from services.metrics.store import MetricsStore, Reading
from services.metrics.then import Then
from shared.domain import RefusedError
from shared.schemas.times import DAY, date_of, micros, moment

COHORTS = 12
"""Months of first purchases."""
MOST_OUTLIERS = 1_000
"""The newest days that stood out, of all KPIs."""


async def read(store: MetricsStore, figures: FiguresStore, policy: Restating, asked: Asked) -> Found:
    """All that the page tells. What stood out, and what was told before, is kept of everybody's alone."""
    period = asked.period
    first = min(period.drawn.first, period.before.first)
    back = store.policy.reach(max(span.days for span in period.spans))
    reading = await store.read(first, asked.selected, gaps=True, back=back)
    found = Found(
        store.remembered(
            reading,
            ("page", asked.selected, asked.period),
            lambda: _results(store, reading, asked),
        ),
        triangle=await _cohorts(store, asked),
        stacks=_phases(reading, asked),
    )
    if asked.selected != ALL:
        return found
    currencies = {name: currency_of(results) for name, results in found.results.items()}
    return replace(
        found,
        marks=marks(await _outliers(figures, period), KPIS.values(), period, currencies),
        before=await _told_before(store, figures, policy, asked),
    )


def _results(store: MetricsStore, reading: Reading, asked: Asked) -> Mapping[str, Mapping[Span, Result]]:
    """By KPI and span."""
    period = asked.period

    def of(span: Span) -> Window:
        return window(
            reading.days,
            reading.levels,
            first=span.first,
            # What ends now holds what clocks that run ahead have told, as in GET /kpis.
            last=None if period.live and span.last == period.current.last else span.last,
            one_channel=asked.selected.channel is not None,
            today=span.last,
            policy=store.policy,
        )

    windows = {span: of(span) for span in {*period.spans, *period.fine.spans}}
    found = {}
    for name, kpi in KPIS.items():
        spans = {*period.spans, *period.fine.spans} if wording.level(kpi) else {*period.spans}
        found[name] = dict(zip(spans, measured(kpi, [windows[span] for span in spans]), strict=True))
    return found


def _phases(reading: Reading, asked: Asked) -> Stacks | None:
    """What became of customers in each step, beside as many days before."""
    chain = BY_CHANNEL if asked.selected.channel is not None else ANY
    spans = asked.period.coarse.spans
    return stacks([(span, asdict(phases(reading.days, span.first, span.last, chain))) for span in spans])


async def _cohorts(store: MetricsStore, asked: Asked) -> Triangle | None:
    """Up to the month in which the period ends; of a segment or tier, as others are not kept by cohort."""
    kept = replace(asked.selected, segment=None, tier=None) == ALL
    if not kept:
        return None
    last = asked.period.current.last
    found = await cohorts(store, moment(last * DAY), COHORTS, asked.selected)
    named = [(f"{date_of(first_day(one.month)):%b %Y}", one.active) for one in reversed(found)]
    return triangle(named, over=not asked.period.live and date_of(last + 1).day == 1)


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
    if asked.period.live or at >= asked.now or micros(at) < oldest_kept(micros(asked.now)):
        return {}
    moved = await figures.moved_after(micros(at))
    if any(is_backfill(burst, policy) for burst in bursts(moved, policy)):
        return {}
    then = Then(store, figures, asked.now, at)
    try:
        reading = await then.read(span.first, span.last - span.first + 1)
    except RefusedError:
        return {}
    found = then.window(reading, span.first, span.last)
    return {name: measured(kpi, [found])[0] for name, kpi in KPIS.items()}
