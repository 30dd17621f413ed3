"""What customers who buy when they like will still buy, and for how much: closed forms of three models.

BG/NBD (Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 2005): while
active a customer buys at random at a rate of their own, and after each purchase leaves with a probability of
their own. Rates go as a gamma distribution (r, alpha), probabilities as a beta distribution (a, b).

MBG/NBD (Batislam, Denizel and Filiztekin, International Journal of Research in Marketing 24(3), 2007; Hoppe
and Wagner, 2007): they may leave after the first purchase as well. Under BG/NBD who bought once never left.

Gamma-gamma (Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013): what a purchase is worth.

Of a customer count ``x``: repeat purchases, that is days with a purchase, the first left out; ``t_x``: from
the first purchase to the last; ``T``: from the first to now, in the unit of time of the parameters. All goes
in logarithms or in sums of positive terms, so that no number of purchases or length of time makes it NaN.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import exp, expm1, inf, isfinite, log, log1p, sqrt
from typing import ClassVar, Self

MONTH_DAYS = 365.25 / 12
"""The one definition of a month."""
WEEK_DAYS = 7

Numbers = Iterable[float]
"""A list, a tuple or an array: one number a customer."""

_TINY = 1e-17
"""What is smaller than this part of a sum does not change it."""
_SMALL, _HUGE, _FAR = 1e-300, 1e300, 700.0
"""Within these no exponential leaves the range of a float."""
_NARROW = 1e-8
"""With such steps all customers are as good as one: what their spread adds is its square."""


class TooLittleDataError(ValueError):
    """Nobody bought again, so there is nothing to estimate from: keep the parameters there are."""


@dataclass(frozen=True, slots=True)
class _Parameters:
    """All positive. Raises ValueError."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{field.name} must be a positive number, not {value}")

    def as_dict(self) -> dict[str, float]:
        """By name, as they are published."""
        return {field.name: float(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class BgNbd(_Parameters):
    """``r``, ``alpha``: of the rates of purchase, whose mean is r/alpha; ``a``, ``b``: of the probabilities
    to leave, whose mean is a/(a+b)."""

    FIRST: ClassVar[int] = 0
    """How often a customer can leave after the first purchase: 0 or 1."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, x: Numbers, t_x: Numbers, T: Numbers) -> Self:  # as in the papers
        """The parameters of maximum likelihood; one number a customer in each. Needs the extra ``fit``.

        Raises ``TooLittleDataError``, and ValueError for numbers that cannot be.
        """
        from services.metrics.domain.fitting import purchases  # numpy and SciPy are an extra

        return cls(*purchases(x, t_x, T, cls.FIRST))

    def p_alive(self, x: float, t_x: float, T: float) -> float:
        """The probability that a customer has not left, 0 to 1. Raises ValueError for numbers that cannot be.

        BG/NBD: Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model", 2008.
        """
        _check(x, t_x, T)
        left_at = x + self.FIRST
        if left_at == 0:
            return 1.0
        # Odds of having left after the last purchase: a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x), x one more
        # where the first purchase counts. With 0 < x < 1, which no customer has, b+x-1 may be no number.
        survived = self.b + left_at - 1
        if survived <= 0:
            return 0.0
        silent = log1p((T - t_x) / (self.alpha + t_x)) if x else log1p(T / self.alpha)
        return _logistic(log(survived) - log(self.a) - (self.r + x) * silent)

    def returns(self, t: float, x: float, t_x: float, T: float) -> float:
        """The probability of a purchase within the time ``t`` from now on. Raises ValueError.

        Who is active leaves after the next purchase at the earliest, so it is that of a gamma-mixed Poisson
        process: P(alive) (1 - ((alpha+T)/(alpha+T+t))^(r+x)).
        """
        alive = self.p_alive(x, t_x, T)
        _check_ahead(t)
        return alive * -expm1(-(self.r + x) * log1p(t / (self.alpha + T)))

    def expected(self, t: float, x: float, t_x: float, T: float) -> float:
        """Purchases in the time ``t`` from now on. Raises ValueError for numbers that cannot be.

        Equation (10) of Fader, Hardie and Lee 2005, whose 2F1 is an integral (``_purchases``).
        """
        alive = self.p_alive(x, t_x, T)
        _check_ahead(t)
        return alive * _purchases(t / (self.alpha + T), self.r + x, self.a, self.b + x + self.FIRST)


@dataclass(frozen=True, slots=True)
class MbgNbd(BgNbd):
    """The same, of customers who may leave after their first purchase already."""

    FIRST: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class GammaGamma(_Parameters):
    """``p``: of the spread within a customer; ``q``, ``v``: of that among customers. ``v`` is in the unit of
    money; the mean of all is v p/(q-1)."""

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, frequency: Numbers, mean_value: Numbers) -> Self:
        """The parameters of maximum likelihood: how often each customer bought, and the mean worth. Those who
        never did, or for nothing, say nothing. Needs the extra ``fit`` (SciPy).

        Raises ``TooLittleDataError``, and ValueError for numbers that cannot be.
        """
        from services.metrics.domain.fitting import money  # numpy and SciPy are an extra

        return cls(*money(frequency, mean_value))

    def expected_value(self, frequency: float, mean_value: float) -> float:
        """The mean worth of a purchase by a customer who made ``frequency`` of this mean worth: between
        theirs and that of all. Of none it is that of all; where q <= 1 this has no bound (inf).

        Equation (5) of the note, as (v + x m) / (x + (q - 1) / p). Raises ValueError.
        """
        for name, value in (("frequency", frequency), ("mean_value", mean_value)):
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number from 0 on, not {value}")
        weight = frequency + (self.q - 1) / self.p
        if weight <= 0:
            return inf
        return (frequency / weight) * mean_value + self.v / weight


def _check(x: float, t_x: float, T: float) -> None:
    if not (isfinite(x) and x >= 0):
        raise ValueError(f"x must be a number from 0 on, not {x}")
    if not (isfinite(T) and 0 <= t_x <= T):
        raise ValueError(f"t_x and T must be times with 0 <= t_x <= T, not {t_x} and {T}")


def _logistic(z: float) -> float:
    """1 / (1 + e^-z)."""
    if z >= 0:
        return 1 / (1 + exp(-z))
    odds = exp(z)
    return odds / (1 + odds)


def _check_ahead(t: float) -> None:
    if not (isfinite(t) and t >= 0):
        raise ValueError(f"t must be a time, not {t}")


def _purchases(s: float, r: float, a: float, b: float) -> float:
    """Purchases of a customer who is active now, in ``s`` times the scale of the rates.

    The paper's (a+b-1)/(a-1) (1 - (1+s)^-r 2F1(r, b; a+b-1; s/(1+s))) is the mean of ``_until`` over
    p ~ Beta(a, b). As written there it has no value at a = 1 and where a+b-1 is 0 or a negative integer,
    loses its digits beside them, and overflows for large r; the mean does none of that. It is taken over
    u = log(p/(1-p)) by the trapezoidal rule, which converges exponentially for what is analytic about the
    line (Trefethen and Weideman, SIAM Review 56(3), 2014); far out both sides are geometric series.
    """
    if (r + 1) * s < _TINY:
        return r * s
    middle = log(a) - log(b)
    step = min(0.2, sqrt(1 / a + 1 / b) / 2)
    if step < _NARROW:
        return _until(_logistic(middle), s, r)
    top = _log_beta(middle, a, b)
    reach = max(0.0, log(b), log(min(s, _HUGE)) + max(0.0, log(r)))
    sides = (
        (middle, -step, min(max(log(_TINY) - reach, -_FAR), middle), a),
        (middle + step, step, max(min(max(0.0, log(a)) - log(_TINY), _FAR), middle), b),
    )
    most = min(r * s, _HUGE)  # of ``_until``: so no sum is more than that of the weights
    total = weights = 0.0
    for u, move, end, rate in sides:
        # From here on, where it falls as far out: the sum of a geometric series by its first term.
        rest = 1 / -expm1(-max(rate * step, _SMALL))
        while True:
            weight = exp(_log_beta(u, a, b) - top)
            term = weight * (_until(_logistic(u), s, r) / most)
            far = abs(u - middle) >= abs(end - middle)
            if far or (weight * rest <= _TINY * weights and term * rest <= _TINY * total):
                weights, total = weights + weight * rest, total + term * rest
                break
            weights, total, u = weights + weight, total + term, u + move
    return total / weights * most


def _until(p: float, s: float, r: float) -> float:
    """Purchases of one who leaves after each with the probability ``p``: (1 - (1 + p s)^-r) / p."""
    p = max(p, _SMALL)
    return -expm1(-r * log1p(s * p)) / p


def _log_beta(u: float, a: float, b: float) -> float:
    """The logarithm of p^a (1-p)^b with p = 1 / (1 + e^-u)."""
    beside = log1p(exp(-abs(u)))
    return -a * (max(-u, 0.0) + beside) - b * (max(u, 0.0) + beside)
