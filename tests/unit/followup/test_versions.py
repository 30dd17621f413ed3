"""Several versions in one file, each from its date on, and rules that hold for a while: the version in force
when a trigger happened holds for what it started."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.config import parse_versions
from shared.runtime.config import ConfigError
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSuppressed
from shared.schemas.times import micros
from tests.examples import examples

from .driver import DAY, HEAD, HOUR, Driver, granted, profile, purchase, reachable, returned, written
from .hearing import reasons, sent

CHANGE = datetime.fromisoformat("2026-03-10T00:00Z")
"""From when the second version holds."""


def two(before: str, after: str, head: str = "") -> str:
    """A file of two versions of the rules, indented by two."""
    return f"$HEAD{head}\nrules:\n{before}\n---\n$HEAD\neffective: 2026-03-10\nrules:\n{after}\n"


THANKS = "  - {name: thanks, triggers: [purchase.made], delay: 2d, template: welcome}"
LATER = "  - {name: thanks, triggers: [purchase.made], delay: 4d, template: win-back}"


def test_what_a_trigger_started_goes_on_by_its_version() -> None:
    driver = reachable(Driver(policy=written(two(THANKS, LATER))))
    driver.until(CHANGE - HOUR)
    driver.event(purchase("1"))
    driver.until(CHANGE + 2 * DAY)
    driver.event(purchase("2"))
    driver.until(CHANGE + 20 * DAY)
    found = [(m["template"], m["at"]) for m in driver.sent]
    assert found == [("welcome", CHANGE - HOUR + 2 * DAY), ("win-back", CHANGE + 6 * DAY)]


def test_a_trigger_of_before_that_is_heard_after_the_change_goes_by_the_version_of_before() -> None:
    driver = reachable(Driver(policy=written(two(THANKS, LATER)), now=CHANGE + HOUR))
    driver.event(purchase("1"), at=CHANGE - HOUR)
    driver.after(5 * DAY)
    assert [(m["template"], m["at"]) for m in driver.sent] == [("welcome", CHANGE - HOUR + 2 * DAY)]


def test_each_version_has_one_policy_whichever_is_asked() -> None:
    """What it has put together once is not put together again."""
    policy = written(two(THANKS, LATER))
    before, after = (policy.at(micros(CHANGE + by)) for by in (-HOUR, HOUR))
    assert (before.rules, after.rules) == policy.versions
    for asked in (policy, before, after):
        assert asked.at(micros(CHANGE - DAY)) is before
        assert asked.at(micros(CHANGE + DAY)) is after


def test_a_rule_that_is_gone_still_sends_what_it_has_started_and_no_more() -> None:
    other = "  - {name: other, triggers: [subscription.started], delay: 1d, template: welcome}"
    driver = reachable(Driver(policy=written(two(THANKS, other)), now=CHANGE - HOUR))
    driver.event(purchase("1"))
    driver.until(CHANGE + 10 * DAY)
    driver.event(purchase("2"))
    driver.after(10 * DAY)
    assert sent(driver) == [("thanks", CHANGE - HOUR + 2 * DAY)]


def test_a_rule_that_is_new_does_not_reach_back() -> None:
    other = "  - {name: other, triggers: [subscription.started], delay: 1d, template: welcome}"
    driver = reachable(Driver(policy=written(two(other, THANKS)), now=CHANGE + HOUR))
    driver.event(purchase("1"), at=CHANGE - HOUR)
    driver.after(10 * DAY)
    assert not driver.emitted
    driver.event(purchase("2"))
    driver.after(10 * DAY)
    assert len(driver.sent) == 1


UNDONE = """  - name: thanks
    triggers: [purchase.made]
    for_each: order_id
    delay: 2d
    cancel_on: [purchase.returned]
    template: welcome"""
KEPT = "  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 2d, template: welcome}"


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_only_the_version_of_a_trigger_says_what_undoes_it(order: tuple[int, ...]) -> None:
    """By the first version a return takes the thanks back, by the second it does not."""
    driver = reachable(Driver(policy=written(two(UNDONE, KEPT)), now=CHANGE + DAY))
    told = [
        (purchase("1"), CHANGE - HOUR),
        (returned("1", "r-1"), CHANGE + HOUR),
        (purchase("2"), CHANGE + HOUR),
        (returned("2", "r-2"), CHANGE + 2 * HOUR),
    ]
    for number in order:
        driver.event(told[number][0], at=told[number][1])
    driver.after(5 * DAY)
    assert sent(driver) == [("thanks", CHANGE + HOUR + 2 * DAY)]
    assert set(reasons(driver, OutreachCancelled)) <= {"condition_unmet"}


QUIET = "  - {name: lapse, triggers: [purchase.made], restart: true, delay: 20d, template: win-back}"
SOONER = "  - {name: lapse, triggers: [purchase.made], restart: true, delay: 5d, template: welcome}"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_quiet_time_is_that_of_the_latest_trigger_s_version(order: tuple[int, int]) -> None:
    driver = reachable(Driver(policy=written(two(QUIET, SOONER)), now=CHANGE + DAY))
    told = [(purchase("1"), CHANGE - HOUR), (purchase("2"), CHANGE + HOUR)]
    for number in order:
        driver.event(told[number][0], at=told[number][1])
    driver.after(60 * DAY)
    assert [(m["template"], m["at"]) for m in driver.sent] == [("welcome", CHANGE + HOUR + 5 * DAY)]


def test_settings_of_the_file_are_those_of_the_version_too() -> None:
    """The first version keeps quiet at noon."""
    head = 'quiet_hours: {from: "10:00", to: "20:00"}'
    soon = "  - {name: thanks, triggers: [purchase.made], for_each: order_id, delay: 1h, template: welcome}"
    driver = reachable(Driver(policy=written(two(soon, soon, head)), now=CHANGE - 13 * HOUR))
    driver.event(purchase("1"))
    driver.until(CHANGE + 12 * HOUR)
    driver.event(purchase("2"))
    driver.after(DAY)
    assert [m["at"] for m in driver.sent] == [CHANGE - 4 * HOUR, CHANGE + 13 * HOUR]


ACTIVE = """  - name: advent
    triggers: [purchase.made]
    for_each: order_id
    delay: 2h
    template: welcome
    active: {from: 2026-03-10, to: 2026-03-12}"""


def test_a_rule_starts_in_its_window_alone_and_ends_what_it_has_started() -> None:
    driver = reachable(Driver(policy=written(f"$HEAD\nrules:\n{ACTIVE}"), now=CHANGE - DAY))
    times = [CHANGE - timedelta(microseconds=1), CHANGE, CHANGE + 2 * DAY - HOUR, CHANGE + 2 * DAY]
    for number, at in enumerate(times):
        driver.until(at)
        driver.event(purchase(f"{number}"), at=at)
    driver.after(5 * DAY)
    assert [m["at"] for m in driver.sent] == [CHANGE + 2 * HOUR, CHANGE + 2 * DAY + HOUR]


def test_a_quiet_time_counts_where_it_ends_in_the_window() -> None:
    rule = QUIET.replace("template", "active: {from: 2026-03-10}, template")
    driver = reachable(Driver(policy=written(f"$HEAD\nrules:\n{rule}"), now=CHANGE - 30 * DAY))
    driver.event(purchase("1"))
    driver.until(CHANGE - 5 * DAY)
    assert not driver.emitted
    driver.event(purchase("2"))
    driver.after(60 * DAY)
    assert sent(driver) == [("lapse", CHANGE + 15 * DAY)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (two(THANKS, LATER).replace("effective: 2026-03-10", ""), "versions[1].effective: is missing"),
        (two(THANKS, LATER, "effective: 2026-03-10"), "versions[1].effective: must be after"),
        (two(THANKS, LATER.replace("4d", "soon")), "versions[1]: rules[0].delay: write a duration"),
        (two(THANKS, SOONER.replace("lapse", "thanks")), "versions[1].rules[0].restart: must be as"),
        (
            two(THANKS, LATER.replace("win-back", "win-back, channel: pigeon")),
            "versions[1]: rules[0].channel",
        ),
        (two(THANKS, LATER).replace("2026-03-10", "12"), "versions[1]: effective: write a date"),
        (f"$HEAD\nrules:\n{ACTIVE}".replace("2026-03-12", "2026-03-10"), "rules[0].active.to: must be after"),
        (f"$HEAD\nrules:\n{ACTIVE}".replace("from: 2026-03-10, to: 2026-03-12", ""), "rules[0].active.from"),
    ],
)
def test_a_bad_version_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_versions(text.replace("$HEAD", HEAD))
    assert said in str(caught.value)


# --- any order


PLAIN = """  - {name: a, triggers: [purchase.made], for_each: order_id, delay: 3d, template: welcome,
     cancel_on: [purchase.returned]}
  - {name: b, triggers: [purchase.made], restart: true, delay: 6d, template: win-back}"""
OTHER = """  - {name: a, triggers: [purchase.made], for_each: order_id, delay: 4d, template: thank-you,
     variables: [order_id]}
  - {name: b, triggers: [purchase.made], restart: true, delay: 8d, template: welcome}"""
Bought = tuple[int, bool]


def expected(bought: list[Bought]) -> set[tuple[str, datetime]]:
    found = set()
    for hours, back in bought:
        at = CHANGE + hours * HOUR
        if at >= CHANGE:
            found.add(("a", at + 4 * DAY))
        elif not back:
            found.add(("a", at + 3 * DAY))
    last = max((CHANGE + hours * HOUR for hours, _ in bought), default=None)
    if last is not None:
        found.add(("b", last + (8 * DAY if last >= CHANGE else 6 * DAY)))
    return found


@given(
    st.lists(st.tuples(st.integers(-24, 23), st.booleans()), max_size=5, unique_by=lambda one: one[0]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=examples(100), deadline=None)
def test_any_order_of_arrival_by_two_versions(bought: list[Bought], dice: Any) -> None:
    driver = Driver(policy=written(two(PLAIN, OTHER)), now=CHANGE + DAY)
    driver.event(profile(), at=CHANGE - 9 * DAY)
    driver.event(granted(), at=CHANGE - 9 * DAY)
    told: list[tuple[Any, datetime]] = []
    for hours, back in bought:
        at = CHANGE + hours * HOUR
        told += [(purchase(f"o-{hours}"), at)] * dice.randint(1, 2)
        if back:
            told.append((returned(f"o-{hours}", f"r-{hours}"), at + timedelta(minutes=9)))
    dice.shuffle(told)
    for data, at in told:
        driver.event(data, at=at)
    driver.after(20 * DAY)
    assert set(sent(driver)) == expected(bought)
    assert len(driver.sent) == len(expected(bought))
    assert not reasons(driver, OutreachSuppressed)
    assert {m["_id"] for m in driver.sent} <= {f.outreach_id for f in driver.facts(OutreachScheduled)}
