"""Consent: whose word it was, topics, and by which channel a message then goes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.followup.domain.messages.templates import Templates
from services.followup.domain.rules.rule import Rule
from services.followup.domain.state import Customer
from shared.runtime.config import ConfigError
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import OutreachSent

from .driver import NOON, granted, purchase, written
from .gated import NEWS, TEXTS, driven, news, rule, told, word


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


BY_BOTH = rule(channels=["email", "sms"])


@pytest.mark.parametrize(
    ("leave", "profile", "by"),
    [
        ({"email", "sms"}, {}, "email"),
        ({"email", "sms"}, {"preferred_channel": "sms"}, "sms"),
        ({"email", "sms"}, {"preferred_channel": "push"}, "email"),
        ({"sms"}, {}, "sms"),
        ({"email"}, {"preferred_channel": "sms"}, "email"),
        ({"email", "sms"}, {"email": None}, "sms"),
        ({"email", "sms"}, {"email": "a@☃.example"}, "sms"),
        ({"email", "sms"}, {"preferred_channel": "sms", "phone": None}, "email"),
    ],
)
def test_the_first_channel_with_consent_and_address_is_taken(
    leave: set[str], profile: dict[str, str | None], by: str
) -> None:
    driver = driven(BY_BOTH)
    driver.event(CustomerUpdated.model_validate({"phone": "+49301234567", **profile}))
    for channel in ("email", "sms"):
        driver.event(word(channel in leave, channel=channel), id=f"by-{channel}")
    driver.event(purchase())
    [sent] = driver.facts(OutreachSent)
    assert (sent.channel, sent.consent and sent.consent.id) == (by, f"by-{by}")
    [message] = driver.sent
    assert (message["channel"], bool(message["subject"])) == (by, by == "email")


@pytest.mark.parametrize(
    ("leave", "profile", "reason"),
    [
        (set(), {}, "no_consent"),
        ({"sms"}, {"phone": None}, "condition_unmet"),
        ({"email", "sms"}, {"email": None, "phone": None}, "condition_unmet"),
        ({"email"}, {"email": "a@☃.example"}, "address_suppressed"),
        ({"email", "sms"}, {"email": "a@☃.example", "phone": None}, "address_suppressed"),
    ],
)
def test_where_no_channel_passes_the_last_step_that_left_none_is_the_reason(
    leave: set[str], profile: dict[str, str | None], reason: str
) -> None:
    driver = driven(BY_BOTH)
    driver.event(CustomerUpdated.model_validate({"phone": "+49301234567", **profile}))
    for channel in ("email", "sms"):
        driver.event(word(channel in leave, channel=channel))
    driver.event(purchase())
    [(first, blocked, next_at)] = told(driver)
    assert (first, blocked[0], next_at) == (reason, reason, None)


def test_a_message_by_hand_goes_by_the_channel_that_was_asked_for() -> None:
    driver = driven(BY_BOTH)
    driver.event(CustomerUpdated(phone="+49301234567", preferred_channel="sms"))
    driver.event(word(True, channel="sms"))
    driver.event(OutreachRequested(template="news", channel="email", variables=NEWS))
    assert [message["channel"] for message in driver.sent] == ["email"]


def test_channels_of_a_rule_are_checked() -> None:
    for those, fault in (
        ({"channels": ["email", "email"]}, "names a channel twice"),
        ({"channels": ["email"], "channel": "sms"}, "channel or channels, not both"),
        ({"channels": ["phone"]}, "channel phone needs task"),
        ({"channels": ["email"], "task": {"kind": "call"}}, "task is for channel"),
    ):
        with pytest.raises(ValidationError, match=fault):
            Rule.model_validate({**rule(), **those})
    both = Rule.model_validate({**rule(), "channels": ["email", "task"], "task": {"kind": "call"}})
    assert both.ways == ("email", "phone")


def test_a_channel_that_is_not_there_stops_the_start_with_its_place() -> None:
    text = "\n".join(
        [
            "$HEAD",
            "rules:",
            "  - {name: a, triggers: [purchase.made], delay: 0s, template: news, channels: [email, pigeon]}",
        ]
    )
    with pytest.raises(ConfigError, match=r"rules\[0\]\.channels\[1\]: nothing is sent by pigeon"):
        written(text)


@pytest.mark.parametrize(
    ("leave", "profile", "by"),
    [
        ({"email", "sms"}, {"preferred_channel": "sms"}, "sms"),
        ({"email", "sms"}, {}, "email"),
        ({"email", "sms"}, {"preferred_channel": "push"}, "email"),
        ({"email"}, {"preferred_channel": "sms"}, "email"),
        ({"email", "sms"}, {"preferred_channel": "sms", "phone": None}, "email"),
    ],
)
def test_what_is_sent_by_hand_goes_as_the_customer_prefers(
    leave: set[str], profile: dict[str, str | None], by: str
) -> None:
    driver = driven()
    driver.event(CustomerUpdated.model_validate({"phone": "+49301234567", **profile}))
    for channel in ("email", "sms"):
        driver.event(word(channel in leave, channel=channel))
    driver.event(news())
    assert [message["channel"] for message in driver.sent] == [by]
    driver.event(OutreachRequested(template="note", channel="email", variables=NEWS))
    assert driver.sent[-1]["channel"] == "email", "who names a channel means it"


def test_what_is_planned_by_hand_goes_as_the_customer_prefers_by_then() -> None:
    driver = driven()
    driver.event(word(True, channel="sms"))
    later = OutreachRequested(template="news", variables=NEWS, at=NOON + timedelta(hours=2))
    driver.event(later)
    driver.event(CustomerUpdated(preferred_channel="sms", phone="+49301234567"))
    driver.after(timedelta(hours=3))
    assert [message["channel"] for message in driver.sent] == ["sms"]


def test_by_hand_it_goes_by_what_it_is_written_for() -> None:
    driver = driven()
    only = {name: text for name, text in TEXTS.sources.items() if name != "news.sms.txt"}
    driver.policy = replace(driver.policy, templates=Templates(only))
    driver.event(CustomerUpdated(preferred_channel="sms", phone="+49301234567"))
    driver.event(word(True, channel="sms"))
    driver.event(news())
    assert [message["channel"] for message in driver.sent] == ["email"]
