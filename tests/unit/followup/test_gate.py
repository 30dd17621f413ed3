"""The gate, step by step: in which order it looks, what it tells, and when each reason alone ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.followup.channels.webhook import WebhookSettings
from services.followup.domain.gate.steps import STEPS
from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintClosed, ComplaintUpdated
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerUpdated
from shared.schemas.outreach import OutreachCancelled, OutreachSent, OutreachSuppressed

from .driver import (
    CHANNELS,
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    previewed,
    purchase,
    reachable,
    refusal,
    resolved,
    rules,
    tier,
)

SMS = WebhookSettings.model_validate(
    {"webhook_url": "https://hooks.example/x", "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
).channels()[0]
BOTH = {**CHANNELS, "sms": SMS}
NEWS = {"subject": "s", "message": "m"}
FILE: dict[str, Any] = {
    "name": "gate",
    "sender": {"name": "Shop", "address": "shop@example.org"},
    "templates": {
        "news": {"purpose": "marketing", "manual": True},
        "note": {"purpose": "service", "manual": True},
        "asked": {"purpose": "survey"},
    },
    "rules": [],
}
PARTS = ("subject.txt", "txt", "html", "sms.txt")
TEXTS = Templates({f"{name}.{part}": name for name in ("plain", "news", "note", "asked") for part in PARTS})
BOUGHT: dict[str, Any] = {"triggers": ["purchase.made"], "every": True, "delay": "0s", "template": "plain"}


def rule(name: str = "bought", **changes: Any) -> dict[str, Any]:
    return {**BOUGHT, "name": name, **changes}


def driven(
    *those: dict[str, Any],
    now: datetime = NOON,
    instant: bool = True,
    purpose: str = "marketing",
    **file: Any,
) -> Driver:
    """A reachable customer and these rules, whose message is of ``purpose``."""
    said = {**FILE, **file, "rules": those or [rule()]}
    said["templates"] = {**FILE["templates"], "plain": {"purpose": purpose}}
    these = policy(Rules.model_validate(said), channels=BOTH)
    return reachable(Driver(policy=replace(these, templates=TEXTS), now=now, instant=instant))


def told(driver: Driver) -> list[tuple[str, tuple[str, ...], datetime | None]]:
    """What was told of each suppressed message: reason, all that blocked it, when the reason ends."""
    return [(one.reason, one.blocked_by, one.next_at) for one in driver.facts(OutreachSuppressed)]


def news() -> OutreachRequested:
    return OutreachRequested(template="news", variables=NEWS)


def word(granted: bool, topic: str | None = None, channel: str = "email") -> ConsentChanged:
    said = {"purpose": "marketing", "channel": channel, "granted": granted, "topic": topic}
    return ConsentChanged.model_validate(said)


# --- the order


def test_the_gate_asks_in_the_order_that_is_stated() -> None:
    stated = (
        "erased no_consent address address_suppressed stale condition_unmet open_complaint holdout outranked"
    )
    stated += " duplicate frequency_cap quiet_hours send_window rate_limited"
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


# --- consent


def test_what_is_sent_cites_the_event_that_allows_it() -> None:
    driver = driven()
    driver.event(granted(), id="yes-1")
    driver.event(purchase())
    [sent] = driver.facts(OutreachSent)
    assert sent.consent is not None
    assert sent.consent.id == "yes-1"
    assert sent.consent.source


def test_what_needs_no_consent_cites_none() -> None:
    driver = driven(purpose="service")
    driver.event(purchase())
    [sent] = driver.facts(OutreachSent)
    assert sent.consent is None


def test_a_consent_of_an_old_state_cites_nothing() -> None:
    old = {"purpose": "marketing", "channel": "email", "granted": True, "at": 1, "by": 1}
    state = Customer.model_validate({"customer_id": "c-1", "consents": [old]})
    [consent] = state.consents
    assert (consent.topic, consent.event) == (None, None)
    assert state.word("marketing", "email", "events") is consent


@pytest.mark.parametrize(
    ("words", "goes"),
    [
        ([(True, None)], True),
        ([(False, None)], False),
        ([(False, None), (True, "events")], True),
        ([(True, "events"), (False, None)], True),
        ([(True, None), (False, "events")], False),
        ([(False, "events"), (True, None)], False),
        ([(True, "offers"), (False, None)], False),
        ([(True, None), (False, "offers")], True),
        ([(True, "events"), (False, "events"), (True, None)], False),
    ],
)
def test_a_word_about_the_topic_beats_one_about_the_channel(
    words: list[tuple[bool, str | None]], goes: bool
) -> None:
    driver = driven(rule(topic="events"))
    for number, (granted_, topic) in enumerate(words):
        driver.event(word(granted_, topic), id=f"w-{number}")
        driver.after(timedelta(minutes=1))
    driver.event(purchase())
    assert len(driver.sent) == goes
    if goes:
        [sent] = driver.facts(OutreachSent)
        about = [n for n, (_, topic) in enumerate(words) if topic == "events"] or [len(words) - 1]
        assert sent.consent is not None
        assert sent.consent.id in {f"w-{n}" for n in (*about, 0)}


def test_a_withdrawal_takes_back_what_has_no_leave_any_more_and_nothing_else() -> None:
    driver = driven(rule(topic="events"), rule("other", topic="offers"), rule("plain"), instant=False)
    driver.event(word(True, "events"))
    driver.event(purchase())
    driver.event(word(False, "offers"))
    status = {row["rule"]: row["status"] for row in driver.rows.values()}
    assert status == {"bought": "ready", "other": "cancelled", "plain": "ready"}
    driver.event(word(False))
    status = {row["rule"]: row["status"] for row in driver.rows.values()}
    assert status == {"bought": "ready", "other": "cancelled", "plain": "cancelled"}


def test_an_unsubscription_is_of_the_channel() -> None:
    driver = driven(rule())
    driver.event(UnsubscribeRequested(purpose="marketing", channel="email"))
    driver.event(purchase())
    assert told(driver) == [("no_consent", ("no_consent",), None)]


# --- complaints


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


# --- when a reason ends


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


def test_of_one_who_was_erased_nothing_else_is_asked() -> None:
    driver = driven()
    driver.event(CustomerErased())
    found = previewed(driver, driver.policy.rules.rules[0])
    assert [(step.step, step.verdict) for step in found.steps] == [("erased", "refuse")]
    assert found.blocked_by == ("erased",)
