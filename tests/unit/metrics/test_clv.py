"""Lifetime value against the literature, and within bounds whatever the numbers are."""

from math import exp, inf, isfinite, isnan, lgamma, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.clv import MONTH_DAYS, BgNbd, GammaGamma, MbgNbd

PAPER = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""CDNOW, in weeks: Fader, Hardie and Lee 2005."""
MBG = MbgNbd(r=0.525, alpha=6.183, a=0.891, b=1.614)
"""The same data under MBG/NBD: Batislam, Denizel and Filiztekin 2007."""
NOTE = GammaGamma(p=6.25, q=3.74, v=15.44)
"""The same customers' money, in dollars: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value"."""

positive = st.floats(1e-6, 1e6)
models = st.builds(BgNbd, positive, positive, positive, positive) | st.builds(
    MbgNbd, positive, positive, positive, positive
)
counts = st.integers(0, 10**9)
times = st.floats(0, 1e9)


def paper_expected(model: BgNbd, t: float, x: float, t_x: float, T: float) -> float:
    """Equation (10) as it is printed, 2F1 by its series: right where that converges and a is not near 1."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    z = t / (alpha + T + t)
    term = series = 1.0
    for n in range(3_000):
        term *= (r + x + n) * (b + x + n) / ((a + b + x - 1 + n) * (n + 1)) * z
        series += term
    top = (a + b + x - 1) / (a - 1) * (1 - ((alpha + T) / (alpha + T + t)) ** (r + x) * series)
    left = a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x) if x else 0.0
    return top / (1 + left)


def test_the_customer_of_the_paper() -> None:
    assert PAPER.expected(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=0.0005)
    assert PAPER.p_alive(2, 30.43, 38.86) == pytest.approx(0.7266, abs=0.0005)


@pytest.mark.parametrize("x", [0, 1, 2, 10, 29])
def test_it_is_equation_10(x: int) -> None:
    t_x = 30.43 if x else 0.0
    for model in (PAPER, BgNbd(0.3, 2, 0.2, 0.3), BgNbd(0.3, 2, 0.4, 0.3), BgNbd(3, 2, 2.5, 7)):
        assert model.expected(39, x, t_x, 38.86) == pytest.approx(
            paper_expected(model, 39, x, t_x, 38.86), rel=1e-9
        )


def test_where_equation_10_has_no_value() -> None:
    """a = 1, a+b+x-1 = 0 and near them: between what it gives beside."""
    for a, b in ((1.0, 2.0), (0.5, 0.5), (0.25, 0.75), (0.1, 0.2)):
        below, at, above = (BgNbd(0.3, 2, a + e, b).expected(39, 0, 0, 10) for e in (-1e-7, 0, 1e-7))
        assert below > at > above
        assert at == pytest.approx((below + above) / 2, rel=1e-9)


def test_who_bought_once() -> None:
    assert PAPER.p_alive(0, 0, 1e6) == 1
    odds = 0.891 / 1.614 * ((6.183 + 38.86) / 6.183) ** 0.525
    assert MBG.p_alive(0, 0, 38.86) == pytest.approx(1 / (1 + odds))
    assert MBG.p_alive(0, 0, 1e12) < 1e-4
    assert MBG.expected(39, 0, 0, 38.86) < PAPER.expected(39, 0, 0, 38.86)


def test_money_of_the_note() -> None:
    """The mean of all, and of a customer a mean of theirs and that of all, by how often they bought."""
    assert NOTE.expected_value(0, 0) == pytest.approx(15.44 * 6.25 / 2.74)
    assert NOTE.expected_value(0, 0) == pytest.approx(35.22, abs=0.005)
    weight = 2.74 / (6.25 * 2 + 2.74)
    assert NOTE.expected_value(2, 22.35) == pytest.approx(weight * 35.22 + (1 - weight) * 22.35, abs=0.005)
    assert NOTE.expected_value(10**9, 22.35) == pytest.approx(22.35)


def test_a_mean_without_bound() -> None:
    wide = GammaGamma(p=0.5, q=0.2, v=10)
    assert wide.expected_value(0, 0) == inf
    assert wide.expected_value(1, 20) == inf
    assert isfinite(wide.expected_value(2, 20))


def test_one_month() -> None:
    assert MONTH_DAYS == 30.4375


@given(models, counts, times, times)
def test_a_probability(model: BgNbd, x: int, one: float, other: float) -> None:
    t_x, T = sorted((one, other))
    assert 0 <= model.p_alive(x, t_x if x else 0, T) <= 1


@given(models, counts, times, times, times)
def test_the_longer_the_silence_the_less_alive(
    model: BgNbd, x: int, one: float, other: float, third: float
) -> None:
    t_x, T, later = sorted((one, other, third))
    t_x = t_x if x else 0
    assert model.p_alive(x, t_x, later) <= model.p_alive(x, t_x, T)


@given(models, counts, times, times, times, times)
def test_more_time_more_purchases(
    model: BgNbd, x: int, one: float, other: float, t: float, more: float
) -> None:
    t_x, T = sorted((one, other))
    t, more = sorted((t, more))
    t_x = t_x if x else 0
    little, much = (model.expected(time, x, t_x, T) for time in (t, more))
    assert 0 <= little <= much * (1 + 1e-9)
    assert isfinite(much)
    # No more than one who never leaves.
    assert much <= (model.r + x) * more / (model.alpha + T) * (1 + 1e-9)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.floats(0, 1e300), st.floats(0, 1e300))
def test_never_nan(one: float, other: float, x: float, t: float) -> None:
    for model in (BgNbd(one, other, one, other), MbgNbd(other, one, other, one)):
        assert 0 <= model.p_alive(x, 0, t) <= 1
        assert not isnan(model.expected(t, x, 0, t))
    value = GammaGamma(one, other, one).expected_value(x, t)
    assert value >= 0


@given(st.floats(0.1, 50), st.floats(1.01, 50), st.floats(0.1, 1e4), counts, st.floats(0.01, 1e9))
def test_money_is_between_theirs_and_that_of_all(
    p: float, q: float, v: float, frequency: int, mean: float
) -> None:
    model = GammaGamma(p, q, v)
    everybody = model.expected_value(0, 0)
    low, high = sorted((everybody, mean))
    assert low * (1 - 1e-9) <= model.expected_value(frequency, mean) <= high * (1 + 1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, inf, nan])
def test_parameters_are_positive(bad: float) -> None:
    with pytest.raises(ValueError, match="alpha must be a positive number"):
        BgNbd(1, bad, 1, 1)
    with pytest.raises(ValueError, match="q must be a positive number"):
        GammaGamma(1, bad, 1)


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [(-1, 0, 1), (1, 2, 1), (1, -1, 1), (1, 0, inf), (float("nan"), 0, 1), (1, float("nan"), 1)],
)
def test_what_cannot_be(x: float, t_x: float, T: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        PAPER.p_alive(x, t_x, T)
    with pytest.raises(ValueError, match="must be"):
        PAPER.expected(1, x, t_x, T)
    with pytest.raises(ValueError, match="t must be a time"):
        PAPER.expected(-1, 1, 1, 1)


def test_as_published() -> None:
    assert BgNbd(**PAPER.as_dict()) == PAPER
    assert list(NOTE.as_dict()) == ["p", "q", "v"]


def test_p_alive_is_bayes() -> None:
    """What is alive of the likelihood of having bought so: equation (6) of the paper."""
    x, t_x, T, m = 3, 20.0, 38.0, PAPER
    log_beta = lgamma(m.a) + lgamma(m.b + x) - lgamma(m.a + m.b + x)
    alive = exp(log_beta - (m.r + x) * log(m.alpha + T))
    log_beta = lgamma(m.a + 1) + lgamma(m.b + x - 1) - lgamma(m.a + m.b + x)
    left = exp(log_beta - (m.r + x) * log(m.alpha + t_x))
    assert m.p_alive(x, t_x, T) == pytest.approx(alive / (alive + left))
