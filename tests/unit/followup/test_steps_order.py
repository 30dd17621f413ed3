"""Ways through steps are the same in any order of arrival, with copies and by any steps of the clock; a rule
whose steps cannot be is named."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.config import parse_versions
from shared.runtime.config import ConfigError
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import SubscriptionCancelled
from tests.examples import examples

from .driver import DAY, HEAD, HOUR, NOON, Driver, granted, profile, purchase, returned, started, written
from .test_steps import TWO, rule

MINUTE = timedelta(minutes=1)
WAY = """$HEAD
rules:
  - name: join
    triggers: [subscription.started]
    for_each: subscription_id
    delay: 3h
    cancel_on: [subscription.cancelled]
    goal: {event: review.posted, within: 30d}
    steps:
      - {send: welcome}
      - {wait: 1d}
      - {wait_for: {event: purchase.made, at_most: 3d}}
      - branch:
          if: 'profile.locale == "de"'
          then: [{wait_until: "09:00"}, {send: win-back, name: german}]
          else: [{send: win-back, name: other}, {wait: 12h}]
      - {send: win-back, name: last}
  - name: once
    triggers: [subscription.started]
    delay: 3h
    at_most_one_in: 9d
    goal: {event: purchase.made, within: 30d}
    steps: [{send: welcome}, {wait: 2d}, {send: win-back}]
"""


@st.composite
def pasts(draw: Any) -> list[tuple[datetime, Any]]:
    """Facts of the two hours before noon, each at a time of its own."""
    told: list[Any] = [started(f"s-{id}") for id in draw(st.sets(st.integers(1, 3), min_size=1))]
    told += [SubscriptionCancelled(subscription_id=f"s-{id}") for id in draw(st.sets(st.integers(1, 3)))][:1]
    told += [purchase(f"p-{number}") for number in range(draw(st.integers(0, 1)))]
    told.append(profile(locale=draw(st.sampled_from(["de", "en"]))))
    minutes = draw(st.lists(st.integers(1, 119), min_size=len(told), max_size=len(told), unique=True))
    return [(NOON - minute * MINUTE, data) for minute, data in zip(minutes, told, strict=True)]


LATER = st.lists(
    st.tuples(st.integers(4, 9 * 24), st.sampled_from(["buy", "end-1", "end-2", "back"])),
    max_size=4,
    unique_by=lambda one: one[0],
)


def later(what: str, hours: int) -> Any:
    """What happens on the way."""
    match what:
        case "buy":
            return purchase(f"l-{hours}")
        case "back":
            return returned(f"l-{hours}")
    return SubscriptionCancelled(subscription_id=f"s-{what[-1]}")


def course(
    past: Sequence[tuple[datetime, Any]], after: Sequence[tuple[int, str]], jumps: Sequence[int]
) -> list[tuple[str, str, datetime]]:
    driver = Driver(policy=written(WAY))
    driver.event(profile(), at=NOON - DAY)
    driver.event(granted(), at=NOON - DAY)
    for at, data in past:
        driver.event(data, at=at)
    assert not driver.sent
    for hours, what in sorted(after):
        for jump in sorted(jumps):
            driver.until(min(NOON + jump * HOUR, NOON + hours * HOUR))
        driver.until(NOON + hours * HOUR)
        driver.event(later(what, hours))
        driver.event(later(what, hours))  # told twice
    driver.until(NOON + 30 * DAY)
    assert not driver.timers
    assert not driver.state.journeys
    assert not driver.worker.dead_letters
    balanced(driver)
    return sorted((m["rule"], m["step"], m["at"]) for m in driver.sent)


def balanced(driver: Driver) -> None:
    """Each that was planned came to one end, and so did what was told of only then."""
    planned = [fact.outreach_id for fact in driver.facts(OutreachScheduled)]
    kinds: Any = (OutreachSent, OutreachSuppressed, OutreachCancelled, OutreachFailed)
    ended = [fact.outreach_id for kind in kinds for fact in driver.facts(kind)]
    assert len(planned) == len(set(planned))
    assert len(ended) == len(set(ended))
    assert set(planned) <= set(ended)


@given(pasts(), LATER, st.randoms(use_true_random=False), st.lists(st.integers(1, 300), max_size=5))
@settings(max_examples=examples(100), deadline=None)
def test_any_order_copies_and_steps_of_the_clock(
    past: list[tuple[datetime, Any]], after: list[tuple[int, str]], dice: Any, jumps: list[int]
) -> None:
    usual = course(sorted(past, key=lambda one: one[0]), after, [])
    mixed = [*past, *(one for one in past if dice.random() < 0.5)]
    dice.shuffle(mixed)
    assert course(mixed, after, jumps) == usual


def test_the_course_is_about_something() -> None:
    past = [(NOON - HOUR, started("s-1")), (NOON - MINUTE, profile(locale="de"))]
    found = course(past, [(45, "buy")], [])
    assert [step for name, step, _ in found if name == "join"] == ["1", "german", "last"]
    assert [step for name, step, _ in found if name == "once"] == ["1"]


@pytest.mark.parametrize(
    ("steps", "more", "wrong"),
    [
        ("{wait: 2d}", "", "rules[0].steps: none of them sends"),
        ("{send: gone}", "", "rules[0].steps[0].send: there is no template gone"),
        (
            "{send: welcome}, {branch: {if: 'true', else: [{wait: 2d}, {send: gone}]}}",
            "",
            "rules[0].steps[1].branch.else[1].send: there is no template gone",
        ),
        ("{send: welcome}, {wait: soon}", "", "rules[0].steps[1].wait: write a duration"),
        ("{send: welcome}, {wait_until: 9}", "", "rules[0].steps[1].wait_until: write a time of day"),
        ("{send: welcome}, {sleep: 9}", "", "rules[0].steps[1]: must be one of send, wait"),
        ("{send: welcome, when: 9}", "", "rules[0].steps[0].when: is not a known field"),
        ("{send: welcome, name: a}, {send: welcome, name: a}", "", "rules[0].steps: two steps are named a"),
        (
            "{wait_for: {event: x.y, at_most: 2d}}, {send: welcome}",
            "",
            "steps[0].wait_for.event: there is no",
        ),
        ("{wait_for: {event: purchase.made}}, {send: welcome}", "", "steps[0].wait_for.at_most: is missing"),
        ("{branch: {then: [{send: welcome}]}}", "", "rules[0].steps[0].branch.if: is missing"),
        ("{branch: {if: 'profile.nmae == 2', then: [{send: welcome}]}}", "", "rules[0].steps[0].branch.if:"),
        ("{branch: {if: 'true', then: [{wait: x}]}}, {send: welcome}", "", "steps[0].branch.then[0].wait:"),
        (TWO, ", template: win-back", "rules[0].template: is said by the steps"),
        (TWO, ", every: true", "rules[0]: steps cannot be combined with every"),
    ],
)
def test_a_bad_step_is_named(steps: str, more: str, wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_versions(rule(steps, more).replace("$HEAD", HEAD))
    assert wrong in str(caught.value)


PLAIN = st.sampled_from(
    [
        "{send: welcome}",
        "{send: win-back}",
        "{wait: 5h}",
        "{wait: 3d}",
        '{wait_until: "09:00"}',
        "{wait_for: {event: purchase.made, at_most: 2d}}",
        "{wait_for: {event: purchase.made, when: {channel: store}, at_most: 1d}}",
    ]
)
STEPS = st.recursive(
    st.lists(PLAIN, min_size=1, max_size=4).map(", ".join),
    lambda inner: st.builds(
        "{}, {{branch: {{if: 'purchases.count > 1', then: [{}], else: [{}]}}}}, {}".format,
        PLAIN,
        inner,
        inner,
        PLAIN,
    ),
    max_leaves=3,
)


@given(
    STEPS, st.lists(st.integers(1, 300), max_size=6, unique=True), st.lists(st.integers(1, 500), max_size=6)
)
@settings(max_examples=examples(60), deadline=None)
def test_whatever_the_steps_they_end_and_time_may_jump(
    steps: str, bought: list[int], jumps: list[int]
) -> None:
    def walked(stops: list[int]) -> list[tuple[str, datetime]]:
        driver = Driver(policy=written(rule(f"{{send: welcome}}, {steps}")))
        driver.event(profile(timezone="Europe/Berlin"), at=NOON - DAY)
        driver.event(granted(), at=NOON - DAY)
        driver.event(started())
        for hour in sorted({*bought, *stops}):
            driver.until(NOON + hour * HOUR)
            if hour in bought:
                driver.event(purchase(f"o-{hour}"))
        driver.until(NOON + 100 * DAY)
        assert not driver.timers
        assert not driver.state.journeys
        balanced(driver)
        return [(m["step"], m["at"]) for m in driver.sent]

    assert walked(jumps) == walked([])


def test_what_is_read_can_be_written_and_read_again() -> None:
    silence = rule(TWO.replace("thank-you", "win-back"), "", "{silence: purchase.made, for: 20d}", "")
    for text in (WAY, silence):
        rules = written(text).rules
        shown = rules.model_dump(mode="json", by_alias=True)
        assert type(rules).model_validate(shown) == rules
