"""What a customer who complains is told: each thing once, in the agent's words, and how it reads."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintClosed, ComplaintUpdated
from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed

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
    profile,
    reachable,
    reopened,
    resolved,
    rules,
)
from .hearing import sent
from .merged import OLD, merge
from .webhookserver import webhook

MINUTE = timedelta(minutes=1)
NIGHT = NOON + 10 * HOUR
MORNING = NOON + 20 * HOUR
ACKNOWLEDGED, UPDATE, CHECK = "complaint-acknowledged", "complaint-update", "complaint-check"


def acknowledged(message: str | None = None, id: str = "k-1") -> ComplaintAcknowledged:
    return ComplaintAcknowledged(complaint_id=id, message=message)


def updated(message: str = "We have asked the store.", by: datetime | None = None) -> ComplaintUpdated:
    return ComplaintUpdated(complaint_id="k-1", message=message, promised_by=by)


def complaining(now: datetime = NOON, name: str = "retail", **who: Any) -> Driver:
    """A customer who may be written to, and who complained an hour ago."""
    driver = Driver(policy=policy(rules(name)), now=now)
    driver.event(profile(**who), at=now - DAY)
    driver.event(opened(), at=now - HOUR)
    driver.after(timedelta(0))
    assert not driver.sent, "an opening alone says nothing"
    return driver


def said(driver: Driver, data: Data) -> tuple[str, str, str]:
    """(subject, text, html) of what goes at once, white space apart."""
    driver.event(data)
    driver.after(timedelta(0))
    *_, message = driver.sent
    assert message["at"] == driver.now
    return message["subject"], " ".join(message["text"].split()), " ".join(message["html"].split())


@pytest.mark.parametrize("name", ["retail", "subscription"])
def test_each_step_is_told_at_once_and_the_check_later(name: str) -> None:
    driver = complaining(name=name)
    for data in (acknowledged(), updated(), updated("It is found."), resolved()):
        driver.after(MINUTE)
        driver.event(data)
    driver.after(3 * DAY)
    at = [NOON + minute * MINUTE for minute in range(1, 5)]
    assert sent(driver) == [(ACKNOWLEDGED, at[0]), (UPDATE, at[1]), (UPDATE, at[2]), (CHECK, at[3] + 2 * DAY)]


@pytest.mark.parametrize("merged", [False, True])
def test_its_mails_answer_the_mail_that_it_was_made_by(merged: bool) -> None:
    """And no other; though a step was heard before it, or its customer is another by now."""
    driver = Driver(policy=policy(rules("retail")))
    of = OLD if merged else "c-1"
    for id in (of, "c-1"):
        driver.event(profile(), at=NOON - DAY, of=id)
    made = opened().model_copy(update={"message_id": "m-1@home.example"})
    driver.event(acknowledged(), of=of)
    driver.event(made, at=NOON - HOUR, of=of)
    if merged:
        merge(driver, into="c-1")
    driver.event(updated())
    driver.event(opened("k-2"))
    driver.event(acknowledged(id="k-2"), at=NOON + MINUTE)
    driver.after(2 * MINUTE)
    found = [(mail["rule"], mail["headers"].get("In-Reply-To")) for mail in driver.sent]
    theirs = "<m-1@home.example>"
    assert sorted(found, key=str) == [(ACKNOWLEDGED, theirs), (ACKNOWLEDGED, None), (UPDATE, theirs)]


# --- how they read


def test_the_acknowledgement_apologises_in_the_agents_words_too() -> None:
    subject, text, html = said(complaining(), acknowledged("A <new> one is\non its way."))
    assert subject == "We have your complaint, and we are sorry"
    for piece in (
        "Dear Ada Byron,",
        "We are sorry",
        "A <new> one is on its way.",
        "k-1",
        "c-1-service-email",
    ):
        assert piece in text
    assert "A &lt;new&gt; one is on its way." in html
    assert "white-space:pre-line" in html


@pytest.mark.parametrize("message", [None, ""])
def test_without_the_agents_words_it_reads_well_too(message: str | None) -> None:
    _, text, html = said(complaining(), acknowledged(message))
    assert "it has given you. We have taken up your complaint k-1." in text
    assert html.count("<p>") == 3
    assert "None" not in text + html


@pytest.mark.parametrize(
    ("zone", "promised", "words"),
    [
        ("Europe/Berlin", "2026-03-04T23:30:00Z", "by 5 March 2026 at 00:30 CET."),
        ("America/New_York", "2026-07-04T23:30:00Z", "by 4 July 2026 at 19:30 EDT."),
        ("America/Sao_Paulo", "2026-03-04T17:00:00+01:00", "by 4 March 2026 at 13:00 UTC-03:00."),
        (None, "2026-03-04T09:05:59.5Z", "by 4 March 2026 at 09:05 UTC."),
        ("Europe/Berlin", "9999-12-31T23:59:59Z", "by 31 December 9999 at 23:59 UTC."),
    ],
)
def test_what_was_promised_is_told_in_the_customers_own_time(
    zone: str | None, promised: str, words: str
) -> None:
    now = NOON + (2 * HOUR if zone and "America" in zone else timedelta(0))
    told = updated(by=datetime.fromisoformat(promised))
    subject, text, html = said(complaining(now, timezone=zone), told)
    assert subject == "News about your complaint"
    assert "complaint k-1: We have asked the store. You will hear from us again" in text
    for shown in (text, html.replace("<strong>", "").replace("</strong>", "")):
        assert words in shown


def test_without_a_promise_none_is_told() -> None:
    _, text, html = said(complaining(), updated())
    assert "We have asked the store. If you have a question," in text
    for shown in (text, html):
        assert "You will hear" not in shown
        assert "None" not in shown


def test_as_text_messages_they_are_short_and_whole() -> None:
    shipped = rules()
    by_sms = [rule.model_copy(update={"channel": "sms"}) for rule in shipped.rules if rule.name != "win-back"]
    ways = {**CHANNELS, "sms": webhook()}
    driver = Driver(policy=policy(shipped.model_copy(update={"rules": tuple(by_sms)}), channels=ways))
    driver.event(profile(phone="+49301"))
    driver.event(opened(), at=NOON - HOUR)
    for data in (acknowledged(), acknowledged("Jo has it."), updated(), updated(by=NOON + DAY)):
        driver.after(MINUTE)
        driver.event(data)
    driver.after(MINUTE)
    end = " Rapport Store. No more of these: https://rapport.example/u/c-1-service-sms"
    assert [message["text"].removesuffix(end) for message in driver.sent] == [
        "We are sorry for the trouble, and have taken up your complaint k-1.",
        "Your complaint k-1: We have asked the store.",
        "Your complaint k-1: We have asked the store. (We write again by 3 March 2026 at 12:00 UTC.)",
    ]


def test_a_preview_shows_what_is_not_known_yet() -> None:
    driver = complaining()
    rule = driver.policy.rules.rule(UPDATE)
    assert rule is not None
    assert "by <promised_by>." in previewed(driver, rule).text


# --- which of them go


def test_a_night_loses_no_update() -> None:
    driver = complaining(now=NIGHT)
    for minute in range(3):
        driver.event(updated(f"News {minute}"), at=NIGHT + minute * MINUTE)
        driver.until(NIGHT + minute * MINUTE)
    driver.after(DAY)
    assert sent(driver) == [(UPDATE, MORNING)] * 3
    assert [f"News {n}" in driver.sent[n]["text"] for n in range(3)] == [True] * 3


def test_a_busy_sender_loses_no_update_under_either_clock() -> None:
    for event_time in (False, True):
        driver = Driver(policy=policy(event_time=event_time), instant=False)
        reachable(driver)
        driver.event(opened(), at=NOON - HOUR)
        for minute in range(3):
            driver.event(updated(f"News {minute}"))
            driver.after(MINUTE)
        assert driver.deliver() == 3


def test_a_step_told_twice_is_told_to_the_customer_once() -> None:
    driver = complaining()
    for id in ("a", "b", "c"):
        driver.event(acknowledged(), at=NOON, id=id)
        driver.event(updated(), at=NOON + MINUTE, id=f"{id}-2")
    driver.after(HOUR)
    assert sent(driver) == [(ACKNOWLEDGED, NOON), (UPDATE, NOON + MINUTE)]


def test_a_step_that_does_not_follow_says_nothing() -> None:
    driver = complaining()
    driver.event(resolved(), at=NOON - 30 * MINUTE)
    driver.event(acknowledged())  # resolved already
    driver.event(ComplaintClosed(complaint_id="k-1"), at=NOON - 20 * MINUTE)
    driver.event(updated())  # closed already
    driver.event(acknowledged(id="never-opened"))
    driver.after(HOUR)
    assert not driver.sent
    driver.event(reopened())
    driver.after(MINUTE)
    driver.event(acknowledged())
    driver.after(HOUR)
    assert sent(driver) == [(ACKNOWLEDGED, NOON + HOUR + MINUTE)]


def test_one_acknowledged_again_after_it_was_reopened_is_told_again() -> None:
    driver = complaining(now=NIGHT)
    steps = (acknowledged("First"), resolved(), reopened(), acknowledged("Second"))
    for minute, data in enumerate(steps):
        driver.event(data, at=NIGHT + minute * MINUTE)
    driver.until(MORNING + HOUR)
    assert sent(driver) == [(ACKNOWLEDGED, MORNING)] * 2


def test_whatever_is_heard_first_the_same_is_told() -> None:
    told = [
        (opened(), NIGHT - 3 * MINUTE),
        (updated(), NIGHT - MINUTE),
        (resolved(), NIGHT),
        (ComplaintClosed(complaint_id="k-1"), NIGHT + MINUTE),
        (updated("Too late"), NIGHT + 2 * MINUTE),
    ]
    shipped = policy()
    for order in permutations(told):
        driver = Driver(policy=shipped, now=NIGHT + HOUR)
        driver.event(profile(), at=NOON)
        for data, at in order:
            driver.event(data, at=at)
        driver.until(MORNING + HOUR)
        assert sent(driver) == [(UPDATE, MORNING)]
        assert not any("Too late" in message["text"] for message in driver.sent)
        assert {fact.reason for fact in driver.facts(OutreachCancelled)} <= {"condition_unmet"}


def test_what_is_long_ago_is_history() -> None:
    driver = complaining()
    driver.event(opened("old"), at=NOON - 90 * DAY)
    driver.event(acknowledged(id="old"), at=NOON - 34 * DAY)
    assert not driver.emitted
    driver.event(opened("late"), at=NOON - 9 * DAY)
    driver.event(acknowledged(id="late"), at=NOON - 4 * DAY)
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["stale"]
    driver.event(acknowledged(), at=NOON)
    assert len(driver.sent) <= 1
    driver.now = NOON + 4 * DAY
    driver.event(updated(), at=NOON + HOUR)
    driver.after(HOUR)
    assert UPDATE not in [rule for rule, _ in sent(driver)]


def test_who_wants_no_service_messages_gets_none() -> None:
    driver = complaining()
    driver.event(granted("service", word=False))
    driver.event(acknowledged())
    driver.after(MINUTE)
    assert not driver.sent
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["no_consent"]
