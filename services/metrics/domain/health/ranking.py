"""How well a score told beforehand who would fall silent: the area under the ROC curve, with its interval.

The area is the probability that of two customers, one who fell silent and one who did not, the one who did
had the lower score; equal scores count half. 0.5 is chance, 1 is perfect.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Area:
    """Under the curve, with a 95 % interval."""

    value: float
    low: float
    high: float


def area(silent: Sequence[float], others: Sequence[float]) -> Area | None:
    """Of the scores of those who fell silent and of the others; None where there are none of either.

    Interval: score-type, with the variance of Hanley and McNeil (Newcombe, "Confidence intervals for an
    effect size measure based on the Mann-Whitney statistic", Statistics in Medicine 25, 2006, method 5). It
    is within 0 to 1 and has a width where all are told apart, too.
    """
    if not silent or not others:
        return None
    value = _mean(_below(silent, others))
    return Area(value, _end(value, len(silent), len(others), 0.0), _end(value, len(silent), len(others), 1.0))


def gain(silent: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> Area | None:
    """By how much the area of the first score is larger than that of the second, of the same customers.

    Interval: DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver
    Operating Characteristic Curves", Biometrics 44, 1988. None where there are fewer than two of either.
    """
    if len(silent) < 2 or len(others) < 2:
        return None
    (s1, s2), (o1, o2) = zip(*silent, strict=True), zip(*others, strict=True)
    of_silent = [a - b for a, b in zip(_below(s1, o1), _below(s2, o2), strict=True)]
    of_others = [a - b for a, b in zip(_above(s1, o1), _above(s2, o2), strict=True)]
    value = _mean(of_silent)
    half = Z95 * sqrt(_variance(of_silent) / len(of_silent) + _variance(of_others) / len(of_others))
    return Area(value, value - half, value + half)


def _below(silent: Sequence[float], others: Sequence[float]) -> list[float]:
    """Of each silent one: the share of the others whose score is higher."""
    ordered = sorted(others)
    n = len(ordered)
    return [1 - (bisect_left(ordered, score) + bisect_right(ordered, score)) / (2 * n) for score in silent]


def _above(silent: Sequence[float], others: Sequence[float]) -> list[float]:
    """Of each of the others: the share of the silent ones whose score is lower."""
    ordered = sorted(silent)
    n = len(ordered)
    return [(bisect_left(ordered, score) + bisect_right(ordered, score)) / (2 * n) for score in others]


def _end(value: float, silent: int, others: int, towards: float) -> float:
    """The farthest area from ``value``, on the way to ``towards``, that is within 1.96 deviations of it."""
    near, far = value, towards
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        if abs(middle - value) <= Z95 * sqrt(_hanley_mcneil(middle, silent, others)):
            near = middle
        else:
            far = middle
    return near


def _hanley_mcneil(value: float, silent: int, others: int) -> float:
    """The variance of an area, were the true one ``value``; both groups as their mean size."""
    half = (silent + others) / 2 - 1
    spread = (1 - value) / (2 - value) + value / (1 + value)
    return value * (1 - value) * (1 + half * spread) / (silent * others)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
