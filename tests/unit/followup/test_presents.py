"""Rewards that are given, and not bought, are nothing that a member has done."""

from datetime import timedelta

import pytest

from shared.schemas.base import Data
from shared.schemas.customers import CustomerUpdated
from shared.schemas.insights import SegmentChanged
from shared.schemas.loyalty import MemberEnrolled, PointsExpiring
from shared.schemas.teams import TaskOpened

from .driver import DAY, HOUR, NOON, Driver, granted, reachable, reward
from .shop import ada
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


@pytest.mark.parametrize("by_profile", [True, False])
def test_the_loyal_are_surprised_once_a_year(by_profile: bool) -> None:
    def counted_to(segment: str) -> Data:
        return CustomerUpdated(segment=segment) if by_profile else SegmentChanged(to=segment)

    driver = ada()
    driver.event(MemberEnrolled(channel="store"), at=NOON - 400 * DAY)
    for month in range(3):
        driver.event(counted_to("loyal"))
        driver.after(30 * DAY)
        driver.event(counted_to("at risk"))
        driver.until(NOON + (month + 1) * 60 * DAY)
    [task] = driver.facts(TaskOpened)
    assert (task.kind, task.customer_id, task.due_at) == ("letter", "c-1", NOON + 3 * DAY)
    assert "put it by at the till with a small present" in task.text
    assert {message["rule"] for message in driver.sent} <= {"anniversary"}, "nothing is promised to them"
    refuses = ada()
    refuses.event(MemberEnrolled(channel="store"), at=NOON - 400 * DAY)
    refuses.event(granted(channel="mail", purpose="service", word=False))
    refuses.event(counted_to("loyal"))
    refuses.after(2 * DAY)
    assert not refuses.facts(TaskOpened)
    late = ada()  # heard at night, of yesterday
    late.event(MemberEnrolled(channel="store"), at=NOON - 400 * DAY)
    late.until(NOON + 14 * HOUR)
    late.event(counted_to("loyal"), at=late.now - 23 * HOUR)
    late.after(2 * DAY)
    assert len(late.facts(TaskOpened)) == 1
    stranger = ada()
    stranger.event(counted_to("loyal"))
    stranger.after(2 * DAY)
    assert not stranger.facts(TaskOpened)
