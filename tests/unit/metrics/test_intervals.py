"""95 % intervals: against published figures, SciPy, and how often they hold what they promise."""

import math
import random
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.metrics.domain.histogram import Ordered, bucket
from services.metrics.domain.kpis.durations import quantiles
from services.metrics.domain.kpis.intervals import mean_interval, newcombe, quantile_ranks, t95, wilson
from services.metrics.domain.kpis.surveys import nps, nps_interval
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import SECOND

from .story import answered, event, result, run


@pytest.mark.parametrize("df", [*range(1, 40), 100, 10_000])
def test_the_quantile_of_t(df: int) -> None:
    assert t95(df) == pytest.approx(stats.t.ppf(0.975, df), abs=0.01)


@given(st.lists(st.integers(1, 7), min_size=2, max_size=60))
def test_the_interval_of_a_mean_is_students(values: list[int]) -> None:
    found = mean_interval(len(values), sum(values), sum(value**2 for value in values))
    assert found is not None
    half = stats.t.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    assert found == (
        pytest.approx(mean(values) - half, abs=0.01),
        pytest.approx(mean(values) + half, abs=0.01),
    )


def test_a_mean_of_one_has_none() -> None:
    assert mean_interval(1, 5, 25) is None
    assert mean_interval(0, 0, 0) is None
    assert mean_interval(10, 50, 25) is None, "the squares of some of them are not known"


def test_a_difference_as_newcombe_gives_it() -> None:
    # Table II of the paper, method 10: 56/70 - 48/80 is 0.0524 to 0.3339, 9/10 - 3/10 is 0.1705 to 0.8090.
    assert newcombe(56, 70, 48, 80) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert newcombe(9, 10, 3, 10) == (pytest.approx(0.1705, abs=1e-4), pytest.approx(0.8090, abs=1e-4))
    assert newcombe(1, 0, 1, 2) is None


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400))
def test_a_value_is_in_its_interval_and_on_its_scale(one: int, two: int, three: int) -> None:
    n = one + two + three
    for part in (0, one, n):
        share = wilson(part, n)
        assert share is not None
        assert 0 <= share[0] <= part / n <= share[1] <= 1
    for answers in ((one, two, three), (two, three, one), (one, 0, 0), (0, 0, one)):
        value, interval = nps(*answers), nps_interval(*answers)
        assert value is not None
        assert interval is not None
        assert -100 <= interval[0] <= value <= interval[1] <= 100


def test_one_answer_is_in_its_interval() -> None:
    assert nps_interval(1, 0, 0) == (pytest.approx(-48.5, abs=0.1), 100)
    assert nps_interval(0, 0, 1) == (-100, pytest.approx(48.5, abs=0.1))
    assert wilson(0, 3) == (0, pytest.approx(0.5615, abs=1e-4))
    assert wilson(10, 10) == (pytest.approx(0.7225, abs=1e-4), 1)


def contacts(*sentiments: float) -> list[Event]:
    return [
        event(InteractionLogged(channel="chat", direction="inbound", kind="m", summary=".", sentiment=one))
        for one in sentiments
    ]


def test_effort_and_sentiment_are_on_their_scales_as_far_as_the_interval_goes() -> None:
    _, delta = run([event(answered("ces", score)) for score in (1, 7)])
    assert (result(delta, "ces").value, result(delta, "ces").interval) == (4.0, (1, 7))
    assert result(run(contacts(-1, 1))[1], "sentiment").interval == (-1, 1)
    found = result(run(contacts(0.07, 0.07, 0.07))[1], "sentiment")
    assert found.interval is not None
    assert found.interval[0] <= found.value <= found.interval[1]
    _, delta = run([event(answered("ces", 7))])
    assert (result(delta, "ces").value, result(delta, "ces").interval) == (7.0, None)


def test_what_is_no_share_has_no_interval() -> None:
    assert wilson(3, 2) is None
    assert wilson(-1, 2) is None


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [0, 1, 5, 6, 35, 36, 100, 367, 368, 1_000, 5_000, 5_001, 100_000])
def test_the_places_hold_the_quantile(n: int, q: float) -> None:
    ranks = quantile_ranks(n, q)
    enough = {0.5: 6, 0.9: 36, 0.99: 368}[q]
    assert (ranks is not None) is (n >= enough)
    if ranks is not None:
        low, high = ranks
        # Below the quantile lie more than ``low`` and at most ``high`` values.
        outside = stats.binom.cdf(low, n, q) + stats.binom.sf(high, n, q)
        assert outside <= 0.05 + (0.005 if n > 5_000 else 1e-9)
        assert low < math.floor(q * (n - 1)) <= high


def test_intervals_of_durations_hold_the_median_19_times_of_20() -> None:
    dice, held = random.Random(5), 0
    for _ in range(400):
        counts: dict[str, int] = {}
        for _ in range(80):
            name = bucket(int(dice.expovariate(1 / 3_600) * SECOND))
            counts[name] = counts.get(name, 0) + 1
        low, high = quantiles(Ordered(counts)).intervals["p50"]
        held += low <= 3_600 * math.log(2) <= high
    assert held >= 0.93 * 400


def test_few_durations_have_figures_without_intervals() -> None:
    found = quantiles(Ordered({bucket(60 * SECOND): 3}))
    assert found.value == dict.fromkeys(("p50", "p90", "p99"), pytest.approx(60, rel=0.02))
    assert (found.n, found.intervals) == (3, {})
