"""The gate, step by step: in which order it looks, what it tells, and when each reason alone ends."""

from datetime import timedelta

import pytest

from services.followup.domain.gate.steps import STEPS
from services.followup.domain.rules.rules import Rules
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintClosed, ComplaintUpdated
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachCancelled

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    previewed,
    purchase,
    reachable,
    refusal,
    resolved,
    rules,
    tier,
)
from .gated import FILE, driven, news, rule, told, word


def test_the_gate_asks_in_the_order_that_is_stated() -> None:
    stated = (
        "erased no_consent address address_suppressed stale condition_unmet open_complaint holdout outranked"
    )
    stated += " duplicate paused frequency_cap quiet_hours send_window rate_limited"
    names = [step.name for step in STEPS]
    assert names == [name for name in stated.split() if name in names]
    assert len(names) >= 12


def test_all_that_blocks_is_told_in_order_and_the_reason_is_the_first() -> None:
    driver = driven(
        rule(at_most_one_in=None, window={"days": ["sun"], "from": "10:00", "to": "11:00"}),
        frequency_cap={"max": 1, "per": "30d"},
        quiet_hours={"from": "20:00", "to": "08:00"},
    )
    driver.event(news())
    driver.event(opened())
    driver.event(word(False))
    driver.event(CustomerUpdated(email=None))
    driver.until(NOON + 9 * HOUR)
    driver.event(purchase())
    every = ("no_consent", "condition_unmet", "open_complaint", "frequency_cap", "quiet_hours", "send_window")
    assert told(driver) == [("no_consent", every, None)]
    [row] = [row for row in driver.rows.values() if row["status"] == "suppressed"]
    assert (row["reason"], row["blocked_by"], row.get("next_at")) == ("no_consent", list(every), None)


@pytest.mark.parametrize("what", ["complaint", "cap"])
def test_what_comes_before_quiet_hours_refuses_in_the_night(what: str) -> None:
    driver = driven(quiet_hours={"from": "20:00", "to": "08:00"}, frequency_cap={"max": 1, "per": "2d"})
    driver.event(news())
    if what == "complaint":
        driver.event(opened())
    driver.until(NOON + 9 * HOUR)
    driver.event(purchase())
    reason = "open_complaint" if what == "complaint" else "frequency_cap"
    [(first, blocked, next_at)] = told(driver)
    assert (first, next_at) == (reason, None if what == "complaint" else NOON + 2 * DAY)
    assert blocked[-1] == "quiet_hours"


def test_consent_is_asked_before_age() -> None:
    driver = driven(rule(delay="1h"))
    driver.event(purchase())
    driver.event(word(False))
    driver.now += 9 * DAY
    driver.after(timedelta(0))
    assert told(driver) == [("no_consent", ("no_consent", "stale"), None)]


def test_without_consent_and_address_consent_is_the_reason() -> None:
    driver = driven()
    driver.event(CustomerUpdated(email=None))
    driver.event(word(False))
    driver.event(purchase())
    assert told(driver) == [("no_consent", ("no_consent", "condition_unmet"), None)]


def test_a_cancelled_message_says_what_cancelled_it() -> None:
    driver = driven(instant=False)
    driver.event(purchase())
    driver.event(opened())
    [one] = driver.facts(OutreachCancelled)
    assert (one.reason, one.blocked_by, one.next_at) == ("open_complaint", ("open_complaint",), None)


def test_what_is_about_a_complaint_is_held_by_another_one_alone() -> None:
    asked = rule("how", triggers=["complaint.acknowledged", "complaint.updated"], template="asked")
    asked |= {"variables": ["complaint_id"]}
    survey = driven(asked)
    survey.event(granted("survey"))
    survey.event(opened("k-1"))
    survey.event(ComplaintAcknowledged(complaint_id="k-1"))
    assert len(survey.sent) == 1
    survey.event(opened("k-2"))
    survey.event(ComplaintAcknowledged(complaint_id="k-2"))
    assert told(survey) == [("open_complaint", ("open_complaint",), None)]
    survey.event(resolved("k-1"))
    survey.event(ComplaintClosed(complaint_id="k-1"))
    survey.after(timedelta(minutes=1))
    survey.event(ComplaintUpdated(complaint_id="k-2", message="soon"))
    assert len(survey.sent) == 2


def test_a_survey_is_held_by_an_open_complaint_as_marketing_is() -> None:
    assert Rules.model_validate({**FILE, "rules": []}).hold_during_complaint == {"marketing", "survey"}
    assert (
        rules().hold_during_complaint
        == rules("subscription").hold_during_complaint
        == {"marketing", "survey"}
    )
    driver = driven(purpose="survey")
    driver.event(granted("survey"))
    driver.event(opened())
    driver.event(purchase())
    assert told(driver) == [("open_complaint", ("open_complaint",), None)]


def test_a_cap_ends_when_the_oldest_that_counts_has_left_it() -> None:
    driver = driven(frequency_cap={"max": 2, "per": "10d"})
    driver.event(news())
    driver.after(3 * DAY)
    driver.event(news())
    driver.after(DAY)
    driver.event(purchase("o-1"))
    assert told(driver) == [("frequency_cap", ("frequency_cap",), NOON + 10 * DAY)]
    driver.until(NOON + 10 * DAY - timedelta(milliseconds=1))
    assert refusal(driver, news()).code == "frequency_cap"
    driver.until(NOON + 10 * DAY)
    driver.event(news())
    assert len(driver.sent) == 3


def test_an_interval_ends_after_the_latest() -> None:
    driver = driven(rule(every=False, for_each="order_id", at_most_one_in="5d"))
    driver.event(purchase("o-1"))
    [one] = driver.sent
    at = previewed(driver, driver.policy.rules.rules[0])
    assert (at.decision, at.reason, at.next_at) == ("suppress", "duplicate", one["at"] + 5 * DAY)


def test_nobody_knows_when_a_cap_ends_that_hangs_on_a_message_with_the_sender() -> None:
    driver = driven(frequency_cap={"max": 1, "per": "10d"}, instant=False)
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"))
    assert told(driver) == [("frequency_cap", ("frequency_cap",), None)]


def test_quiet_hours_that_end_too_late_tell_their_end() -> None:
    night = {"from": "20:00", "to": "08:00"}
    driver = driven(rule(stale_after="1h"), quiet_hours=night, now=NOON + 9 * HOUR)
    driver.event(purchase())
    assert told(driver) == [("quiet_hours", ("quiet_hours",), NOON + 20 * HOUR)]


def test_a_fall_in_the_loyalty_program_is_none_of_the_gates_business() -> None:
    driver = reachable(Driver())
    driver.event(tier("bronze", "down"))
    driver.after(DAY)
    assert told(driver) == []


def test_the_preview_shows_each_step() -> None:
    driver = driven(quiet_hours={"from": "20:00", "to": "08:00"}, now=NOON + 9 * HOUR)
    found = previewed(driver, driver.policy.rules.rules[0])
    assert (found.decision, found.reason, found.at) == ("wait", "quiet_hours", NOON + 20 * HOUR)
    assert (found.blocked_by, found.channel) == (("quiet_hours",), "email")
    assert [step.step for step in found.steps] == [step.name for step in STEPS]
    verdicts = {step.step: (step.verdict, step.reason, step.until) for step in found.steps}
    assert verdicts.pop("quiet_hours") == ("wait", "quiet_hours", NOON + 20 * HOUR)
    assert set(verdicts.values()) == {("pass", None, None)}
    driver.event(opened())
    found = previewed(driver, driver.policy.rules.rules[0])
    assert (found.decision, found.reason, found.next_at) == ("suppress", "open_complaint", None)
    assert found.blocked_by == ("open_complaint", "quiet_hours")
    assert "k-1" in (found.detail or "")
