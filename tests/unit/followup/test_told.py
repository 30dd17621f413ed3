"""Whatever a rule would have said comes to an end that is told: nothing is dropped without a word."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.standing import MOST_WAITING
from shared.schemas.customers import CustomerUpdated
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.outreach import OutreachCancelled, OutreachSent, OutreachSuppressed
from tests.examples import examples

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    profile,
    purchase,
    reachable,
    returned,
    written,
)
from .gated import driven, rule, told
from .test_book import book_of

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ONCE = rule(every=False, for_each="order_id", at_most_one_in="10d", delay="2h")


def balanced(driver: Driver) -> None:
    assert not [account for account in book_of(driver).values() if account.difference]


def test_one_within_the_interval_says_what_is_against_it_and_until_when() -> None:
    driver = driven(ONCE)
    driver.event(purchase("o-1"))
    driver.after(3 * HOUR)
    driver.event(purchase("o-2"))
    (sent,) = driver.sent
    assert told(driver) == [("duplicate", ("duplicate",), sent["at"] + 10 * DAY)]
    (row,) = [row for row in driver.rows.values() if row["status"] == "suppressed"]
    assert (row["reason"], row["error"]) == ("duplicate", "bought goes once in 10d")
    balanced(driver)


def test_what_is_against_it_before_that_is_the_reason() -> None:
    driver = driven(ONCE)
    driver.event(purchase("o-1"))
    driver.after(3 * HOUR)
    driver.event(granted(word=False))
    driver.event(opened())
    driver.event(purchase("o-2"))
    assert told(driver) == [("no_consent", ("no_consent", "open_complaint", "duplicate"), None)]


def test_what_stood_behind_one_that_went_is_told() -> None:
    driver = driven(ONCE)
    for number in range(3):
        driver.event(purchase(f"o-{number}"))
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1
    assert [reason for reason, _, _ in told(driver)] == ["duplicate"] * 2
    balanced(driver)


def test_what_has_its_turn_and_meets_the_same_reason_is_told() -> None:
    driver = driven(ONCE)
    driver.event(granted(word=False))
    for number in range(3):
        driver.event(purchase(f"o-{number}"))
    driver.after(3 * HOUR)
    assert [reason for reason, _, _ in told(driver)] == ["no_consent"] * 3
    balanced(driver)


def test_what_came_of_the_same_while_it_was_planned() -> None:
    driver = driven(rule(every=False, delay="2h"))
    for number in range(2):
        driver.event(purchase(f"o-{number}"), at=NOON - number * MINUTE)
    driver.after(3 * HOUR)
    (sent,) = driver.sent
    (fact,) = driver.facts(OutreachSuppressed)
    assert (fact.reason, fact.detail, fact.next_at) == ("duplicate", f"{sent['_id']} has said it", None)
    balanced(driver)


def test_more_than_wait_at_once() -> None:
    driver = driven(ONCE)
    for number in range(MOST_WAITING + 3):
        driver.event(purchase(f"o-{number}"))
    assert [reason for reason, _, _ in told(driver)] == ["duplicate"] * 2
    driver.after(3 * HOUR)
    assert len(told(driver)) == MOST_WAITING + 2
    balanced(driver)


@pytest.mark.parametrize(("days", "reasons"), [(2, []), (5, ["stale"]), (32, ["stale"]), (34, [])])
def test_one_that_is_heard_too_late_is_told_and_history_is_not(days: int, reasons: list[str]) -> None:
    driver = driven(rule())
    driver.event(purchase(), at=driver.now - days * DAY)
    driver.after(HOUR)
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == reasons
    assert len(driver.sent) == (days == 2)


def test_one_that_is_undone_before_it_is_heard_was_none() -> None:
    driver = driven(
        rule(every=False, for_each="order_id", cancel_on=["purchase.returned"], at_most_one_in="9d")
    )
    driver.event(purchase("o-1"))
    driver.event(returned("o-2"))
    driver.event(purchase("o-2"))
    driver.after(HOUR)
    assert (len(driver.sent), told(driver)) == (1, [])


def test_a_trigger_under_way_begins_no_other_way_and_that_is_told() -> None:
    steps = [{"send": "plain"}, {"wait": "2d"}, {"send": "news"}]
    walk = rule(every=False, steps=steps)
    del walk["template"]
    driver = driven(walk)
    driver.event(purchase("o-1"))
    driver.after(HOUR)
    driver.event(purchase("o-2"))
    driver.after(3 * DAY)
    (fact,) = driver.facts(OutreachSuppressed)
    assert (fact.reason, fact.detail, fact.step) == ("duplicate", "bought is under way", "1")
    assert len(driver.sent) == 2
    balanced(driver)


def test_a_quiet_time_that_waited_for_the_morning_and_ends_is_told() -> None:
    driver = reachable(Driver(now=NOON + 10 * HOUR))
    driver.event(purchase("o-1"))
    driver.until(driver.now + 60 * DAY)
    assert driver.state.planned
    driver.event(purchase("o-2"))
    (fact,) = [one for one in driver.facts(OutreachCancelled) if one.rule == "win-back"]
    assert fact.reason == "goal_reached"
    balanced(driver)


def test_a_rule_that_is_gone_is_told_of_what_waits() -> None:
    driver = driven(ONCE, rule("other"))
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"))
    assert len(driver.state.waiting) == 1
    driver.policy = driven(rule("other")).policy
    driver.event(profile(), id="again")
    assert [reason for reason, _, _ in told(driver)] == ["condition_unmet"]
    balanced(driver)


WAYS = """$HEAD
quiet_hours: {from: "21:00", to: "08:00"}
frequency_cap: {max: 2, per: 10d}
rules:
  - {name: each, triggers: [purchase.made], every: true, delay: 1h, template: news, variables: []}
  - {name: spaced, triggers: [purchase.made], for_each: order_id, delay: 2h, at_most_one_in: 4d,
     cancel_on: [purchase.returned], template: thank-you}
  - {name: one, triggers: [purchase.made], delay: 5h, template: welcome, priority: 3}
  - {name: walk, triggers: [purchase.made], delay: 1h, goal: {event: survey.answered, within: 9d},
     steps: [{send: welcome}, {wait: 1d}, {send: win-back}]}
  - {name: lapse, triggers: [purchase.made], restart: true, delay: 3d, template: win-back}
""".replace("template: news, variables: []", "template: thank-you")
STEP = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 3, 10, 30, 100])),
    st.tuples(st.just("buy"), st.sampled_from([0, 0, 1, 5, 50, 100])),
    st.tuples(st.just("back"), st.integers(0, 6)),
    st.tuples(st.just("word"), st.booleans()),
    st.tuples(st.sampled_from(["deliver", "fail", "answer"]), st.just(0)),
)


def play(steps: list[tuple[str, Any]]) -> tuple[Driver, int]:
    """What has been heard, and how many triggers there were that nothing undid."""
    driver = reachable(Driver(policy=written(WAYS), instant=False))
    bought = 0
    for what, value in [*steps, ("wait", 30 * 24), ("deliver", 0), ("wait", 24 * 30), ("deliver", 0)]:
        match what:
            case "wait":
                driver.after(value * HOUR)
            case "buy":
                driver.event(purchase(f"o-{bought}"), at=driver.now - value * HOUR - bought * SECOND)
                bought += 1
            case "back":
                driver.event(returned(f"o-{value}", f"r-{value}"), id=f"back-{bought}-{value}")
            case "word":
                driver.event(granted(word=value))
            case "deliver":
                while driver.deliver():
                    pass
            case "fail":
                driver.deliver("failed", "550 no")
            case "answer":
                driver.event(SurveyAnswered.model_validate({"survey": "csat", "score": 3}))
    return driver, bought


@given(st.lists(STEP, max_size=14))
@settings(max_examples=examples(150), deadline=None)
def test_each_trigger_comes_to_an_end_that_is_told(steps: list[tuple[str, Any]]) -> None:
    driver, bought = play(steps)
    assert not driver.state.planned
    assert not driver.state.waiting
    balanced(driver)
    ends = Counter(row["rule"] for row in driver.rows.values())
    assert ends["each"] == bought
    # One that lost its place and got it again later has both told of; one that was undone may be none.
    undone = {value for what, value in steps if what == "back"}
    assert ends["spaced"] >= bought - len(undone)
    assert ends["one"] >= bought
    assert ends["walk"] >= bought
    facts: Any = (OutreachSent, OutreachSuppressed, OutreachCancelled)
    named = Counter(fact.outreach_id for kind in facts for fact in driver.facts(kind))
    assert {row["_id"] for row in driver.rows.values() if row["status"] != "failed"} <= named.keys()


def test_dates_that_were_put_right_say_what_waited() -> None:
    born = rule("born", triggers=[{"date": "profile.birthday", "at": "09:00"}], every=False)
    driver = driven(born, quiet_hours={"from": "06:00", "to": "11:00"})
    day: datetime = driver.now + DAY
    driver.event(CustomerUpdated(birthday=f"--{day:%m-%d}"))
    driver.until(day.replace(hour=10))
    driver.event(CustomerUpdated(birthday="--11-11"))
    assert [fact.reason for fact in driver.facts(OutreachCancelled)] == ["condition_unmet"]
    balanced(driver)
