"""Durations as a log-bucketed histogram whose quantiles are within 2 % of the true ones.

This is the mapping of DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
Sketch with Relative-Error Guarantees", PVLDB 12(12), 2019). Histograms merge by adding their counts,
in any order, and a value can be taken out again.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

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


class Ordered:
    """The durations of a histogram in order."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Buckets and how many each holds; none below zero."""
        values = sorted((seconds(name), n) for name, n in counts.items() if n > 0)
        self._seconds = [value for value, _ in values]
        self._reached = [*accumulate(n for _, n in values)]
        self.n = self._reached[-1] if values else 0

    def at(self, place: int) -> float:
        """The duration in seconds at a place from 0 to ``n`` - 1."""
        return self._seconds[bisect_right(self._reached, place)]

    def quantile(self, q: float) -> float | None:
        """The value at place ``floor(q * (n - 1))``; None when empty."""
        return self.at(math.floor(q * (self.n - 1))) if self.n else None


def quantile(counts: Mapping[str, int], q: float) -> float | None:
    """The ``q`` quantile in seconds; None when empty."""
    return Ordered(counts).quantile(q)
