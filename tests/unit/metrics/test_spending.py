"""How sure revenue per customer is, from sums of days alone: against each customer's total."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.metrics.domain.kpis.intervals import t95
from services.metrics.domain.kpis.money import orders_squared

from .story import event, purchase, result, run

ROUNDS, CUSTOMERS = 400, 80


def test_what_each_customer_paid_once_is_a_sample_of_amounts() -> None:
    amounts = [1_000, 2_500, 900, 7_000]
    log = [event(purchase(f"o{n}", amount), subject=f"c{n}") for n, amount in enumerate(amounts)]
    found = result(run(log)[1], "revenue_per_customer")
    half = stats.t.ppf(0.975, 3) * np.std(amounts, ddof=1) / 2
    mean = float(np.mean(amounts))
    assert found.intervals["EUR"] == pytest.approx((max(0.0, mean - half), mean + half), rel=1e-3)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**6)), min_size=2, max_size=40))
def test_of_orders_that_are_alike_up_to_two_each_it_is_exact(people: list[tuple[int, int]]) -> None:
    people = [(1 + orders % 2, amount) for orders, amount in people]
    log = [
        event(purchase(f"o{n}-{day}", amount), days=day, subject=f"c{n}")
        for n, (orders, amount) in enumerate(people)
        for day in range(orders)
    ]
    assert orders_squared(len(log), len(people), sum(orders > 1 for orders, _ in people)) == pytest.approx(
        sum(orders**2 for orders, _ in people)
    )
    found = result(run(log)[1], "revenue_per_customer")
    assert isinstance(found.value, dict)
    low, high = found.intervals["EUR"]
    assert 0 <= low <= found.value["EUR"] + 1e-6
    assert high >= found.value["EUR"] - 1e-6


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steady", [0.3, 1.0, 5.0])
def test_it_holds_the_true_figure_and_is_not_idle(alike: float, steady: float) -> None:
    """Customers whose orders are many or few (negative binomial) and whose amounts are their own or not:
    it holds the true mean as often as Student's of the totals does, and is not twice as wide."""
    random = np.random.default_rng(7)
    held, held_by_totals, wide = 0, 0, []
    expected = _mean_of_those_who_bought(steady)
    for _ in range(ROUNDS):
        orders = random.poisson(random.gamma(steady, 1.5 / steady, CUSTOMERS * 3))
        orders = orders[orders > 0][:CUSTOMERS]
        own = random.gamma(4.0, 250.0, len(orders))
        amounts = [
            random.gamma(4.0, 250.0, n) * (1 - alike) + alike * mine
            for n, mine in zip(orders, own, strict=True)
        ]
        totals = np.array([amount.sum() for amount in amounts])
        squares = math.fsum(float((amount**2).sum()) for amount in amounts)
        repeat, n = int((orders > 1).sum()), len(orders)
        second = orders_squared(int(orders.sum()), n, repeat) * squares / int(orders.sum()) / n
        half = t95(n - 1) * math.sqrt((second - totals.mean() ** 2) / (n - 1))
        off, by_totals = abs(totals.mean() - 1_000 * expected), t95(n - 1) * stats.sem(totals)
        held, held_by_totals = held + (off <= half), held_by_totals + (off <= by_totals)
        wide.append(half / by_totals)
    assert held >= held_by_totals - 0.02 * ROUNDS
    assert held >= 0.9 * ROUNDS
    assert 0.85 < np.median(wide) < 2


def _mean_of_those_who_bought(steady: float) -> float:
    none = float(stats.nbinom.pmf(0, steady, steady / (steady + 1.5)))
    return 1.5 / (1 - none)
