"""The KPIs as Prometheus gauges, refreshed from the store by the API.

Each replica of the API shows the same numbers: take ``max`` over them, not a sum.
"""

from math import nan

from fastapi import FastAPI
from prometheus_client import Gauge

from services.metrics.domain.kpis.registry import KPIS, Kpi
from services.metrics.report import live_window
from services.metrics.store import Reader

WINDOW_DAYS = 30

_VALUES = {
    "nps": Gauge("rapport_nps", "Net promoter score of the last 30 days, -100 to 100."),
    "csat": Gauge("rapport_csat", "Share of satisfied answers (4 or 5 of 5) of the last 30 days, 0 to 1."),
    "ces": Gauge("rapport_ces", "Mean customer effort score of the last 30 days, 1 to 7."),
    "open_complaints": Gauge("rapport_open_complaints", "Complaints open now."),
    "repeat_purchase_rate": Gauge(
        "rapport_repeat_purchase_rate",
        "Customers with two or more purchases in the last 30 days, of those with any, 0 to 1.",
    ),
    "redemption_rate": Gauge(
        "rapport_redemption_rate", "Points redeemed for each point earned, last 30 days."
    ),
}
_DURATIONS = {
    "first_response_s": Gauge(
        "rapport_first_response_seconds",
        "From a complaint's opening to its first response, responses of the last 30 days.",
        ["quantile"],
    ),
    "resolution_s": Gauge(
        "rapport_resolution_seconds",
        "From a complaint's opening to the resolution that holds, resolutions of the last 30 days.",
        ["quantile"],
    ),
}
_BASIS = Gauge(
    "rapport_kpi_basis",
    "Answers, complaints, customers or points that a KPI of the last 30 days rests on.",
    ["kpi"],
)
_REFRESHED = Gauge(
    "rapport_kpis_refreshed_timestamp_seconds", "When the KPI gauges were last refreshed (wall clock)."
)


def show(name: str, kpi: Kpi) -> None:
    """Set a KPI's gauges; NaN where there is nothing to tell."""
    _BASIS.labels(name).set(kpi.n)
    if name in _DURATIONS:
        values = kpi.value if isinstance(kpi.value, dict) else {}
        for quantile, key in (("0.5", "p50"), ("0.9", "p90")):
            value = values.get(key)
            _DURATIONS[name].labels(quantile).set(nan if value is None else value)
        return
    _VALUES[name].set(kpi.value if isinstance(kpi.value, int | float) else nan)


async def refresh(app: FastAPI) -> None:
    """Read the last 30 days and set every gauge."""
    window = await live_window(Reader(app.state.database), await app.state.clock.now(None), WINDOW_DAYS)
    for name, kpi in KPIS.items():
        show(name, kpi(window))
    _REFRESHED.set_to_current_time()
