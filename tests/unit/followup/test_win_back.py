"""The rules of a shop that win back: when they write, and what they count as their success."""

from datetime import timedelta

import pytest

from services.followup.domain.rules.caps import FrequencyCap
from shared.schemas.base import Data
from shared.schemas.insights import HealthChanged
from shared.schemas.loyalty import MemberBirthday, TierChanged
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachGoalReached,
    OutreachScheduled,
    OutreachSuppressed,
)

from .driver import DAY, HOUR, NOON, Driver, policy, purchase, reachable, rules
from .shop import ada, sent
from .test_health import WARNED


def test_win_back_after_60_quiet_days_counted_from_the_last_purchase() -> None:
    driver = reachable(Driver())
    driver.event(purchase("o-1"))
    driver.until(NOON + 50 * DAY)
    driver.event(purchase("o-2"))
    driver.event(purchase("o-0"), at=NOON + 20 * DAY)  # late: not the last one
    driver.until(NOON + 110 * DAY - timedelta(seconds=1))
    assert [m["rule"] for m in driver.sent] == ["thank-you", "thank-you"]
    driver.until(NOON + 300 * DAY)
    assert [m["rule"] for m in driver.sent][2:] == ["win-back"]
    assert driver.sent[2]["at"] == NOON + 110 * DAY
    win_backs = [f for f in driver.facts(OutreachScheduled) if f.rule == "win-back"]
    assert len(win_backs) == 1  # at the decision only, not at every purchase


def test_every_quiet_time_has_its_own_win_back() -> None:
    driver = reachable(Driver())
    for start in (0, 100, 200):
        driver.until(NOON + start * DAY)
        driver.event(purchase(f"o-{start}"))
    driver.until(NOON + 400 * DAY)
    days = [(m["at"] - NOON).days for m in driver.sent if m["rule"] == "win-back"]
    assert days == [60, 160, 260]


def test_a_purchase_in_the_night_before_a_deferred_win_back_calls_it_off() -> None:
    driver = reachable(Driver(now=NOON + 10 * HOUR))  # 22:00
    driver.event(purchase("o-1"))
    driver.after(60 * DAY + HOUR)  # 23:00, 60 days later: deferred to 08:00
    driver.event(purchase("o-2"))
    driver.after(DAY)
    assert "win-back" not in [m["rule"] for m in driver.sent]
    (told,) = driver.facts(OutreachCancelled)
    assert (told.rule, told.reason) == ("win-back", "goal_reached"), "what it was to bring has come"
    driver.after(60 * DAY)
    assert [m["rule"] for m in driver.sent].count("win-back") == 1


@pytest.mark.parametrize(("days", "reached"), [(30, 1), (31, 0)])
def test_what_a_win_back_brings_is_counted_and_begins_its_time_anew(days: int, reached: int) -> None:
    """The purchases that begin its time are its goal too: those before it and at its beginning are not."""
    driver = reachable(Driver())
    driver.event(purchase("o-0"), at=NOON - 5 * DAY)
    driver.event(purchase("o-1"))
    driver.until(NOON + 60 * DAY)
    assert [m["rule"] for m in driver.sent][-1] == "win-back"
    driver.event(purchase("o-late"), at=NOON - DAY)
    assert not driver.facts(OutreachGoalReached)
    driver.until(NOON + (60 + days) * DAY)
    driver.event(purchase("o-2"))
    driver.event(purchase("o-3"))
    assert [told.rule for told in driver.facts(OutreachGoalReached)] == ["win-back"] * reached
    driver.until(NOON + (120 + days) * DAY)
    assert [m["at"] for m in driver.sent if m["rule"] == "win-back"][1:] == [NOON + (120 + days) * DAY]
    assert not driver.facts(OutreachCancelled)


def test_who_comes_back_by_themselves_is_not_asked_to() -> None:
    """A warning and a purchase on the same day, in whatever order they are heard."""
    for told in ([WARNED, purchase("o-9")], [purchase("o-9"), WARNED]):
        driver = ada()
        for ago in (110, 90):
            driver.event(purchase(f"o-{ago}"), at=NOON - ago * DAY)
        driver.event(HealthChanged(score=35, churn_probability=0.75))
        for data in told:
            driver.event(data, at=NOON + HOUR * (2 if data is not WARNED else 1))
        driver.after(3 * DAY)
        assert not sent(driver, "may-leave")
        assert {told.reason for told in driver.facts(OutreachCancelled)} <= {"goal_reached"}


@pytest.mark.parametrize("first", [True, False])
def test_where_there_is_room_for_one_the_birthday_has_it(first: bool) -> None:
    """Both are told of in the night and wait for the morning."""
    cap = FrequencyCap.model_validate({"max": 1, "per": "30d"})
    driver = reachable(Driver(policy(rules(frequency_cap=cap)), now=NOON - 7 * HOUR))
    told: list[Data] = [
        MemberBirthday(points=50),
        TierChanged.model_validate({"from": "silver", "to": "gold", "direction": "up"}),
    ]
    for data in told if first else told[::-1]:
        driver.event(data)
    driver.after(DAY)
    assert [(m["rule"], m["at"]) for m in driver.sent] == [("birthday", NOON - 4 * HOUR)]
    (no,) = driver.facts(OutreachSuppressed)
    assert (no.rule, no.reason) == ("tier-up", "frequency_cap")
