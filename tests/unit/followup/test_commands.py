"""Messages by hand, and unsubscribing."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain import RefusedError
from shared.schemas.commands.followup import OutreachRequested, UnsubscribeRequested
from shared.schemas.customers import ConsentChanged, CustomerErased
from shared.schemas.outreach import OutreachScheduled, OutreachSent, OutreachSuppressed

from .driver import DAY, HOUR, NOON, Driver, granted, opened, profile, purchase, reachable, refusal

TEXT = {"subject": "About your order", "message": "It is on its way."}


def request(template: str = "note", **changes: Any) -> OutreachRequested:
    return OutreachRequested.model_validate({"template": template, "variables": TEXT, **changes})


def test_a_note_goes_at_once() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(request())
    assert driver.outcome is not None
    assert driver.outcome["status"] == "ready"
    assert driver.outcome["due_at"] == NOON.isoformat()
    [message] = driver.sent
    assert (message["subject"], message["rule"]) == ("About your order", "manual")
    assert "It is on its way." in message["text"]
    assert not driver.timers
    assert [f.outreach_id for f in driver.facts(OutreachSent)] == [driver.outcome["outreach_id"]]
    assert len(driver.facts(OutreachScheduled)) == 1


def test_a_note_for_later_is_decided_then() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(request(at=NOON + 2 * HOUR))
    assert driver.outcome is not None
    assert (driver.outcome["status"], driver.outcome["due_at"]) == (
        "scheduled",
        (NOON + 2 * HOUR).isoformat(),
    )
    driver.event(granted("service", word=False))
    driver.after(3 * HOUR)
    assert not driver.sent
    assert [f.reason for f in driver.facts(OutreachSuppressed)] == ["no_consent"]


def test_a_note_in_the_night_waits_for_the_morning() -> None:
    driver = Driver(now=NOON + 10 * HOUR)
    driver.event(profile())
    driver.event(request())
    assert driver.outcome is not None
    assert driver.outcome["status"] == "scheduled"
    assert driver.outcome["due_at"] == (NOON + 20 * HOUR).isoformat()
    assert len(driver.facts(OutreachScheduled)) == 1
    driver.after(DAY)
    assert driver.sent[0]["at"] == NOON + 20 * HOUR


@pytest.mark.parametrize(
    ("command", "status", "code", "field"),
    [
        (request("thank-you"), 422, "unknown_template", "template"),
        (request("nothing"), 422, "unknown_template", "template"),
        (request(channel="pigeon"), 422, "unknown_channel", "channel"),
        (request(variables={"subject": "x"}), 422, "bad_variables", "variables"),
        (request(variables={**TEXT, "a.b": 1}), 422, "bad_variables", "variables.a.b"),
        (request(variables={**TEXT, "a": [1]}), 422, "bad_variables", "variables.a"),
        (request(variables={**TEXT, "a": 2**63}), 422, "bad_variables", "variables.a"),
        (request(variables={**TEXT, "customer": "x"}), 422, "bad_variables", "variables.customer"),
        (request(variables={f"v{n}": n for n in range(51)}), 422, "bad_variables", "variables"),
        (request("news"), 409, "no_consent", None),
        (request(at=NOON - 4 * DAY), 409, "stale", None),
    ],
)
def test_refusals(command: OutreachRequested, status: int, code: str, field: str | None) -> None:
    driver = Driver()
    driver.event(profile())
    refused = refusal(driver, command)
    assert (refused.status, refused.code, refused.field) == (status, code, field)
    assert not driver.emitted


def test_who_cannot_or_must_not_be_written_to() -> None:
    driver = Driver()
    assert refusal(driver, request()).code == "condition_unmet"
    reachable(driver)
    driver.event(opened())
    assert refusal(driver, request("news")).code == "open_complaint"
    driver.event(request())
    driver.event(CustomerErased())
    assert refusal(driver, request()).code == "erased"
    assert refusal(driver, request(at=NOON + DAY)).code == "erased"


def test_hand_made_marketing_counts_for_the_cap() -> None:
    driver = reachable(Driver())
    for _ in range(4):
        driver.event(request("news"))
    assert refusal(driver, request("news")).code == "frequency_cap"
    driver.event(request())
    driver.after(31 * DAY)
    driver.event(request("news"))
    assert len(driver.sent) == 6


def test_template_text_in_a_variable_stays_text() -> None:
    driver = Driver()
    driver.event(profile(name="<b>Ada</b>"))
    driver.event(request(variables={"subject": "a\r\nBcc: x@example.org", "message": "<i>{{ 7*7 }}</i>"}))
    [message] = driver.sent
    assert message["subject"] == "a Bcc: x@example.org"
    assert "<b>Ada</b>" in message["text"]
    assert "&lt;i&gt;{{ 7*7 }}&lt;/i&gt;" in message["html"]
    assert "<b>Ada" not in message["html"]


def test_unsubscribing_is_a_consent_withdrawn_told_to_all_once() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    asked = UnsubscribeRequested(purpose="marketing", channel="email")
    driver.event(asked)
    [fact] = driver.facts(ConsentChanged)
    assert (fact.purpose, fact.channel, fact.granted) == ("marketing", "email", False)
    assert driver.statuses() == ["cancelled"]
    driver.event(asked)
    assert len(driver.facts(ConsentChanged)) == 1
    assert driver.outcome == {"purpose": "marketing", "channel": "email", "granted": False}
    driver.event(granted(), at=driver.now + timedelta(seconds=1))
    driver.event(asked)  # even after a word from a clock that is ahead
    assert driver.state.consent("marketing", "email").granted is False  # type: ignore[union-attr]


def test_unsubscribing_works_for_those_never_seen_and_tells_nothing_of_the_erased() -> None:
    driver = Driver()
    asked = UnsubscribeRequested(purpose="service", channel="email")
    driver.event(asked)
    assert len(driver.facts(ConsentChanged)) == 1
    driver.event(CustomerErased())
    assert refusal(driver, UnsubscribeRequested(purpose="marketing", channel="email")).code == "erased"
    assert len(driver.facts(ConsentChanged)) == 1


def test_refused_is_what_the_runtime_expects() -> None:
    driver = Driver()
    with pytest.raises(RefusedError, match="unknown_template"):
        driver.event(request("nothing"))
