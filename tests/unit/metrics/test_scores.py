"""NPS, CSAT, CES and the duration histogram, against direct computation."""

import math
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain import histogram
from services.metrics.domain.kpis.intervals import wilson
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.surveys import answer_counts, nps_interval
from services.metrics.domain.kpis.window import Window
from shared.schemas.times import MILLISECOND


def answered(survey: str, values: list[int]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for value in values:
        total.update(answer_counts(survey, value))  # type: ignore[arg-type]
    return total


def window(fields: Mapping[str, int]) -> Window:
    return Window(fields, customers=0, repeat_customers=0)


@given(st.lists(st.integers(0, 10), min_size=1))
def test_nps(values: list[int]) -> None:
    kpi = KPIS["nps"].compute(window(answered("nps", values)))
    promoters = sum(v in (9, 10) for v in values)
    detractors = sum(v <= 6 for v in values)
    assert kpi.value == pytest.approx(100 * (promoters - detractors) / len(values))
    assert kpi.n == len(values)
    assert kpi.interval is not None
    low, high = kpi.interval
    assert -100 <= low < high <= 100


@given(st.lists(st.integers(1, 5), min_size=1))
def test_csat(values: list[int]) -> None:
    kpi = KPIS["csat"].compute(window(answered("csat", values)))
    assert kpi.value == pytest.approx(sum(v >= 4 for v in values) / len(values))
    assert kpi.interval is not None
    low, high = kpi.interval
    assert 0 <= low <= float(kpi.value) + 1e-9  # type: ignore[arg-type]
    assert float(kpi.value) - 1e-9 <= high <= 1  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 7), min_size=1))
def test_ces(values: list[int]) -> None:
    assert KPIS["ces"].compute(window(answered("ces", values))).value == pytest.approx(
        sum(values) / len(values)
    )


def test_nothing_is_null_not_zero() -> None:
    empty = window({})
    for name in ("nps", "csat", "ces", "repeat_purchase_rate", "redemption_rate"):
        assert KPIS[name].compute(empty).value is None
        assert KPIS[name].compute(empty).n == 0
    assert KPIS["resolution_s"].compute(empty).value == {"p50": None, "p90": None, "p99": None}
    assert KPIS["open_complaints"].compute(empty).value == 0


def test_nps_interval_by_hand() -> None:
    # 10 answers, 6 promoters, 2 detractors; with 3/4 each of 3 more: p = 6.75/13, d = 2.75/13.
    p, d = 6.75 / 13, 2.75 / 13
    half = 1.959964 * math.sqrt((p + d - (p - d) ** 2) / 13)
    low, high = nps_interval(6, 2, 2) or (0, 0)
    assert low == pytest.approx(100 * (p - d - half), abs=1e-3)
    assert high == pytest.approx(100 * (p - d + half), abs=1e-3)


def test_intervals_narrow_with_answers() -> None:
    few, many = nps_interval(6, 2, 2), nps_interval(600, 200, 200)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_wilson_interval_by_hand() -> None:
    # 8 of 10: Wilson's interval is 0.490 to 0.943 (Agresti and Coull 1998 give the formula).
    low, high = wilson(8, 10) or (0, 0)
    assert low == pytest.approx(0.4902, abs=1e-3)
    assert high == pytest.approx(0.9433, abs=1e-3)


@given(
    st.lists(st.integers(0, 400 * 86_400_000), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]),
)
def test_quantiles_are_within_the_promised_error(durations: list[int], q: float) -> None:
    counts = Counter(histogram.bucket(d * MILLISECOND) for d in durations)
    exact = sorted(durations)[math.floor(q * (len(durations) - 1))] / 1000
    found = histogram.quantile(counts, q)
    assert found is not None
    assert abs(found - exact) <= histogram.ACCURACY * exact * (1 + 1e-9)


@given(st.lists(st.integers(0, 10**9)), st.lists(st.integers(0, 10**9), min_size=1))
def test_histograms_merge_and_give_back(a: list[int], b: list[int]) -> None:
    in_a, in_b = (Counter(map(histogram.bucket, values)) for values in (a, b))
    both = Counter(map(histogram.bucket, a + b))
    assert in_a + in_b == both
    assert histogram.quantile(both - in_a, 0.5) == histogram.quantile(in_b, 0.5)


def test_redemption_rate() -> None:
    assert KPIS["redemption_rate"].compute(window({"earned": 400, "redeemed": 100})).value == 0.25
