"""Rewards that are given, and not bought, are nothing that a member has done."""

from datetime import timedelta

import pytest

from shared.schemas.loyalty import PointsExpiring

from .driver import DAY, HOUR, NOON, Driver, reachable, reward
from .test_program import issued


@pytest.mark.parametrize("given", [{"occasion": "birthday"}, {"complaint_id": "k-1"}])
def test_a_reward_that_is_given_takes_no_points_and_calls_nothing_off(given: dict[str, str]) -> None:
    driver = reachable(Driver())
    driver.event(reward())
    driver.after(HOUR)
    driver.event(issued().model_copy(update=given))
    driver.after(3 * DAY)
    assert [message["rule"] for message in driver.sent] == ["reward-available"]


def test_a_present_leaves_the_word_on_points_that_expire() -> None:
    """It waits for the morning when the present comes."""
    driver = reachable(Driver(now=NOON + 10 * HOUR))
    ends = NOON + 20 * DAY
    driver.event(PointsExpiring(points=5, expires_at=ends, last_at=ends, balance=9))
    driver.event(issued().model_copy(update={"occasion": "birthday"}))
    driver.after(timedelta(hours=12))
    assert [message["rule"] for message in driver.sent] == ["points-expiring"]
    bought = reachable(Driver(now=NOON + 10 * HOUR))
    bought.event(PointsExpiring(points=5, expires_at=ends, last_at=ends, balance=9))
    bought.event(issued())
    bought.after(timedelta(hours=12))
    assert not bought.sent
