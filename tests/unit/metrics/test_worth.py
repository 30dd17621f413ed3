"""The KPI ``clv``: counted from what the nightly estimate tells, of which no customer's record is kept."""

from math import isnan, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from scipy import stats

from services.metrics import telemetry
from services.metrics.domain.cells import Delta
from services.metrics.domain.health.worth import quantile, spread
from services.metrics.domain.kpis.intervals import quantile_ranks
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.models.kpis import basis, series
from services.metrics.models.tables import table
from services.metrics.pages.contents import Asked, Found, contents
from services.metrics.pages.figures import currency_of
from services.metrics.pages.outliers import Outlier, marks
from services.metrics.report import Point
from shared.schemas.event import Event
from shared.schemas.insights import ModelFitted
from shared.schemas.times import day_of, micros

from .memory import MemoryStore
from .rig import batch, started
from .story import START, event, result, run
from .test_pages import NOW, WEEK, told_of


def told(worths: list[int], currency: str = "EUR", day: float = 0.0) -> Event:
    name = f"clv.{currency}"
    return event(ModelFitted(model=name, parameters=spread(worths)), subject=name, days=day)


def test_mean_and_quantiles() -> None:
    found = result(run([told([*range(1, 1_001)])])[1], "clv")
    assert found.n == 1_000
    assert found.value == {
        "mean": 500.5,
        "p50": pytest.approx(500, rel=0.05),
        "p90": pytest.approx(900, rel=0.05),
    }


def test_how_sure_it_is_of_customers_as_a_sample() -> None:
    worths = [3 * n * n for n in range(1, 1_001)]
    once, twice = (result(run([told(worths) for _ in range(n)])[1], "clv") for n in (1, 2))
    half = stats.t.ppf(0.975, 999) * stdev(worths) / sqrt(1_000)
    mean = fmean(worths)
    low, high = once.intervals["mean"]
    assert (low, high) == (pytest.approx(mean - half, rel=0.01), pytest.approx(mean + half, rel=0.01))
    for name, q in (("p50", 0.5), ("p90", 0.9)):
        ranks = quantile_ranks(1_000, q)
        assert ranks is not None
        assert once.intervals[name] == pytest.approx([worths[rank] for rank in ranks], rel=0.05)
    assert twice == once, "estimated twice of one day"


def test_of_one_customer_nothing_is_sure() -> None:
    assert result(run([told([100])])[1], "clv").intervals == {}
    assert result(run([told([100] * 5)])[1], "clv").intervals.keys() == {"mean"}


def test_the_currency_of_most_is_told() -> None:
    found = result(run([told([100] * 3), told([7, 7], "SEK")])[1], "clv")
    assert found.n == 3
    assert isinstance(found.value, dict)
    assert found.value["mean"] == 100
    assert found.currency == "EUR"
    assert basis(found).currency == "EUR"
    assert basis(result(Delta(), "clv")).currency is None
    point = Point(0, 0, found)
    made = table(series("clv", "1d", [point]))
    assert dict(zip(made.columns, made.rows[0], strict=True))["currency"] == "EUR"
    assert "currency" not in table(series("nps", "1d", [Point(0, 0, Result(1.0, 1))])).columns


def gauges() -> dict[tuple[str, str], float]:
    """By currency and quantile."""
    (family,) = (one for one in REGISTRY.collect() if one.name == "rapport_clv")
    return {(one.labels["currency"], one.labels["quantile"]): one.value for one in family.samples}


def test_the_gauge_names_the_currency_and_forgets_the_last() -> None:
    for currency in ("EUR", "SEK"):
        telemetry.show(KPIS["clv"], result(run([told([100] * 3, currency)])[1], "clv"))
        found = gauges()
        assert set(found) == {(currency, "mean"), (currency, "0.5"), (currency, "0.9")}
        assert found[currency, "mean"] == 100
    telemetry.show(KPIS["clv"], KPIS["clv"].nothing)
    assert all(currency == "" and isnan(value) for (currency, _), value in gauges().items())


def test_a_page_tells_it_in_its_currency() -> None:
    """Nobody reads a thousand minor units as ten euros."""
    worth = Result({"mean": 1_310.0, "p50": 900.0, "p90": 3_000.0}, 800, currency="EUR")
    results = told_of(WEEK)
    results["clv"] = dict.fromkeys(WEEK.spans, worth)
    found = [Outlier("clv", "clv.mean", WEEK.current.last, 1_310.0, 900.0, {"segment": "gold"})]
    out = marks(found, KPIS.values(), WEEK, {"clv": currency_of(results["clv"])})
    made = contents(Asked(WEEK, NOW), list(KPIS.values()), Found(results, marks=out))
    [clv] = [one for section in made["sections"] for one in section["figures"] if one.name == "clv"]
    assert [part.text for part in clv.parts] == ["13.10 EUR", "9.00 EUR", "30.00 EUR"]
    assert clv.unit == "EUR"
    usual = "On 22 November 2026 it was 13.10 EUR (on average), usually 9.00 EUR"
    assert clv.notes == [f"{usual}; most by segment gold."]


_nights = st.dictionaries(
    st.integers(0, 20), st.lists(st.integers(0, 10**6), min_size=1, max_size=30), min_size=1, max_size=8
)


@given(_nights, st.integers(0, 20), st.integers(1, 21), st.integers(1, 3))
def test_n_is_the_customers_of_the_last_night_whatever_the_window(
    nights: dict[int, list[int]], first: int, length: int, times: int
) -> None:
    """Counted by hand, one by one; estimated once or several times that day."""
    delta = run([told(worths, day=day) for day, worths in nights.items() for _ in range(times)])[1]
    days: dict[int, dict[str, int]] = {}
    for (day, _, name), n in delta.items():
        days.setdefault(day, {})[name] = n
    begin = day_of(micros(START)) + first
    then = window(days, {}, first=begin, last=begin + length - 1, one_channel=False)
    inside = [day for day in nights if first <= day < first + length]
    found = KPIS["clv"].of(then)
    worths = sorted(nights[max(inside)]) if inside else []
    assert found.n == len(worths)
    assert isinstance(found.value, dict)
    if worths:
        half = next(worth for i, worth in enumerate(worths) if i + 1 > 0.5 * (len(worths) - 1 / times))
        assert found.value["mean"] == pytest.approx(sum(worths) / len(worths))
        assert found.value["p50"] == pytest.approx(half, rel=0.05)
    else:
        assert found.value == {"mean": None, "p50": None, "p90": None}


def test_a_night_that_was_counted_before_estimates_were_has_its_customers() -> None:
    delta = run([told([100] * 3), told([300] * 5, day=1)])[1]
    older = Delta({cell: n for cell, n in delta.items() if not cell[2].startswith("worth_estimates:")})
    assert result(older, "clv") == result(delta, "clv")
    assert result(older, "clv").n == 5


def test_without_an_estimate_there_is_none() -> None:
    fitted = event(ModelFitted(model="bg-nbd", parameters={"r": 1.0}), subject="bg-nbd")
    found = result(run([fitted])[1], "clv")
    assert (found.value, found.n) == ({"mean": None, "p50": None, "p90": None}, 0)


@pytest.mark.parametrize("name", ["bin.", "bin.x", "bin.-1", "bin.99999", "nonsense", "customers.more"])
def test_what_is_no_part_of_it_counts_nothing(name: str) -> None:
    model = ModelFitted(model="clv.EUR", parameters={"customers": 1.0, "sum": 5.0, name: 1e300})
    fields = {field for _, _, field in run([event(model, subject="clv.EUR")])[1]}
    assert fields == {"worths:EUR", "worth_sum:EUR", "worth_estimates:EUR"}


def test_worth_of_nothing() -> None:
    assert quantile({}, 0.5) is None
    parameters = spread([0, 0, 1, 1, 1])
    assert parameters == {"customers": 5.0, "sum": 3.0, "bin.0": 2.0, "bin.1": 3.0}
    assert quantile({"0": 2, "1": 3}, 0.1) == 0
    assert quantile({"0": 2, "1": 3}, 0.9) == pytest.approx(1, rel=0.05)


async def test_it_counts_once_and_no_customer_is_kept_of_it() -> None:
    store = MemoryStore()
    rig = await started(store)
    once = told([100, 300])
    await rig.processor.process(batch([once, once], topic="insights"))
    await rig.flush()
    assert sum(n for (_, _, field), n in store.cells.items() if field == "worths:EUR") == 2
    assert store.records == {}
