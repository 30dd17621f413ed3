"""The metrics of Metrics, each with its meaning: the KPIs as gauges, set by the API (``report.py``).

Each replica of the API shows the same numbers: take ``max`` over them, not a sum.
"""

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from services.metrics.domain.kpis.kpi import FIGURES, Kind, Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from shared.runtime.words import words
from shared.schemas.times import DAY, SECOND

log = structlog.get_logger(__name__)

WINDOW_DAYS = 30


LABELS = {
    Kind.QUANTILES: ["quantile"],
    Kind.SPREAD: ["quantile", "currency"],
    Kind.TALLY: ["name"],
    Kind.RANKED: ["name"],
    Kind.MONEY: ["currency"],
}
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p99": "0.99"}
"""As Prometheus calls them; a mean is ``mean``."""


def _gauge(kpi: Kpi) -> Gauge:
    meaning = f"{kpi.text} The last {WINDOW_DAYS} days."
    gauge = Gauge(kpi.gauge, meaning, LABELS.get(kpi.kind, []))
    if kpi.kind not in LABELS:
        gauge.set(nan)  # not told yet, as the worker never tells it
    return gauge


_VALUES = {name: _gauge(kpi) for name, kpi in KPIS.items()}
_BASIS = Gauge(
    "rapport_kpi_basis",
    "Answers, complaints, customers or points that a KPI of the last 30 days rests on.",
    ["kpi"],
)
_REFRESHED = Gauge(
    "rapport_kpis_refreshed_timestamp_seconds", "When the KPI gauges were last refreshed (wall clock)."
)
FAILURES = Counter(
    "rapport_kpi_failures_total",
    "Windows of which a KPI could not be computed, for a gauge, an answer or a point of a series: a bug. The "
    "KPI is null there, its gauge NaN; the others stand.",
    ["kpi"],
)
RESTATED = Counter(
    "rapport_kpi_restated_total",
    "Figures of closed days that were told anew, since late facts had moved them.",
    ["kpi"],
)
ANOMALIES = Counter(
    "rapport_kpi_anomalies_total",
    "Figures of closed days that were told to have left what is usual.",
    ["kpi"],
)
WATCH_FAILURES = Counter(
    "rapport_kpi_watch_failures_total",
    "Looks at the figures of closed days that failed: a bug. Nothing is told then; the counting goes on.",
)
ANOMALY = Gauge(
    "rapport_kpi_anomaly",
    "1 for each figure that on the latest day that was judged left what is usual: the median of the same "
    "weekday in the weeks before, by many times their MAD.",
    ["kpi", "figure", "direction"],
)
JUDGED = Gauge(
    "rapport_kpi_judged_day_timestamp_seconds",
    "The day of which rapport_kpi_anomaly tells a KPI's figures, as the time when it began (UTC): the latest "
    "that a worker judged; none before any was.",
    ["kpi"],
)
for _name in KPIS:
    for _counter in (FAILURES, RESTATED, ANOMALIES):
        _counter.labels(_name)  # at 0: then a first one is a step that ``increase()`` sees
HEALTH_FAILURES = Counter(
    "rapport_health_failures_total",
    "Customers whose health could not be judged, or what is told of it not be kept: a bug. Nothing is told "
    "of them; of all others it is.",
)


def show(kpi: Kpi, result: Result) -> None:
    """Set a KPI's gauges; NaN where there is nothing to tell."""
    _BASIS.labels(kpi.name).set(result.n)
    gauge = _VALUES[kpi.name]
    if kpi.kind not in LABELS:
        value: Any = result.value
        gauge.set(_or_nan(value))
        return
    of = [result.currency] if "currency" in LABELS[kpi.kind][1:] else []
    if of or kpi.kind not in FIGURES:
        gauge.clear()  # of names and currencies that are told no more
    for name, number in kpi.figures(result).items():
        label = name.removeprefix(f"{kpi.name}.")
        gauge.labels(_QUANTILES.get(label, label), *of).set(_or_nan(number))


def show_anomalies(days: Mapping[str, int], found: Iterable[Mapping[str, Any]]) -> None:
    """``days``: by KPI the latest that is judged; ``found``: which of its figures left what is usual then."""
    for kpi, day in days.items():
        JUDGED.labels(kpi).set(day * DAY / SECOND)
    ANOMALY.clear()
    for row in found:
        ANOMALY.labels(row["kpi"], row["figure"], row["direction"]).set(1)


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def shown() -> None:
    """All gauges are set."""
    _REFRESHED.set_to_current_time()


def failed(kpi: Kpi, errors: list[Exception]) -> None:
    """Windows of a KPI could not be computed; one line for all of them."""
    FAILURES.labels(kpi.name).inc(len(errors))
    first = errors[0]
    log.error("kpi not computed", kpi=kpi.name, windows=len(errors), error=words(first), exc_info=first)
