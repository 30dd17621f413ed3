"""How sure each figure is, computed once more: from each value that counts, by NumPy and SciPy.

Of what is no sample (amounts, counts, points) there is no interval.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from scipy import stats

from .kpis import Brute

Ends: TypeAlias = tuple[float, float]
Sure: TypeAlias = Mapping[str, Ends]
"""The interval of the whole value is that of ``""``; else by the name of the figure."""

SHARES = (
    "csat", "response_rate", "reopened_share", "clocks_met", "first_response_met", "next_response_met",
    "update_met", "resolution_met", "repeat_purchase_rate", "outreach_reach",
)  # fmt: skip


def sureness(brute: Brute, name: str) -> Sure:
    """The intervals of a KPI in what was chosen."""
    return _INTERVALS[name](brute) if name in _INTERVALS else {}


def _wilson(part: int, whole: int) -> Ends:
    found = stats.binomtest(part, whole).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def _share(name: str) -> Callable[[Brute], Sure]:
    def of(brute: Brute) -> Sure:
        value, n = brute.kpi(name)
        part = 0 if value is None else round(float(value) * n)
        return {"": _wilson(part, n)} if n > 0 and 0 <= part <= n else {}

    return of


def _students(values: Sequence[float], least: float, most: float) -> Ends | None:
    """Of their mean, as far as that can be."""
    if len(values) < 2:
        return None
    mean, error = float(np.mean(values)), float(stats.sem(values))
    if error == 0.0:
        return mean, mean
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error)
    return max(least, float(low)), min(most, float(high))


def _mean(where: str, unit: float, least: float, most: float) -> Callable[[Brute], Sure]:
    def of(brute: Brute) -> Sure:
        values = [x / unit for (x,) in brute.rows(f"SELECT x FROM w WHERE {where}")]
        ends = _students(values, least, most)
        return {} if ends is None else {"": ends}

    return of


def _nps(brute: Brute) -> Sure:
    """Three more answers, one of each kind half, as a sample with weights."""
    answers = [x for (x,) in brute.rows("SELECT x FROM w WHERE kind = 'nps'")]
    if not answers:
        return {}
    kinds = np.array([1.0 if x >= 9 else 0.0 if x >= 7 else -1.0 for x in answers] + [1.0, 0.0, -1.0])
    weights = np.array([1.0] * len(answers) + [0.75, 1.5, 0.75])
    mean = float(np.average(kinds, weights=weights))
    spread = float(np.average((kinds - mean) ** 2, weights=weights) / weights.sum())
    low, high = stats.norm.interval(0.95, loc=mean, scale=spread**0.5)
    value = 100 * float(np.mean(kinds[: len(answers)]))
    return {"": (max(-100.0, min(100 * float(low), value)), min(100.0, max(100 * float(high), value)))}


def _durations(kind: str) -> Callable[[Brute], Sure]:
    """Of each quantile the two values between which it lies, by how many of the sample may lie below it."""

    def of(brute: Brute) -> Sure:
        values = sorted(x / 1e6 for (x,) in brute.rows(f"SELECT x FROM w WHERE kind = '{kind}'"))
        found, places = dict[str, Ends](), np.arange(len(values))
        if not values:
            return found
        for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            below = stats.binom(len(values), q)
            low, high = places[below.cdf(places) <= 0.025], places[below.sf(places) <= 0.025]
            if low.size and high.size:
                found[name] = values[low[-1]], values[high[0]]
        return found

    return of


def _order_value(brute: Brute) -> Sure:
    by_currency: dict[str, list[float]] = {}
    for currency, x in brute.rows("SELECT name, x FROM w WHERE kind = 'order'"):
        by_currency.setdefault(currency, []).append(x)
    told, _ = brute.kpi("order_value")
    found = {c: _students(values, 0.0, float("inf")) for c, values in by_currency.items() if c in told}
    return {currency: ends for currency, ends in found.items() if ends is not None}


def _revenue_per_customer(brute: Brute) -> Sure:
    """As if a customer's orders were alike: n(k) customers have k orders or more, known for one and for two
    (days), and beyond falling off by one rate; of all these as many as there are orders."""
    customers, repeat = brute.rows(
        """SELECT count(*), coalesce(sum((days > 1)::INT), 0) FROM (SELECT subject,
        count(DISTINCT us // 86_400_000_000) AS days FROM w WHERE kind = 'order' GROUP BY subject)"""
    )[0]
    orders = brute.rows("SELECT name, x FROM w WHERE kind = 'order'")
    told, _ = brute.kpi("revenue_per_customer")
    if customers < 2:
        return {}
    known = [customers, repeat] if repeat else [customers]
    beyond = len(orders) - sum(known)
    rate = beyond / (beyond + known[-1])
    steps = np.arange(1, 20_000)
    least = np.concatenate([known, known[-1] * rate**steps])
    squared = float(((2 * np.arange(1, least.size + 1) - 1) * least).sum())
    found = {}
    for currency in told:
        amounts = np.array([x for name, x in orders if name == currency], dtype=float)
        mean, square = amounts.sum() / customers, squared * (amounts**2).sum() / len(orders) / customers
        error = (max(0.0, square - mean**2) / (customers - 1)) ** 0.5
        half = float(stats.t.ppf(0.975, customers - 1)) * error
        found[currency] = max(0.0, float(mean) - half), float(mean) + half
    return found


def _lift(brute: Brute) -> Sure:
    rules: dict[str, tuple[list[float], list[float]]] = {}
    for rule, held, bought in brute.rows("SELECT name, x, y FROM w WHERE kind = 'trial'"):
        rules.setdefault(rule, ([], []))[int(held)].append(bought)
    both = [(np.array(treated), np.array(none)) for treated, none in rules.values() if treated and none]
    if not both:
        return {}
    lifts = np.array([treated.mean() - none.mean() for treated, none in both])
    if len(both) == 1:
        [(treated, none)], lift = both, float(lifts[0])
        ours, theirs = (_wilson(int(group.sum()), len(group)) for group in (treated, none))
        down = np.hypot(treated.mean() - ours[0], theirs[1] - none.mean())
        up = np.hypot(ours[1] - treated.mean(), none.mean() - theirs[0])
        return {"": (max(-1.0, lift - float(down)), min(1.0, lift + float(up)))}
    weights = np.array([1 / (1 / len(treated) + 1 / len(none)) for treated, none in both])
    spreads = np.array([treated.var() / len(treated) + none.var() / len(none) for treated, none in both])
    weights = weights / weights.sum()
    lift, half = float(weights @ lifts), float(stats.norm.ppf(0.975)) * float(weights**2 @ spreads) ** 0.5
    return {"": (max(-1.0, lift - half), min(1.0, lift + half))}


_INTERVALS: Mapping[str, Callable[[Brute], Sure]] = {
    **{name: _share(name) for name in SHARES},
    "nps": _nps,
    "ces": _mean("kind = 'ces'", 1, 1.0, 7.0),
    "sentiment": _mean("kind = 'sentiment'", 100, -1.0, 1.0),
    "first_response_s": _durations("first"),
    "next_response_s": _durations("next"),
    "resolution_s": _durations("resolution"),
    "order_value": _order_value,
    "revenue_per_customer": _revenue_per_customer,
    "outreach_lift": _lift,
}
