"""What messages are for: told once of each that went in time; and who gets which variant, and who none."""

from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.config import parse_versions
from services.followup.domain.journeys.arms import arm_of
from shared.runtime.config import ConfigError
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.outreach import (
    OutreachGoalReached,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from tests.examples import examples

from .driver import (
    DAY,
    HEAD,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    profile,
    purchase,
    reopened,
    solved,
    started,
    written,
)
from .hearing import reasons
from .test_histories import answer


def rule(more: str, trigger: str = "subscription.started", template: str = "welcome", head: str = "") -> str:
    body = f"name: hello, triggers: [{trigger}], delay: 1h, template: {template}, {more}"
    return f"$HEAD{head}\nrules:\n  - {{{body}}}"


GOAL = "goal: {event: purchase.made, within: 14d}"


def known(text: str, *, instant: bool = True, customer: str = "c-1") -> Driver:
    driver = Driver(policy=written(text), instant=instant, customer=customer)
    driver.event(profile())
    driver.event(granted())
    return driver


def goals(driver: Driver) -> list[OutreachGoalReached]:
    return driver.facts(OutreachGoalReached)


def test_a_goal_in_time_is_told_once() -> None:
    driver = known(rule(GOAL))
    driver.event(started())
    driver.after(DAY)
    driver.event(purchase("1"))
    driver.event(purchase("2"))
    (told,) = goals(driver)
    assert (told.outreach_id, told.rule, told.goal) == (driver.sent[0]["_id"], "hello", "purchase.made")


@pytest.mark.parametrize(
    ("at", "reached"),
    [
        (-HOUR, False),
        (timedelta(0), False),
        (timedelta(microseconds=1), True),
        (14 * DAY, True),
        (14 * DAY + timedelta(microseconds=1), False),
    ],
)
def test_the_limit_counts_from_the_sending(at: timedelta, reached: bool) -> None:
    driver = known(rule(GOAL))
    driver.event(started())
    driver.after(15 * DAY)
    went = driver.sent[0]["at"]
    driver.event(purchase(), at=went + at)
    assert bool(goals(driver)) == reached


def test_a_goal_counts_for_each_message_that_went_in_time() -> None:
    driver = known(rule(f"{GOAL}, for_each: subscription_id"))
    for number in range(3):
        driver.event(started(f"s-{number}"))
        driver.after(6 * DAY)
    driver.event(purchase())
    assert [told.outreach_id for told in goals(driver)] == [m["_id"] for m in driver.sent[1:]]


def test_a_goal_about_the_same_thing_alone() -> None:
    goal = "for_each: complaint_id, goal: {event: complaint.reopened, within: 9d}"
    driver = known(rule(goal, "complaint.resolved", "complaint-check, variables: [complaint_id]"))
    for id in ("k-1", "k-2"):
        driver.event(opened(id))
        solved(driver, id)
    driver.after(DAY)
    driver.event(reopened("k-2"))
    (told,) = goals(driver)
    assert "k-2" in next(m["text"] for m in driver.sent if m["_id"] == told.outreach_id)


def test_a_goal_has_its_condition() -> None:
    driver = known(rule("goal: {event: survey.answered, when: {survey: nps, score: 10}, within: 9d}"))
    driver.event(started())
    driver.after(DAY)
    driver.event(answer(9, "1"))
    assert not goals(driver)
    driver.event(answer(10, "2"))
    assert len(goals(driver)) == 1


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_report_and_goal_in_any_order(order: tuple[int, ...]) -> None:
    """The sender's report may be heard after the purchases that follow the message, or after one that would
    have taken it back."""
    driver = known(rule(GOAL), instant=False)
    driver.event(started())
    driver.after(2 * HOUR)
    went = driver.now
    (outreach_id,) = driver.rows
    report = DeliveryReported(outreach_id=outreach_id, status="sent", attempt=1)
    steps = [
        lambda: driver.event(report, at=went),
        lambda: driver.event(purchase("1"), at=went - timedelta(minutes=30)),
        lambda: driver.event(purchase("2"), at=went + timedelta(minutes=30)),
    ]
    for number in order:
        steps[number]()
    assert len(goals(driver)) == 1


def test_what_did_not_go_reaches_nothing() -> None:
    driver = known(rule(GOAL))
    driver.event(granted(word=False))
    driver.event(started())
    driver.after(DAY)
    driver.event(purchase())
    assert not goals(driver)


# --- variants and holdout


HALVES = "variants: [{name: a, share: 0.5}, {name: b, share: 0.5, template: win-back}]"


def course(text: str, customer: str) -> Driver:
    driver = known(text, customer=customer)
    driver.event(started())
    driver.after(2 * HOUR)
    return driver


def test_a_variant_is_the_same_for_ever_and_told() -> None:
    found = {}
    for number in range(12):
        driver = course(rule(HALVES), f"c-{number}")
        (message,) = driver.sent
        variant = message["variant"]
        assert message["template"] == {"a": "welcome", "b": "win-back"}[variant]
        assert [e.variant for e in driver.facts(OutreachScheduled)] == [variant]
        assert [e.variant for e in driver.facts(OutreachSent)] == [variant]
        found[f"c-{number}"] = variant
        assert course(rule(HALVES), f"c-{number}").sent[0]["variant"] == variant
    assert set(found.values()) == {"a", "b"}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9))
@settings(max_examples=examples(20), deadline=None)
def test_shares_are_kept_and_holdouts_are_apart(weights: list[int]) -> None:
    total = 1_000_000 * sum(weights)
    shares = [round(weight / total * 1e6 * 1e6) / 1e6 for weight in weights]
    shares[-1] = round(1 - sum(shares[:-1]), 6)
    if min(shares) <= 0 or len(shares) == 1:
        return
    variants = ", ".join(f"{{name: v{n}, share: {share:.6f}}}" for n, share in enumerate(shares))
    rules = written(rule(f"variants: [{variants}], holdout: 0.2")).rules
    found = Counter(arm_of(rules, rules.rules[0], f"person-{n}") for n in range(4000))
    assert abs(found["holdout"] / 4000 - 0.2) < 0.04
    for number, share in enumerate(shares):
        assert abs(found[f"v{number}"] / 4000 - 0.8 * share) < 0.05


def test_who_is_held_out_is_planned_and_suppressed() -> None:
    text = rule("holdout: 0.3")
    drivers = [course(text, f"c-{number}") for number in range(15)]
    held = [driver for driver in drivers if not driver.sent]
    assert 0 < len(held) < 15
    for driver in held:
        assert len(driver.facts(OutreachScheduled)) == 1
        (told,) = driver.facts(OutreachSuppressed)
        assert told.reason == "holdout"
        assert told.detail == "one of the 30 % who get nothing of hello"
        driver.event(purchase())
        assert not goals(driver)


def test_the_holdout_of_the_file_is_of_marketing_alone() -> None:
    marketing = rule("at_most_one_in: 1d", head="holdout: 0.4")
    held = [n for n in range(15) if reasons(course(marketing, f"c-{n}"), OutreachSuppressed) == ["holdout"]]
    assert 0 < len(held) < 15
    service = rule("variables: [complaint_id]", "complaint.resolved", "complaint-check", "holdout: 0.4")
    for number in held:
        driver = known(service, customer=f"c-{number}")
        solved(driver)
        driver.after(DAY)
        assert len(driver.sent) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("goal: {event: purchase.dreamt, within: 2d}", "rules[0].goal.event: there is no event"),
        ("goal: {event: purchase.made}", "rules[0].goal.within: is missing"),
        ("goal: {event: purchase.made, within: 0s}", "rules[0].goal.within: must be more"),
        (
            "goal: {event: purchase.made, within: 2d, when: {colour: 1}}",
            "goal.when: purchase.made has",
        ),
        ("variants: [{name: a, share: 0.5}]", "rules[0].variants: the shares must make 1"),
        ("variants: [{name: a, share: 0.5}, {name: a, share: 0.5}]", "rules[0].variants[1].name: a is taken"),
        ("variants: [{name: holdout, share: 0.5}, {name: a, share: 0.5}]", "variants[0].name: holdout is"),
        (HALVES.replace("win-back", "gone"), "rules[0].variants[1].template: there is no template gone"),
        ("holdout: 1.5", "rules[0].holdout: must be less than 1"),
    ],
)
def test_a_bad_goal_or_share_is_named(more: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_versions(rule(more).replace("$HEAD", HEAD))
    assert said in str(caught.value)


def test_goals_are_bounded() -> None:
    driver = known(rule(f"{GOAL}, for_each: subscription_id"))
    for number in range(70):
        driver.event(started(f"s-{number}"))
        driver.after(2 * HOUR)
        driver.event(purchase(f"o-{number}"))
    state: Any = driver.state
    assert len(state.hopes) <= 50
    assert len(state.signals) <= 10
    assert len(goals(driver)) == 70
    assert driver.now > NOON
