"""A due message yields to one that matters more and is due soon, under the same cap."""

from datetime import datetime, timedelta

import pytest

from shared.schemas.customers import CustomerUpdated

from .driver import DAY, HOUR, NOON, Driver, purchase, returned
from .gated import driven, rule, told


def sent_at(driver: Driver) -> list[tuple[str, datetime]]:
    return [(message["rule"], message["at"]) for message in driver.sent]


def test_a_message_yields_to_one_that_matters_more_and_is_due_soon() -> None:
    big = rule("big", delay="5h", priority=5)
    driver = driven(rule("small", delay="1h"), big, caps=[{"max": 1, "per": "week"}])
    driver.event(purchase())
    driver.after(4 * HOUR)
    [held] = [planned.held for planned in driver.state.planned if planned.rule == "small"]
    assert held is not None
    assert (held.reason, held.detail) == ("outranked", "big matters more")
    assert told(driver) == []
    driver.after(9 * DAY)
    assert sent_at(driver) == [("big", NOON + 5 * HOUR)]
    assert told(driver) == [("frequency_cap", ("frequency_cap",), NOON + 6.5 * DAY)]


def test_what_is_held_goes_if_the_other_does_not() -> None:
    big = rule("big", delay="5h", priority=5, every=False, for_each="order_id")
    big |= {"cancel_on": ["purchase.returned"]}
    driver = driven(rule("small", delay="1h"), big, caps=[{"max": 1, "per": "week"}])
    driver.event(purchase())
    driver.after(2 * HOUR)
    driver.event(returned())
    driver.after(DAY)
    assert sent_at(driver) == [("small", NOON + 2 * HOUR + timedelta(milliseconds=1))]


def test_held_until_it_is_too_late_it_is_suppressed_as_outranked() -> None:
    big = rule("big", delay="9h", priority=5)
    driver = driven(rule("small", stale_after="2h"), big, caps=[{"max": 1, "per": "week"}])
    driver.event(purchase())
    driver.after(HOUR)
    assert told(driver) == []
    driver.after(HOUR)
    [(reason, blocked, next_at)] = told(driver)
    assert (reason, blocked) == ("outranked", ("outranked",))
    assert next_at == NOON + 9 * HOUR + timedelta(milliseconds=1)


def test_held_though_the_other_is_due_too_late_it_goes_if_that_one_does_not() -> None:
    big = rule("big", delay="9h", priority=5, every=False, for_each="order_id")
    big |= {"cancel_on": ["purchase.returned"]}
    driver = driven(rule("small", stale_after="2h"), big, caps=[{"max": 1, "per": "week"}])
    driver.event(purchase())
    driver.after(HOUR)
    driver.event(returned())
    driver.after(HOUR)
    assert (sent_at(driver), told(driver)) == ([("small", NOON + HOUR + timedelta(milliseconds=1))], [])


@pytest.mark.parametrize(
    ("small", "big", "file"),
    [
        ({}, {"priority": 0}, {}),
        ({"priority": 5}, {"priority": 5}, {}),
        ({}, {"priority": 5, "delay": "13h"}, {}),
        ({}, {"priority": 5}, {"outranked_within": "1h"}),
        ({"group": "a"}, {"priority": 5, "group": "b"}, {"caps": [{"max": 1, "per": "day", "group": "a"}]}),
        ({}, {"priority": 5}, {"caps": []}),
        ({}, {"priority": 5, "channel": "sms"}, {}),
    ],
)
def test_nothing_yields_to_what_matters_no_more_is_far_off_or_shares_no_cap(
    small: dict[str, object], big: dict[str, object], file: dict[str, object]
) -> None:
    told_big = {**rule("big", delay="5h"), **big}
    driver = driven({**rule("small"), **small}, told_big, **{"caps": [{"max": 2, "per": "day"}], **file})
    driver.event(purchase())
    assert sent_at(driver) == [("small", NOON)]


def test_of_two_due_at_one_instant_the_one_that_matters_more_goes() -> None:
    for names in (("a", "b"), ("b", "a")):
        small, big = rule(names[0], delay="2h"), rule(names[1], delay="2h", priority=1)
        driver = driven(small, big, caps=[{"max": 1, "per": "week"}])
        driver.event(purchase())
        driver.after(DAY)
        assert sent_at(driver) == [(names[1], NOON + 2 * HOUR)]


def test_a_message_yields_to_a_date_that_matters_more_and_comes_soon() -> None:
    big = rule("big", priority=5, every=False)
    big |= {"triggers": [{"date": "profile.birthday", "at": "17:00"}], "delay": "0s"}
    driver = driven(rule("small", delay="1h"), big, caps=[{"max": 1, "per": "week"}])
    driver.event(CustomerUpdated(birthday=f"--{NOON:%m-%d}"))
    driver.event(purchase())
    driver.after(9 * DAY)
    assert sent_at(driver) == [("big", NOON + 5 * HOUR)]
