"""Durations of a window as quantiles, from the fields that a histogram's buckets name."""

from collections.abc import Callable

from services.metrics.domain.histogram import Ordered
from services.metrics.domain.kpis.intervals import quantile_ranks
from services.metrics.domain.kpis.kpi import FIGURES, Kind, Result
from services.metrics.domain.kpis.window import Window

SKETCH = "DDSketch: Masson, Rim and Lee, PVLDB 12(12), 2019"
"""Where the quantiles' error of at most 2 % comes from."""
UNIT = "seconds, p50, p90 and p99"


def durations(prefix: str) -> Callable[[Window], Result]:
    """The computation of a KPI whose fields are ``prefix`` and a bucket: quantiles in seconds."""

    def compute(w: Window) -> Result:
        return quantiles(Ordered(w.buckets(prefix)))

    return compute


def quantiles(found: Ordered) -> Result:
    """The quantiles of durations, each with the interval between two of the durations."""
    figures: dict[str, float | None] = {}
    intervals = {}
    for name in FIGURES[Kind.QUANTILES]:
        q = int(name.removeprefix("p")) / 100
        figures[name] = found.quantile(q)
        if (ranks := quantile_ranks(found.n, q)) is not None:
            intervals[name] = (found.at(ranks[0]), found.at(ranks[1]))
    return Result(figures, found.n, intervals=intervals)
