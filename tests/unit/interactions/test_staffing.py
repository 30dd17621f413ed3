"""How many people an hour calls for: by published tables of Erlang C, and by what came."""

from datetime import UTC, datetime, timedelta
from math import exp, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.growth.erlang import manned, needed, waiting
from services.interactions.domain.growth.policy import Staffing
from services.interactions.domain.growth.staffing import Arrivals, staffing

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
LEVEL = {"service_level": 0.8, "within_s": 20.0}


def hour(time: datetime) -> int:
    return int(time.timestamp()) // 3600


@pytest.mark.parametrize(
    ("agents", "load", "waits"),
    # Gross and Harris, "Fundamentals of Queueing Theory": M/M/c, the probability of waiting.
    [(1, 0.5, 0.5), (2, 1, 0.3333), (3, 2, 0.4444), (5, 4, 0.5541), (10, 8, 0.4092)],
)
def test_the_probability_of_waiting_is_that_of_the_tables(agents: int, load: float, waits: float) -> None:
    assert waiting(agents, load) == pytest.approx(waits, abs=5e-5)


def test_the_worked_example_that_is_cited_most() -> None:
    """360 calls in half an hour of 240 s each, 55 agents: 0.239 wait, 84.5 % are answered within 15 s."""
    found = manned(55, 360 / 1800 * 240, 240, 15)
    assert found.waits == pytest.approx(0.239, abs=5e-4)
    assert found.service_level == pytest.approx(0.845, abs=1e-3)
    assert found.occupancy == pytest.approx(0.873, abs=5e-4)


def test_ten_erlangs_take_fourteen_people() -> None:
    """200 calls an hour of 180 s, 80 % in 20 s: with 13 it is 79.6 %, with 14 it is 88.8 %."""
    assert manned(13, 10, 180, 20).service_level == pytest.approx(0.796, abs=5e-4)
    found = needed(10, 180, **LEVEL)
    assert (found.agents, found.service_level) == (14, pytest.approx(0.888, abs=5e-4))


@given(st.integers(1, 60), st.floats(0.01, 1.2))
def test_it_is_the_formula(agents: int, busy: float) -> None:
    load = agents * busy
    top = load**agents / factorial(agents) * agents / (agents - load) if load < agents else 0.0
    below = sum(load**n / factorial(n) for n in range(agents))
    assert waiting(agents, load) == pytest.approx(top / (below + top) if load < agents else 1.0)


@settings(deadline=None)
@given(st.floats(0.001, 3_000), st.floats(1, 7_200), st.floats(0.01, 0.999), st.floats(0, 3_600))
def test_the_fewest_that_hold_the_level(load: float, handle: float, level: float, within: float) -> None:
    found = needed(load, handle, service_level=level, within_s=within, max_occupancy=0.9)
    assert found.service_level >= level
    assert found.occupancy <= 0.9
    assert found == pytest.approx(manned(found.agents, load, handle, within), rel=1e-6, abs=1e-9)
    fewer = manned(found.agents - 1, load, handle, within)
    assert fewer.service_level < level or fewer.occupancy > 0.9


def test_nothing_to_do_takes_nobody() -> None:
    assert needed(0, 180, **LEVEL).agents == 0
    assert waiting(0, 0) == 0
    assert manned(0, 1, 60, 60).service_level == 0
    assert exp(0) == 1


def policy(**fields: object) -> Staffing:
    given = {"within": "0m", "max_occupancy": 1, "shrinkage": 0, "handle_time": {"phone": "3m"}, "weeks": 2}
    return Staffing.model_validate(given | fields)


def test_hours_of_the_week_by_the_mean_of_the_weeks() -> None:
    told = [Arrivals(hour(MONDAY - timedelta(weeks=w, hours=-9)), {"phone": 100 * w}) for w in (1, 2)]
    (cell,) = staffing(policy(), told, MONDAY)
    assert (cell.weekday, cell.hour, cell.arrivals, cell.load) == (0, 9, 150, 7.5)
    assert cell.agents == needed(7.5, 180, service_level=0.8, within_s=0).agents


def test_the_hour_that_has_begun_and_what_is_older_do_not_count() -> None:
    nine = hour(MONDAY) + 9
    told = [Arrivals(at, {"phone": 5}) for at in (nine, nine - 2 * 168 - 1)]
    assert staffing(policy(), told, MONDAY + timedelta(hours=9, minutes=30)) == ()
    (cell,) = staffing(policy(), told, MONDAY + timedelta(hours=10))
    assert (cell.hour, cell.arrivals) == (9, 5)


def test_a_team_that_is_younger_than_the_weeks() -> None:
    told = [Arrivals(hour(MONDAY) - 3, {"phone": 30})]
    (cell,) = staffing(policy(weeks=26), told, MONDAY)
    assert cell.arrivals == 30


def test_hours_are_those_of_the_team_whatever_the_season() -> None:
    summer, winter = datetime(2026, 7, 6, 7, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)
    told = [Arrivals(hour(summer), {"phone": 7}), Arrivals(hour(winter), {"phone": 7})]
    berlin = policy(weeks=26, timezone="Europe/Berlin")
    (cell,) = staffing(berlin, told, winter + timedelta(days=1))
    assert (cell.weekday, cell.hour) == (0, 9)


def test_channels_have_their_own_work_and_paid_time_is_more() -> None:
    told = [Arrivals(hour(MONDAY) - 1, {"phone": 10, "chat": 20, "web": 6})]
    given = policy(handle_time={"phone": "3m", "chat": "9m"}, shrinkage=0.5, within="5m", weeks=1)
    (cell,) = staffing(given, told, MONDAY)
    assert cell.load == pytest.approx((10 * 3 + 20 * 9 + 6 * 6) / 60)
    assert cell.scheduled == 2 * cell.agents
    assert cell.occupancy == pytest.approx(cell.load / cell.agents)
