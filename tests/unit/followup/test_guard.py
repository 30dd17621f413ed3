"""The guard and the warm-up: what is counted, when marketing to a domain pauses, and for how long."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.followup.domain.deliverability.guard import Tally, first_day
from services.followup.domain.deliverability.limits import GuardPolicy, WarmUp
from services.followup.domain.rows import TRAFFIC
from services.followup.domain.rules.rules import Rules

from .driver import DAY, NOON, Driver, reachable, rules
from .test_receipts import NEWS, NOTE, asked, receipt

TODAY = NOON.date()


def traffic(driver: Driver) -> dict[str, tuple[int, int, int]]:
    return {
        row["key"]: (row.get("sent", 0), row.get("bounced", 0), row.get("complained", 0))
        for row in driver.worker.rows(TRAFFIC)
    }


def test_marketing_mail_is_counted_on_the_day_it_went() -> None:
    driver = reachable(Driver())
    asked(driver, NOTE)
    ids = [asked(driver, NEWS) for _ in range(3)]
    key = f"{TODAY} manual example.org"
    assert traffic(driver) == {key: (3, 0, 0)}
    driver.after(DAY)
    for _ in range(2):
        driver.event(receipt(ids[0], kind="hard", code="5.1.1"))
        driver.event(receipt(ids[1], kind="soft", code="4.2.2"))  # full: nobody's fault
        driver.event(receipt(ids[1], "delivered"))
        driver.event(receipt(ids[2], code="5.7.1"))
        driver.event(receipt(ids[2], "complained"))
    assert traffic(driver) == {key: (3, 2, 1)}


def test_what_is_refused_at_once_counts_as_gone_and_come_back() -> None:
    driver = reachable(Driver(instant=False))
    asked(driver, NEWS)
    driver.deliver("failed", "554 5.7.1 blocked", "5.7.1")
    asked(driver, NEWS)
    driver.deliver("failed", "554 no")
    assert traffic(driver) == {f"{TODAY} manual example.org": (1, 1, 0)}


@pytest.mark.parametrize(
    ("tally", "why"),
    [
        (Tally(99, 99, 99), None),
        (Tally(100, 5, 0), None),
        (Tally(100, 6, 0), "bounces"),
        (Tally(100, 0, 2), None),  # two people are no rate
        (Tally(1000, 0, 3), None),
        (Tally(1000, 0, 4), "complaints"),
    ],
)
def test_when_it_is_too_much(tally: Tally, why: str | None) -> None:
    assert tally.too_much(GuardPolicy()) == why


def test_after_a_pause_only_what_is_new_counts() -> None:
    assert first_day(GuardPolicy(days=3), date(2026, 3, 5), None) == date(2026, 3, 3)
    assert first_day(GuardPolicy(days=3), date(2026, 3, 5), date(2026, 3, 4)) == date(2026, 3, 4)
    assert first_day(GuardPolicy(days=3), date(2026, 3, 9), date(2026, 3, 4)) == date(2026, 3, 7)


@given(st.integers(-10, 60))
def test_the_ceiling_rises_and_ends(day: int) -> None:
    warm = WarmUp(start=TODAY, first=50, factor=2, days=10)
    ceiling = warm.ceiling(TODAY + timedelta(days=day))
    assert ceiling == (None if day >= 10 else 50 * 2 ** max(day, 0))


@pytest.mark.parametrize(
    "bad",
    [
        {"guard": {"bounces": 0}},
        {"guard": {"complaints": 1.1}},
        {"guard": {"pause": "1h"}},
        {"guard": {"days": 0}},
        {"warm_up": {"start": "2026-03-01", "factor": 0.5}},
        {"warm_up": {}},
        {"soft_bounces": {"max": 0}},
    ],
)
def test_bad_limits_are_refused(bad: dict[str, Any]) -> None:
    told = rules().model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        Rules.model_validate({**told, **bad})
