"""What is usual for a figure, and what is told to have left it."""

import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.baseline import (
    AGAIN_DAYS,
    Anomalies,
    baseline,
    judged,
    judged_up_to,
    turns,
    weekdays_before,
)
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.outreach import BOUGHT_DAYS
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.shares import share_result

POLICY = Anomalies()
NUMBER, COUNT, TIMES, TALLY = (
    KPIS["ces"],
    KPIS["open_complaints"],
    KPIS["resolution_s"],
    KPIS["root_causes"],
)
Values = st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=12)


def results(*values: float | None, n: int = 100) -> list[Result]:
    return [Result(value, n if value is not None else 0) for value in values]


@given(Values)
def test_usual_is_the_median_and_the_spread_its_deviation(values: list[float]) -> None:
    found = baseline(values, POLICY)
    assert found is not None
    assert found.usual == median(values)
    assert found.spread == median(abs(value - median(values)) for value in values)
    assert found.deviation >= found.spread >= 0


@given(Values, st.floats(-1e5, 1e5), st.floats(0.1, 100))
def test_what_is_usual_moves_and_grows_with_the_figures(
    values: list[float], shift: float, scale: float
) -> None:
    one, other = baseline(values, POLICY), baseline([v * scale + shift for v in values], POLICY)
    assert one is not None
    assert other is not None
    assert other.usual == pytest.approx(one.usual * scale + shift, abs=1e-3)
    assert other.spread == pytest.approx(one.spread * scale, abs=1e-3)


@given(st.lists(st.floats(10, 20), min_size=8, max_size=8), st.floats(-1e9, 1e9))
def test_one_wild_week_hides_nothing(values: list[float], wild: float) -> None:
    """A median of eight stays among the other seven, whatever one of them says."""
    found = baseline([wild, *values[1:]], POLICY)
    assert found is not None
    assert 10 <= found.usual <= 20


@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_too_few_weeks_say_nothing(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    assert (baseline(values, POLICY) is None) == (len(known) < POLICY.least_weeks)


@given(st.lists(st.floats(1, 7), min_size=4, max_size=8), st.floats(1, 7))
def test_a_figure_is_flagged_by_its_z_score(before: list[float], value: float) -> None:
    found = judged(NUMBER, *results(value), results(*before), POLICY)
    base = baseline(before, POLICY)
    assert base is not None
    off = abs(value - base.usual)
    left = off > 3.5 * base.deviation and off > 0.05 * base.usual
    assert [one.direction for one in found] == (["up" if value > base.usual else "down"] if left else [])


@given(st.lists(st.floats(1, 7), min_size=4, max_size=8))
def test_what_is_usual_is_never_flagged(before: list[float]) -> None:
    assert judged(NUMBER, *results(median(before)), results(*before), POLICY) == []


def test_a_drop_after_steady_weeks() -> None:
    (found,) = judged(NUMBER, *results(2.0), results(6.0, 6.1, 5.9, 6.0, 6.2, 6.0, 5.8, 6.1), POLICY)
    assert (found.figure, found.value, found.usual, found.direction) == ("ces", 2.0, 6.0, "down")
    assert found.spread == pytest.approx(0.1)
    assert found.score is not None
    assert found.score > 3.5


def test_weeks_that_did_not_differ_have_no_score() -> None:
    (found,) = judged(NUMBER, *results(5.0), results(*[6.0] * 8), POLICY)
    assert (found.spread, found.score, found.direction) == (0.0, None, "down")
    assert judged(NUMBER, *results(5.9), results(*[6.0] * 8), POLICY) == []  # less than a twentieth


def test_little_is_not_judged() -> None:
    before = results(*[6.0] * 8)
    assert judged(NUMBER, Result(1.0, 4), before, POLICY) == []
    assert judged(NUMBER, Result(1.0, 5), before, POLICY)
    assert judged(NUMBER, Result(1.0, 5), results(*[6.0] * 8, n=4), POLICY) == []
    assert judged(NUMBER, Result(None, 0), before, POLICY) == []


def test_chance_is_no_anomaly() -> None:
    """The interval of five answers reaches far."""
    csat, before = KPIS["csat"], [share_result(80, 100)] * 8
    assert judged(csat, share_result(3, 5), before, POLICY) == []
    (found,) = judged(csat, share_result(30, 50), before, POLICY)
    assert found.direction == "down"


def test_one_who_leaves_where_mostly_nobody_does_is_chance() -> None:
    """The interval of one of many never reaches 0."""
    churn, nobody = KPIS["churn"], [share_result(0, 10_000)] * 8
    for few in (1, 2, 3):
        assert judged(churn, share_result(few, 10_000), nobody, POLICY) == []
    (found,) = judged(churn, share_result(20, 10_000), nobody, POLICY)
    assert (found.direction, found.usual) == ("up", 0.0)
    steady = [share_result(100, 10_000)] * 8
    assert judged(churn, share_result(130, 10_000), steady, POLICY) == []
    assert [one.direction for one in judged(churn, share_result(140, 10_000), steady, POLICY)] == ["up"]
    assert [one.direction for one in judged(churn, share_result(60, 10_000), steady, POLICY)] == ["down"]


def test_counts_vary_as_independent_events_do() -> None:
    before = results(*[100.0] * 8)
    steady = [Result(int(r.value), r.n) for r in before if isinstance(r.value, float)]
    assert judged(COUNT, Result(134, 134), steady, POLICY) == []
    assert [one.direction for one in judged(COUNT, Result(136, 136), steady, POLICY)] == ["up"]
    assert [one.direction for one in judged(COUNT, Result(0, 0), steady, POLICY)] == ["down"]


def test_each_quantile_is_a_figure_and_no_name_of_a_tally() -> None:
    def times(p50: float, p90: float) -> Result:
        return Result({"p50": p50, "p90": p90, "p99": 10_000.0}, 50)

    before = [times(100.0 + n, 900.0 + n) for n in range(8)]
    (found,) = judged(TIMES, times(103.0, 5_000.0), before, POLICY)
    assert (found.figure, found.direction) == ("resolution_s.p90", "up")
    assert judged(TALLY, Result({"late": 500}, 500), [Result({"late": 1}, 1)] * 8, POLICY) == []


def test_the_same_weekday() -> None:
    assert weekdays_before(100, 3) == [93, 86, 79]
    assert all(math.isfinite(day) for day in weekdays_before(0, 52))


RIPENING = [KPIS[name] for name in ("ces", "response_rate", "reopened_share", "outreach_lift")]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_each_day_is_judged_once_and_when_it_is_ripe(steps: list[int]) -> None:
    """However long nobody watched, or the clock went back; what moves is judged anew beside."""
    judged_to: int | None = None
    last = 1_000
    found: dict[str, list[int]] = {kpi.name: [] for kpi in RIPENING}
    for step in [*steps, *[0] * 40]:
        last += step - 2 if step < 2 else step
        for day, kpis in turns(RIPENING, judged_to, last, ()).items():
            for kpi in kpis:
                assert day + kpi.ripe_days <= last
                found[kpi.name].append(day)
        judged_to = judged_up_to(judged_to, last)
    for kpi in RIPENING:
        days = found[kpi.name]
        assert days == [*range(days[0], days[0] + len(days))]
        assert days[-1] + kpi.ripe_days == judged_to


def test_what_moves_is_judged_anew_for_a_week_from_when_it_is_ripe() -> None:
    ces, rate = KPIS["ces"], KPIS["response_rate"]
    moved = {100, 99, 94, 93, 92, 87, 86}
    found = turns([ces, rate], 100, 100, moved)
    assert found == {87: [rate], 92: [rate], 93: [rate], 94: [ces], 99: [ces], 100: [ces]}
    assert AGAIN_DAYS == rate.ripe_days == 7
    assert turns([ces, rate], None, None, moved) == {}


def test_a_lift_is_ripe_once_who_could_buy_has_or_has_not() -> None:
    assert KPIS["outreach_lift"].ripe_days == BOUGHT_DAYS
    assert "ripe 30 days later" in KPIS["outreach_lift"].text
    assert "ripe" not in KPIS["nps"].text
