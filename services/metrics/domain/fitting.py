"""Maximum likelihood for the models of ``clv``. Needs the extra ``fit``: only a nightly job imports this.

Each optimum is sought over the logarithms of the parameters, with the exact gradient, in a scale in which the
times or the money are about 1; customers who are alike count as one with a weight.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from services.metrics.domain.clv import TooLittleDataError

Floats: TypeAlias = NDArray[np.float64]
Loss: TypeAlias = Callable[[Floats], tuple[float, Floats]]
"""Of parameters: minus the log-likelihood a customer, and its gradient."""

_BOUND = 15.0
"""A parameter stays within e^-15 and e^15 of the scale: some data would send it to 0 or past all bounds."""
_PURCHASES = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.2, 0.8, 2.5), (2.0, 0.5, 0.1, 2.0))
_MONEY = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5))
"""Where the search starts; the best end counts."""


def purchases(
    x: Iterable[float],
    t_x: Iterable[float],
    T: Iterable[float],
    first: int,  # as in the papers
) -> tuple[float, float, float, float]:
    """r, alpha, a and b of BG/NBD (``first`` 0) or of MBG/NBD (1). Raises ``TooLittleDataError``, ValueError.

    Equation (6) of Fader, Hardie and Lee 2005; MBG/NBD is the same with one more chance to leave, survived by
    all who bought again.
    """
    rows, weights = _grouped(x, t_x, T)
    count, last, age = rows
    if np.any(last > age):
        raise ValueError("t_x must not be greater than T")
    if np.any((count > 0) & (count < 1)):
        raise ValueError("x must be 0, or from 1 on")  # between them the likelihood may have no logarithm
    if not np.any((count > 0) & (age > 0)):
        raise TooLittleDataError("no customer has bought again")
    scale = float(age.max())
    loss = _purchases_loss(count, np.where(count > 0, last, 0.0) / scale, age / scale, weights, first)
    r, alpha, a, b = _best(loss, _PURCHASES)
    return r, alpha * scale, a, b


def money(frequency: Iterable[float], mean_value: Iterable[float]) -> tuple[float, float, float]:
    """p, q and v of gamma-gamma. Raises ``TooLittleDataError``, ValueError.

    Equation (1a) of Fader and Hardie's note.
    """
    (count, mean), weights = _grouped(frequency, mean_value)
    paid = (count > 0) & (mean > 0)
    if not np.any(paid & (count > 1)):
        # Of one purchase each nothing tells the spread within a customer from that among them.
        raise TooLittleDataError("no customer has paid twice")
    count, mean, weights = count[paid], mean[paid], weights[paid]
    scale = float(np.average(mean, weights=weights))
    logs = np.log(mean) - np.log(scale)  # of the smallest amounts the quotient itself would be 0
    p, q, v = _best(_money_loss(count, mean / scale, logs, weights), _MONEY)
    return p, q, v * scale


def _grouped(*columns: Iterable[float]) -> tuple[tuple[Floats, ...], Floats]:
    """Each different row once, as columns, and how often it is there."""
    arrays = [np.asarray([*column], dtype=np.float64) for column in columns]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        raise ValueError("there must be as many numbers of each kind, one a customer")
    table = np.column_stack(arrays)
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("all numbers must be finite and none negative")
    rows, counts = np.unique(table, axis=0, return_counts=True)
    return tuple(rows.T), counts.astype(np.float64)


def _purchases_loss(x: Floats, t_x: Floats, T: Floats, weights: Floats, first: int) -> Loss:
    can_leave = x + first > 0
    total = weights.sum()

    def loss(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        stayed, silent, gone = b + x + first, np.log(alpha + T), np.log(alpha + t_x)
        alive = -(r + x) * silent
        # Where nobody can have left the odds are 0; 1 stands for what has no logarithm.
        chances = np.where(can_leave, stayed - 1, 1.0)
        left = np.where(can_leave, np.log(a) - np.log(chances) - (r + x) * gone, -np.inf)
        both = np.logaddexp(alive, left)
        likelihood = (
            (gammaln(r + x) - gammaln(r) + r * np.log(alpha))
            + (gammaln(a + b) + gammaln(stayed) - gammaln(b) - gammaln(a + stayed))
            + both
        )
        is_alive, has_left = np.exp(alive - both), np.exp(left - both)
        slopes = (
            digamma(r + x) - digamma(r) + np.log(alpha) - is_alive * silent - has_left * gone,
            r / alpha - (r + x) * (is_alive / (alpha + T) + has_left / (alpha + t_x)),
            digamma(a + b) - digamma(a + stayed) + has_left / a,
            digamma(a + b) - digamma(a + stayed) + digamma(stayed) - digamma(b) - has_left / chances,
        )
        gradient = np.array([(weights * slope).sum() for slope in slopes])
        return -float((weights * likelihood).sum() / total), -gradient / total

    return loss


def _money_loss(x: Floats, mean: Floats, log_mean: Floats, weights: Floats) -> Loss:
    paid, log_paid, total = x * mean, np.log(x) + log_mean, weights.sum()

    def loss(parameters: Floats) -> tuple[float, Floats]:
        p, q, v = parameters
        shape = p * x + q
        likelihood = (gammaln(shape) - gammaln(p * x) - gammaln(q) + q * np.log(v)) + (
            p * x * log_paid - log_mean - shape * np.log(paid + v)
        )
        slopes = (
            x * (digamma(shape) - digamma(p * x) + log_paid - np.log(paid + v)),
            digamma(shape) - digamma(q) + np.log(v) - np.log(paid + v),
            q / v - shape / (paid + v),
        )
        gradient = np.array([(weights * slope).sum() for slope in slopes])
        return -float((weights * likelihood).sum() / total), -gradient / total

    return loss


def _best(loss: Loss, starts: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    def in_logs(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = loss(parameters)
        return value, gradient * parameters

    ends: list[Any] = [
        minimize(
            in_logs,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_BOUND, _BOUND)] * len(start),
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
        )
        for start in starts
    ]
    return tuple(float(value) for value in np.exp(min(ends, key=lambda end: end.fun).x))
