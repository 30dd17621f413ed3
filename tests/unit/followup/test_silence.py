"""Silence: so many days without an event, or longer than is usual of the customer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.config import parse_versions
from shared.runtime.config import ConfigError
from tests.examples import examples

from .driver import DAY, HEAD, HOUR, NOON, Driver, granted, profile, purchase, reachable, started, written
from .hearing import sent

FIXED = "{silence: purchase.made, for: 20d}"
RHYTHM = "{silence: purchase.made, usual: 2.5, at_least: 10d}"
FALLBACK = "{silence: purchase.made, usual: 2, for: 90d}"


def lapse(trigger: str, more: str = "") -> str:
    return f"$HEAD\nrules:\n  - {{name: lapse, triggers: [{trigger}], template: win-back{more}}}"


def bought(trigger: str, days: Sequence[float], more: str = "", now: datetime = NOON) -> Driver:
    """Purchases so many days before now, heard in this order now."""
    driver = Driver(policy=written(lapse(trigger, more)), now=now)
    driver.event(profile(), at=now - 900 * DAY)
    driver.event(granted(), at=now - 900 * DAY)
    for number, ago in enumerate(days):
        driver.event(purchase(f"o-{number}"), at=now - ago * DAY)
    return driver


def quiet(driver: Driver, days: int = 200) -> list[datetime]:
    driver.after(days * DAY)
    assert not driver.timers
    return [m["at"] for m in driver.sent]


def test_a_fixed_silence_counts_from_the_latest() -> None:
    driver = bought(FIXED, [3, 1, 2])
    assert driver.timers == ["rule:lapse"]
    assert quiet(driver) == [NOON + 19 * DAY]


def test_each_event_breaks_it_and_it_is_told_once() -> None:
    driver = bought(FIXED, [0])
    driver.after(15 * DAY)
    driver.event(purchase("more"))
    driver.after(100 * DAY)
    driver.event(purchase("again"))
    assert quiet(driver) == [NOON + 35 * DAY, NOON + 135 * DAY]


@pytest.mark.parametrize("order", [*permutations([40, 30, 20, 6])])
def test_longer_than_usual_in_any_order(order: tuple[int, ...]) -> None:
    """Gaps of 10, 10 and 14 days: usual are 10, two and a half times that is 25."""
    assert quiet(bought(RHYTHM, order)) == [NOON + 19 * DAY]


def test_at_least_so_long_however_short_is_usual() -> None:
    assert quiet(bought(RHYTHM, [4, 3, 2, 1])) == [NOON + 9 * DAY]


def test_of_one_day_all_is_one() -> None:
    """Three orders an hour apart make no rhythm."""
    assert quiet(bought(RHYTHM, [0.2, 0.15, 0.1])) == []


def test_who_has_no_rhythm_yet_is_waited_for_as_long_as_for_says() -> None:
    assert quiet(bought(FALLBACK, [10])) == [NOON + 80 * DAY]
    assert quiet(bought(FALLBACK, [20, 15, 10])) == [NOON]
    assert quiet(bought(RHYTHM, [30, 10])) == []


def test_a_rhythm_that_gets_quicker_moves_the_timer_to_before() -> None:
    driver = bought(FALLBACK, [40])
    driver.event(purchase("b"), at=NOON - 6 * DAY)
    driver.event(purchase("c"), at=NOON - 3 * DAY)  # gaps of 34 and 3 days: 18.5
    assert quiet(driver) == [NOON + 34 * DAY]
    driver.event(purchase("d"))
    driver.event(purchase("e"), at=driver.now - 2 * DAY)
    assert len(quiet(driver, 400)) == 2


def test_what_was_said_stays_said() -> None:
    """An earlier order that is heard afterwards changes the rhythm, and says nothing again."""
    driver = bought(FALLBACK, [8, 6, 4])
    driver.after(DAY)
    assert len(driver.sent) == 1
    driver.event(purchase("early"), at=NOON - 300 * DAY)
    driver.after(900 * DAY)
    assert len(driver.sent) == 1


def test_a_cancelling_event_ends_the_wait() -> None:
    driver = bought(FIXED, [0], ", cancel_on: [subscription.started]")
    driver.after(5 * DAY)
    driver.event(started())
    assert quiet(driver) == []


def test_history_says_nothing() -> None:
    assert quiet(bought(FIXED, [400, 390, 380])) == []
    assert quiet(bought(RHYTHM, [400, 390, 380])) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lapse("{silence: purchase.dreamt, for: 2d}"), "rules[0].triggers[0].silence: there is no event"),
        (lapse("{silence: purchase.made}"), "rules[0].triggers[0].for: is missing"),
        (lapse("{silence: purchase.made, for: ages}"), "rules[0].triggers[0].for: write a duration"),
        (lapse("{silence: purchase.made, usual: 0.5}"), "rules[0].triggers[0].usual: must be greater"),
        (
            lapse("{silence: purchase.made, for: 2d, at_least: 3d}"),
            "rules[0].triggers[0].at_least: goes with",
        ),
        (lapse("{silence: complaint.opened, usual: 2}"), "rules[0].triggers[0].usual: nothing is usual"),
        (lapse(f"{FIXED}, purchase.made"), "rules[0].triggers: silence stands alone"),
        (lapse(FIXED, ", delay: 2d"), "rules[0].delay: is what silence says"),
        (lapse("{silence: purchase.made, fro: 2d}"), "rules[0].triggers[0].fro: is not a known field"),
        (lapse("{sillence: purchase.made}"), "rules[0].triggers[0]: write an event's name, or a mapping"),
        (lapse("purchase.made"), "rules[0].delay: is missing"),
    ],
)
def test_a_bad_silence_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_versions(text.replace("$HEAD", HEAD))
    assert said in str(caught.value)


def expected(days: list[int]) -> list[datetime]:
    """By a plain model: the latest day plus 2.5 times the median gap, 10 days at least."""
    known = sorted(set(days), reverse=True)[-13:]
    if len(known) < 3:
        return []
    gaps = sorted(a - b for a, b in pairwise(known))
    middle = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
    at = NOON - known[-1] * DAY + max(10 * DAY, timedelta(days=2.5 * middle))
    return [at] if at > NOON else []


@given(
    st.lists(st.integers(0, 9), max_size=12),
    st.randoms(use_true_random=False),
    st.lists(st.integers(1, 60), max_size=5),
)
@settings(max_examples=examples(150), deadline=None)
def test_any_order_and_any_steps_of_the_clock(days: list[int], dice: Any, jumps: list[int]) -> None:
    """Nothing is due before all is heard."""
    found = expected(days)
    dice.shuffle(days)
    driver = bought(RHYTHM, days)
    for hours in jumps:
        driver.after(hours * HOUR)
    assert quiet(driver) == found


def test_both_kinds_ship_as_they_are_written() -> None:
    shown = written(lapse(RHYTHM)).rules.model_dump(mode="json", by_alias=True)["rules"][0]["triggers"]
    assert shown[0]["silence"] == "purchase.made"
    assert shown[0]["at_least"] == "10d"
    driver = reachable(Driver(policy=written(lapse(FIXED))))
    assert sent(driver) == []
