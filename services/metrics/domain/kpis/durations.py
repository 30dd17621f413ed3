"""Durations of a window as quantiles, from the fields that a histogram's buckets name."""

from collections.abc import Callable

from services.metrics.domain.histogram import quantile
from services.metrics.domain.kpis.kpi import Quantiles, Result
from services.metrics.domain.kpis.window import Window

SKETCH = "DDSketch: Masson, Rim and Lee, PVLDB 12(12), 2019"
"""Where the quantiles' error of at most 2 % comes from."""


def durations(prefix: str) -> Callable[[Window], Result]:
    """The computation of a KPI whose fields are ``prefix`` and a bucket: p50 and p90 in seconds."""

    def compute(w: Window) -> Result:
        counts = w.buckets(prefix)
        found = Quantiles(p50=quantile(counts, 0.5), p90=quantile(counts, 0.9))
        return Result(found, sum(counts.values()))

    return compute
