"""How sure a number is that was taken of a sample: 95 % intervals of shares, means and quantiles."""

import math
from functools import lru_cache
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]
"""Low and high end, 95 %."""
Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
_TAIL = 0.025
_EXACT = 5_000
"""Up to so many values the binomial distribution is summed; beyond, the normal one is close enough."""


def wilson(part: int, whole: int) -> Interval | None:
    """Of a share (Wilson's score interval, JASA 22, 1927); None of what is no share."""
    if whole <= 0 or not 0 <= part <= whole:
        return None
    p, z2 = part / whole, Z95**2
    centre = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z95 * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    return within((centre - half, centre + half), 0.0, 1.0, about=p)


def within(interval: Interval, least: float, most: float, *, about: float) -> Interval:
    """What of an interval is on the scale; the value itself is in it, whatever was rounded."""
    low, high = interval
    return max(least, min(low, about)), min(most, max(high, about))


def newcombe(a: int, of_a: int, b: int, of_b: int) -> Interval | None:
    """Of the difference a / of_a - b / of_b of two shares (Newcombe, "Interval estimation for the difference
    between independent proportions", Statistics in Medicine 17, 1998: method 10)."""
    one, other = wilson(a, of_a), wilson(b, of_b)
    if one is None or other is None:
        return None
    p, q = a / of_a, b / of_b
    low = p - q - math.hypot(p - one[0], other[1] - q)
    high = p - q + math.hypot(one[1] - p, q - other[0])
    return max(-1.0, low), min(1.0, high)


def mean_interval(n: int, total: float, squares: float) -> Interval | None:
    """Of a mean, by Student's t: of ``n`` values their sum and the sum of their squares. None of less than
    two, and where the sums are of no values (some were counted before squares were)."""
    if n < 2:
        return None
    mean = total / n
    rest = squares - total * mean
    if rest < -1e-9 * max(squares, 1.0):
        return None
    half = t95(n - 1) * math.sqrt(max(rest, 0.0) / (n - 1) / n)
    return mean - half, mean + half


@lru_cache(maxsize=4096)
def t95(df: int) -> float:
    """The two-sided 95 % quantile of Student's t: exact for one and two degrees of freedom, else by the
    expansion 26.7.5 of Abramowitz and Stegun (error below 0.01 from three on)."""
    if df == 1:
        return math.tan(math.pi * (0.5 - _TAIL))
    if df == 2:
        p = 1 - 2 * _TAIL
        return p * math.sqrt(2 / (1 - p**2))
    z = Z95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / df**power for power, term in enumerate(terms, 1))


@lru_cache(maxsize=4096)
def quantile_ranks(n: int, q: float) -> tuple[int, int] | None:
    """The places, from 0, of the values in order that bound the ``q`` quantile of what ``n`` values are a
    sample of, whatever its distribution (binomial order statistics: Hahn and Meeker, "Statistical Intervals",
    1991, 5.2). None of so few that no two of them do.

    The number of values below the quantile is binomial(n, q): the value at place ``low`` is above it with
    P(X <= low), that at ``high`` below it with P(X > high).
    """
    if n <= _EXACT:
        low, high = _binomial_ranks(n, q)
    else:
        half = Z95 * math.sqrt(n * q * (1 - q))
        low, high = math.floor(n * q - half) - 1, math.ceil(n * q + half)
    return (low, high) if low >= 0 and high < n else None


def _binomial_ranks(n: int, q: float) -> tuple[int, int]:
    low, high, below = -1, n, 0.0
    far = 8 * math.sqrt(n * q * (1 - q)) + 10  # what lies farther away is nothing
    for k in range(max(0, math.floor(n * q - far)), min(n, math.ceil(n * q + far)) + 1):
        ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        below += math.exp(ways + k * math.log(q) + (n - k) * math.log(1 - q))
        if below <= _TAIL:
            low = k
        if 1 - below <= _TAIL:
            high = k
            break
    return low, high
