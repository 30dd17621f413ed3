"""Durations as a log-bucketed histogram whose quantiles are within 2 % of the true ones.

This is the mapping of DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019). Histograms merge by adding their counts,
in any order, and a value can be taken out again.
"""

import math
from collections.abc import Mapping

from shared.schemas.times import MILLISECOND, Micros

ACCURACY = 0.02
"""Largest relative error of a quantile."""
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
ZERO = "z"
"""The bucket of durations below a millisecond."""


def bucket(duration: Micros) -> str:
    """The bucket of a duration: bucket ``i`` holds (gamma^(i-1), gamma^i] milliseconds."""
    if duration < MILLISECOND:
        return ZERO
    return str(math.ceil(math.log(duration / MILLISECOND) / _LOG_GAMMA))


def seconds(name: str) -> float:
    """The duration in seconds that stands for all in the bucket."""
    if name == ZERO:
        return 0.0
    return 2 * math.exp(int(name) * _LOG_GAMMA) / (_GAMMA + 1) / 1000


def quantile(counts: Mapping[str, int], q: float) -> float | None:
    """The ``q`` quantile in seconds: the value at rank ``floor(q * (n - 1))``; None when empty."""
    n = sum(counts.values())
    if n <= 0:
        return None
    rank = math.floor(q * (n - 1))
    reached = 0
    ordered = sorted((seconds(name), count) for name, count in counts.items())
    for value, count in ordered:
        reached += count
        if reached > rank:
            return value
    return ordered[-1][0]
