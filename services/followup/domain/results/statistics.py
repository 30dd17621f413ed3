"""The statistics of results: intervals of proportions and of their difference, and whether a split is as it
was meant. Pure.

Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22:209-212;
Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison of eleven
methods", Statistics in Medicine 17:873-890, method 10; the incomplete gamma function by its series and its
continued fraction, Abramowitz and Stegun (1964), 6.5.29 and 6.5.31.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

Z_95 = 1.959963984540054
"""What a normal variable is within, either side, in 95 of 100 cases."""
MISMATCH = 0.001
"""A split that is less probable than this was not made as it was meant."""
_TINY = 1e-300
_PRECISE = 1e-14
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def proportion(some: int, everyone: int) -> Interval | None:
    """``some`` of ``everyone`` with Wilson's score interval; None of nobody."""
    if everyone <= 0:
        return None
    share, z = some / everyone, Z_95
    shrink = 1 + z * z / everyone
    middle = share + z * z / (2 * everyone)
    spread = z * sqrt(share * (1 - share) / everyone + z * z / (4 * everyone * everyone))
    # Exactly 0 and 1 where nobody, or everybody, is among them: the formula is off by its rounding.
    low = 0.0 if some == 0 else (middle - spread) / shrink
    high = 1.0 if some == everyone else (middle + spread) / shrink
    return Interval(share, low, high)


def difference(some: int, everyone: int, other: int, others: int) -> Interval | None:
    """The first proportion less the second, by Newcombe's method 10; None where either is of nobody."""
    one, two = proportion(some, everyone), proportion(other, others)
    if one is None or two is None:
        return None
    by = one.value - two.value
    low = by - sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    high = by + sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    return Interval(by, low, high)


@dataclass(frozen=True, slots=True)
class Split:
    """How people fell to the arms, against how they were meant to."""

    chi_square: float
    degrees: int
    p: float
    """How probable a split as far off as this is, if it was made as it was meant."""

    @property
    def mismatch(self) -> bool:
        return self.p < MISMATCH


def split(counts: Sequence[int], shares: Sequence[float]) -> Split | None:
    """Pearson's chi-square test of ``counts`` against ``shares``, which need not add up to 1; None where
    there is nobody, or but one arm. Somebody in an arm that is to have nobody makes p 0."""
    total, whole = sum(counts), sum(shares)
    if total <= 0 or whole <= 0 or len(counts) < 2:
        return None
    if any(count and not share for count, share in zip(counts, shares, strict=True)):
        return Split(float("inf"), len(counts) - 1, 0.0)
    expected = [total * share / whole for share in shares]
    cells = [(count, e) for count, e in zip(counts, expected, strict=True) if e > 0]
    if len(cells) < 2:
        return None
    found = sum((count - e) ** 2 / e for count, e in cells)
    degrees = len(cells) - 1
    return Split(found, degrees, chi_square_tail(found, degrees))


def chi_square_tail(value: float, degrees: int) -> float:
    """How probable it is that a chi-square variable is above ``value``."""
    if value <= 0:
        return 1.0
    shape, x = degrees / 2, value / 2
    scale = exp(-x + shape * log(x) - lgamma(shape))
    if x < shape + 1:
        return 1.0 - scale * _series(shape, x)
    return scale * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    """Of the lower incomplete gamma function; converges fast for x < shape + 1."""
    term = total = 1 / shape
    for step in range(1, _MOST_STEPS):
        term *= x / (shape + step)
        total += term
        if term < total * _PRECISE:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    """Of the upper incomplete gamma function, by Lentz's algorithm; converges fast for x > shape + 1."""
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    found = d
    for step in range(1, _MOST_STEPS):
        a = -step * (step - shape)
        b += 2
        d, c = 1 / _far(a * d + b), _far(b + a / c)
        found *= d * c
        if abs(d * c - 1) < _PRECISE:
            break
    return found


def _far(value: float) -> float:
    """Not so near to 0 that one may not divide by it."""
    return value if abs(value) > _TINY else _TINY
