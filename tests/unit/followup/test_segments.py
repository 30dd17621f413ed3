"""A rule starts as the customer enters a segment or leaves it: a source's word, else what metrics make."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.schemas.customers import CustomerUpdated
from shared.schemas.insights import SegmentChanged
from shared.schemas.outreach import OutreachCancelled
from tests.examples import examples

from .driver import DAY, HOUR, NOON, Driver, granted, profile, written
from .hearing import reasons, sent

RULES = """$HEAD
rules:
  - {name: come, triggers: [{segment: gold}], delay: 1d, template: welcome, variables: []}
  - {name: gone, triggers: [{segment: gold, change: left}], delay: 1d, template: win-back}
"""
MINUTE = timedelta(minutes=1)


def source(segment: str | None) -> CustomerUpdated:
    return CustomerUpdated(segment=segment)


def metrics(segment: str) -> SegmentChanged:
    return SegmentChanged(to=segment)


def told(*words: tuple[Any, datetime], jumps: Sequence[int] = ()) -> Driver:
    driver = Driver(policy=written(RULES))
    driver.event(profile(), at=NOON - 50 * DAY)
    driver.event(granted(), at=NOON - 50 * DAY)
    for data, at in words:
        driver.event(data, at=at)
    for hours in jumps:
        driver.after(hours * HOUR)
    driver.until(NOON + 30 * DAY)
    assert not driver.timers
    return driver


def test_who_enters_is_greeted_once() -> None:
    driver = told((source("gold"), NOON), (source("gold"), NOON + HOUR))
    assert sent(driver) == [("come", NOON + DAY)]
    driver.event(source("gold"))
    driver.after(10 * DAY)
    assert len(driver.sent) == 1


def test_who_leaves_before_it_goes_is_not_greeted() -> None:
    driver = told((source("gold"), NOON - 2 * HOUR), (source("silver"), NOON - HOUR))
    assert sent(driver) == [("gone", NOON - HOUR + DAY)]
    assert not reasons(driver, OutreachCancelled)


def test_what_the_metrics_make_holds_where_no_source_names_one() -> None:
    assert sent(told((metrics("gold"), NOON))) == [("come", NOON + DAY)]
    assert sent(told((source("silver"), NOON - HOUR), (metrics("gold"), NOON))) == []
    found = told((metrics("gold"), NOON - 9 * DAY), (source("silver"), NOON - 8 * DAY), (source(None), NOON))
    assert sent(found) == [("come", NOON + DAY)]


def test_a_word_that_is_heard_late_falls_between_any_two() -> None:
    minutes = [(6, "gold"), (4, "gold"), (1, "gold"), (5, "silver")]
    driver = told(*((source(name), NOON - ago * MINUTE) for ago, name in minutes))
    assert sent(driver) == [("come", NOON - 4 * MINUTE + DAY)]


def test_who_comes_again_is_greeted_again() -> None:
    driver = told((source("gold"), NOON))
    driver.event(source("silver"))
    driver.after(5 * DAY)
    driver.event(source("gold"))
    driver.after(5 * DAY)
    assert [rule for rule, _ in sent(driver)] == ["come", "gone", "come"]


def test_history_is_not_caught_up_with() -> None:
    driver = told((source("gold"), NOON - 40 * DAY), (source("silver"), NOON - 30 * DAY))
    assert not driver.emitted


def test_an_earlier_word_that_is_heard_late_says_nothing_again() -> None:
    driver = told((source("gold"), NOON))
    driver.event(source("gold"), at=NOON - HOUR)
    driver.after(10 * DAY)
    assert len(driver.sent) == 1


Told = tuple[int, bool, str]
WORDS = st.lists(
    st.tuples(st.integers(1, 600), st.booleans(), st.sampled_from(["gold", "gold", "silver", "bronze"])),
    max_size=7,
    unique_by=lambda word: word[0],
)


def expected(words: list[Told]) -> set[tuple[str, datetime]]:
    """By a plain model: the customer's segment after each word, in order of time."""
    said: dict[bool, str] = {}
    segment: str | None = None
    came: datetime | None = None
    left: datetime | None = None
    for ago, by_source, name in sorted(words, reverse=True):
        said[by_source] = name
        now = said.get(True) or said.get(False)
        if now != segment:
            if now == "gold":
                came = NOON - ago * MINUTE
            if segment == "gold":
                left = NOON - ago * MINUTE
        segment = now
    found = {("come", came + DAY)} if segment == "gold" and came else set()
    return found | ({("gone", left + DAY)} if segment != "gold" and left else set())


@given(WORDS, st.randoms(use_true_random=False), st.lists(st.integers(1, 30), max_size=4))
@settings(max_examples=examples(100), deadline=None)
def test_any_order_copies_and_steps_of_the_clock(words: list[Told], dice: Any, jumps: list[int]) -> None:
    mixed = [*words, *[word for word in words if dice.random() < 0.5]]
    dice.shuffle(mixed)
    facts = [
        (source(name) if by_source else metrics(name), NOON - ago * MINUTE) for ago, by_source, name in mixed
    ]
    driver = told(*facts, jumps=jumps)
    assert set(sent(driver)) == expected(words)
    assert len(driver.sent) == len(expected(words))


@pytest.mark.parametrize("name", ["gold", "silver"])
def test_the_model_sees_messages_go(name: str) -> None:
    words: list[Told] = [(60, True, "gold"), (30, True, name)]
    assert {rule for rule, _ in expected(words)} == ({"come"} if name == "gold" else {"gone"})
