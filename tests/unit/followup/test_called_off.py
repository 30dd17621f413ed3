"""A message that has not gone is called off by its goal: what it is for has happened."""

from datetime import timedelta
from itertools import permutations

import pytest

from shared.schemas.outreach import OutreachCancelled
from shared.schemas.purchases import SubscriptionRenewed

from .driver import DAY, HOUR, NOON, opened, purchase, reopened, solved, started
from .hearing import reasons
from .test_goals import GOAL, goals, known, rule


def test_what_is_planned_is_called_off_by_its_goal() -> None:
    driver = known(rule(GOAL))
    driver.event(started())
    driver.after(timedelta(minutes=10))
    driver.event(purchase())
    assert reasons(driver, OutreachCancelled) == ["goal_reached"]
    driver.after(DAY)
    assert not driver.sent
    assert not goals(driver), "no message brought it about"
    assert not driver.timers


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_goal_calls_off_in_whatever_order_it_is_heard(order: tuple[int, ...]) -> None:
    """One from before the trigger does not; one after it does, heard before it or after."""
    driver = known(rule(f"{GOAL}, at_most_one_in: 30d"), instant=False)
    told = [
        (started("s-1"), NOON - 2 * HOUR),
        (purchase(), NOON - HOUR),
        (started("s-2"), NOON - timedelta(minutes=30)),
    ]
    for number in order:
        data, at = told[number]
        driver.event(data, at=at)
    driver.after(DAY)
    driver.deliver()
    assert [(m["status"], m["due_at"]) for m in driver.sent] == [("ready", NOON + timedelta(minutes=30))]


def test_a_goal_about_one_thing_calls_off_nothing_about_another() -> None:
    goal = "for_each: complaint_id, goal: {event: complaint.reopened, within: 9d}"
    driver = known(rule(goal, "complaint.resolved", "complaint-check, variables: [complaint_id]"))
    for id in ("k-1", "k-2"):
        driver.event(opened(id))
        solved(driver, id)
    driver.after(timedelta(minutes=10))
    driver.event(reopened("k-2"))
    driver.after(DAY)
    assert [("k-1" in m["text"], "k-2" in m["text"]) for m in driver.sent] == [(True, False)]


def test_what_is_with_the_sender_is_taken_back_by_its_goal() -> None:
    driver = known(rule(GOAL), instant=False)
    driver.event(started())
    driver.after(2 * HOUR)
    driver.event(purchase())
    assert driver.statuses() == ["cancelled"]
    assert driver.deliver() == 0


def test_who_waits_behind_what_was_called_off_has_its_turn() -> None:
    """The goal is about the first alone, so the second goes."""
    goal = "for_each: subscription_id, at_most_one_in: 30d, goal: {event: subscription.renewed, within: 9d}"
    driver = known(rule(goal))
    driver.event(started("s-1"))
    driver.after(timedelta(minutes=10))
    driver.event(started("s-2"))
    driver.after(timedelta(minutes=10))
    renewed = SubscriptionRenewed.model_validate(started("s-1", NOON + 700 * DAY).model_dump())
    driver.event(renewed)
    driver.after(DAY)
    assert [m["due_at"] for m in driver.sent] == [NOON + HOUR + timedelta(minutes=10)]
