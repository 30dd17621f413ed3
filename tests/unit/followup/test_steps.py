"""Rules with steps: messages one after another, waits, branches, and what ends them."""

from datetime import datetime, timedelta

import pytest

from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSent, OutreachSuppressed
from shared.schemas.purchases import SubscriptionCancelled

from .driver import DAY, HOUR, NOON, Driver, granted, profile, purchase, started, written
from .hearing import reasons


def rule(
    steps: str, more: str = "", trigger: str = "subscription.started", delay: str = "delay: 1h, "
) -> str:
    return f"$HEAD\nrules:\n  - {{name: hello, triggers: [{trigger}], {delay}steps: [{steps}]{more}}}"


TWO = "{send: welcome}, {wait: 2d}, {send: thank-you, name: again}"


def known(text: str, *, instant: bool = True, **told: str) -> Driver:
    text = text.replace("thank-you", "win-back") if "order_id" not in text else text
    driver = Driver(policy=written(text), instant=instant)
    driver.event(profile(**told))
    driver.event(granted())
    return driver


def said(driver: Driver) -> list[tuple[str, datetime]]:
    return [(m["step"], m["at"]) for m in driver.sent]


def begun(text: str, **told: str) -> Driver:
    driver = known(text, **told)
    driver.event(started())
    return driver


# --- one after another


def test_steps_go_one_after_another() -> None:
    driver = begun(rule(TWO))
    assert not driver.emitted  # it has not begun
    driver.after(HOUR)
    assert said(driver) == [("1", NOON + HOUR)]
    assert [e.step for e in driver.facts(OutreachScheduled)] == ["1", "again"]
    assert driver.facts(OutreachScheduled)[1].due_at == NOON + HOUR + 2 * DAY
    assert driver.statuses() == ["sent", "scheduled"]
    driver.after(5 * DAY)
    assert said(driver) == [("1", NOON + HOUR), ("again", NOON + HOUR + 2 * DAY)]
    assert [e.step for e in driver.facts(OutreachSent)] == ["1", "again"]
    assert not driver.timers
    assert not driver.state.journeys


def test_the_next_step_counts_from_the_decision() -> None:
    """The first waits for the morning, and so the second is two days after that morning."""
    text = rule(TWO).replace("rules:", 'quiet_hours: {from: "10:00", to: "20:00"}\nrules:')
    driver = begun(text)
    driver.after(9 * DAY)
    assert [at for _, at in said(driver)] == [NOON + 8 * HOUR, NOON + 8 * HOUR + 2 * DAY]


def test_a_step_that_is_refused_does_not_end_the_way() -> None:
    driver = begun(rule(TWO))
    driver.event(granted(word=False))
    driver.after(DAY)
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]
    driver.event(granted())
    driver.after(3 * DAY)
    assert [step for step, _ in said(driver)] == ["again"]


def test_until_a_time_of_day_where_the_customer_lives() -> None:
    steps = '{wait_until: "09:00"}, {send: welcome}, {wait_until: "09:00"}, {send: win-back}'
    driver = begun(rule(steps), timezone="Asia/Tokyo")
    driver.after(2 * DAY)
    assert [at for _, at in said(driver)] == [NOON + 12 * HOUR, NOON + 12 * HOUR]


WAITING = "{send: welcome}, {wait_for: {event: purchase.made, at_most: 7d}}, {send: win-back}"


@pytest.mark.parametrize(("bought", "went"), [(3, 3), (7, 7), (8, 7), (None, 7)])
def test_an_event_is_waited_for_and_not_too_long(bought: int | None, went: int) -> None:
    driver = begun(rule(WAITING))
    driver.after(HOUR)
    start = driver.now
    if bought is not None:
        driver.until(start + bought * DAY)
        if bought <= 7:
            driver.event(purchase())
    driver.after(10 * DAY)
    assert [at for _, at in said(driver)] == [start, start + went * DAY]
    assert not driver.timers


def test_what_is_waited_for_counts_from_when_the_step_is_reached() -> None:
    driver = known(rule(WAITING))
    driver.event(purchase("before"))
    driver.event(started())
    driver.event(purchase("in-the-hour"))
    driver.after(10 * DAY)
    assert [at for _, at in said(driver)] == [NOON + HOUR, NOON + HOUR + 7 * DAY]


def test_an_event_heard_late_that_came_in_time_counts_while_it_waits() -> None:
    driver = begun(rule(WAITING))
    driver.after(3 * DAY)
    driver.event(purchase(), at=NOON + DAY)
    driver.after(DAY)
    assert len(driver.sent) == 2


BRANCH = (
    "{wait: 1d}, {branch: {if: 'profile.locale == \"de\"', "
    "then: [{send: welcome, name: german}], else: [{send: win-back, name: other}, {wait: 1d}]}}, "
    "{send: win-back, name: all}"
)


@pytest.mark.parametrize(("locale", "names"), [("de", ["german", "all"]), ("en", ["other", "all"])])
def test_a_branch_is_decided_when_it_is_reached(locale: str, names: list[str]) -> None:
    driver = begun(rule(BRANCH))
    driver.event(CustomerUpdated(locale=locale))
    driver.after(9 * DAY)
    assert [step for step, _ in said(driver)] == names
    assert said(driver)[-1][1] == NOON + HOUR + DAY + (0 if locale == "de" else 1) * DAY


def test_a_branch_asks_the_trigger_too() -> None:
    branch = "{branch: {if: 'trigger.total.amount > 500', then: [{send: welcome}], else: [{send: win-back}]}}"
    driver = known(rule(branch, ", for_each: order_id", "purchase.made"))
    driver.event(purchase("1", cents=400))
    driver.event(purchase("2", cents=600))
    driver.after(DAY)
    assert sorted(m["template"] for m in driver.sent) == ["welcome", "win-back"]


# --- what ends them


def test_a_goal_ends_the_way_and_cancels_what_is_planned() -> None:
    driver = begun(rule(TWO, ", goal: {event: purchase.made, within: 9d}"))
    driver.after(DAY)
    driver.event(purchase())
    (told,) = driver.facts(OutreachCancelled)
    assert (told.reason, told.step) == ("goal_reached", "again")
    assert not driver.timers
    driver.after(9 * DAY)
    assert len(driver.sent) == 1
    assert driver.statuses() == ["sent", "cancelled"]


@pytest.mark.parametrize("first", ["goal", "trigger"])
def test_a_goal_before_the_begin_and_after_the_trigger_begins_nothing(first: str) -> None:
    driver = known(rule(TWO, ", goal: {event: purchase.made, within: 9d}"))
    facts = [(purchase(), NOON - 20 * timedelta(minutes=1)), (started(), NOON - 30 * timedelta(minutes=1))]
    for data, at in facts if first == "goal" else facts[::-1]:
        driver.event(data, at=at)
    driver.after(9 * DAY)
    (fact,) = driver.facts(OutreachSuppressed)
    assert (fact.reason, fact.step, len(driver.emitted)) == ("goal_reached", "1", 1)


def test_a_goal_before_the_trigger_means_nothing() -> None:
    driver = known(rule(TWO, ", goal: {event: purchase.made, within: 9d}"))
    driver.event(purchase(), at=NOON - HOUR)
    driver.event(started())
    driver.after(9 * DAY)
    assert len(driver.sent) == 2


def test_a_cancelling_event_ends_the_way() -> None:
    more = ", for_each: subscription_id, cancel_on: [subscription.cancelled]"
    driver = begun(rule(TWO, more))
    driver.after(DAY)
    driver.event(SubscriptionCancelled(subscription_id="other"))
    assert driver.state.journeys
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]
    assert not driver.timers
    driver.after(9 * DAY)
    assert len(driver.sent) == 1


def test_a_cancelling_event_ends_one_that_waits() -> None:
    driver = begun(rule(WAITING, ", cancel_on: [subscription.cancelled]"))
    driver.after(DAY)
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    assert not driver.timers
    assert not driver.state.journeys


def test_what_is_with_the_sender_is_taken_back_too() -> None:
    driver = known(rule(TWO, ", goal: {event: purchase.made, within: 9d}"), instant=False)
    driver.event(started())
    driver.after(2 * HOUR)
    driver.event(purchase())
    assert sorted(reasons(driver, OutreachCancelled)) == ["goal_reached", "goal_reached"]
    driver.deliver("failed")
    assert not driver.sent


def test_erasure_ends_it() -> None:
    for hours in (0, 2):
        driver = begun(rule(WAITING))
        driver.after(hours * HOUR)
        driver.event(CustomerErased())
        assert not driver.timers
        assert not driver.state.journeys


# --- one at a time


def test_a_trigger_on_the_way_begins_nothing_and_one_after_it_does() -> None:
    driver = begun(rule(TWO))
    driver.after(DAY)
    driver.event(started("s-2", NOON + 300 * DAY))
    driver.after(5 * DAY)
    assert len(driver.sent) == 2
    driver.event(started("s-3", NOON + 200 * DAY))
    driver.after(5 * DAY)
    assert len(driver.sent) == 4


def test_of_several_things_each_has_its_way() -> None:
    driver = begun(rule(TWO, ", for_each: subscription_id"))
    driver.after(DAY)
    driver.event(started("s-2"))
    driver.after(9 * DAY)
    assert [step for step, _ in said(driver)] == ["1", "1", "again", "again"]


def test_an_interval_is_between_ways_and_not_between_steps() -> None:
    driver = begun(rule(TWO, ", at_most_one_in: 30d"))
    driver.after(5 * DAY)
    assert len(driver.sent) == 2
    driver.event(started("s-2"))
    driver.after(5 * DAY)
    assert len(driver.sent) == 2


def test_one_that_begins_too_late_is_told_and_ends() -> None:
    driver = begun(rule(TWO))
    driver.now = NOON + 20 * DAY
    driver.after(9 * DAY)
    assert [(e.reason, e.step) for e in driver.facts(OutreachSuppressed)] == [("stale", "1")]
    assert not driver.state.journeys
    assert not driver.timers


def test_a_silence_has_steps_and_a_new_event_ends_them() -> None:
    trigger = "{silence: purchase.made, for: 20d}"
    driver = known(rule(TWO, "", trigger, ""))
    driver.event(purchase("1"))
    driver.after(21 * DAY)
    assert len(driver.sent) == 1
    driver.event(purchase("2"))
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]
    driver.after(50 * DAY)
    assert [at for _, at in said(driver)][1:] == [NOON + 41 * DAY, NOON + 43 * DAY]


def test_a_date_has_steps_and_its_change_ends_them() -> None:
    trigger = "{date: profile.birthday}"
    driver = known(rule(TWO, "", trigger, ""), birthday="--03-10")
    driver.until(NOON + 9 * DAY)
    assert len(driver.sent) == 1
    driver.event(CustomerUpdated(birthday="--10-10"))
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]


def test_a_changed_version_does_not_change_a_way() -> None:
    after = rule("{send: win-back}").replace("$HEAD", "\n---\n$HEAD\neffective: 2026-03-03")
    driver = begun(rule(TWO) + after)
    driver.after(9 * DAY)
    assert [step for step, _ in said(driver)] == ["1", "again"]
    driver.event(started("s-2"))
    driver.after(DAY)
    assert said(driver)[-1][0] == "1"
