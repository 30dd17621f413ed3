"""Previews say what the message itself would meet; and a reason ends when all that gives it has ended."""

from datetime import timedelta

import pytest

from services.followup.domain.rules.rule import Rule
from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.complaints import CompensationGranted, ComplaintAcknowledged

from .driver import DAY, NOON, Driver, granted, opened, previewed, purchase
from .gated import driven, rule, told


def only(driver: Driver) -> Rule:
    (one,) = driver.policy.rules.rules
    return one


def test_a_preview_shows_the_variant_that_the_customer_gets() -> None:
    shares = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "template": "news"}]
    shown, sent = set(), set()
    for number in range(6):
        driver = driven(rule(f"bought-{number}", variants=shares))
        found = previewed(driver, only(driver))
        driver.event(purchase())
        (message,) = driver.sent
        assert (found.template, found.purpose) == (message["template"], message["purpose"])
        shown.add(found.template)
        sent.add(message["template"])
    assert shown == sent == {"plain", "news"}


def test_a_preview_of_a_step_under_way_is_of_that_step() -> None:
    steps = [{"send": "plain"}, {"wait": "2d"}, {"send": "news"}]
    walk = rule(every=False, at_most_one_in="30d", steps=steps)
    del walk["template"]
    driver = driven(walk)
    driver.event(purchase())
    driver.after(timedelta(hours=1))
    assert [message["template"] for message in driver.sent] == ["plain"]
    if driver.state.planned:
        found = previewed(driver, only(driver))
        assert (found.decision, found.template) == ("send", "news")
    driver.after(3 * DAY)
    assert [message["template"] for message in driver.sent] == ["plain", "news"]


def test_a_rule_that_is_not_active_would_send_nothing() -> None:
    driver = driven(rule(active={"from": "2027-01-01"}))
    found = previewed(driver, only(driver))
    assert (found.decision, found.reason) == ("suppress", "condition_unmet")
    assert "active" in (found.detail or "")
    driver.event(purchase())
    assert driver.sent == []


def test_a_preview_about_a_complaint_is_not_held_by_that_one() -> None:
    asked = rule(triggers=["complaint.acknowledged"], template="asked", every=False, for_each="complaint_id")
    driver = driven(asked)
    driver.event(granted("survey"))
    driver.event(opened())
    found = previewed(driver, only(driver))
    assert (found.decision, found.reason) == ("send", None)
    driver.event(ComplaintAcknowledged(complaint_id="k-1"))
    assert len(driver.sent) == 1


def test_what_tells_of_a_complaints_compensation_is_about_that_complaint() -> None:
    driver = driven(rule(triggers=["compensation.granted"], template="asked"))
    driver.event(granted("survey"))
    driver.event(opened())
    made_good = {"complaint_id": "k-1", "kind": "points", "points": 5}
    driver.event(CompensationGranted.model_validate(made_good))
    assert (len(driver.sent), told(driver)) == (1, [])
    driver.event(opened("k-2"))
    driver.event(CompensationGranted.model_validate(made_good))
    assert told(driver) == [("open_complaint", ("open_complaint",), None)]


@pytest.mark.parametrize(("kind", "sent"), [("marketing", 0), ("service", 1)])
def test_an_open_complaint_holds_what_counts_as_marketing(kind: str, sent: int) -> None:
    driver = driven(rule(**{"class": kind}), purpose="service")
    driver.event(opened())
    driver.event(purchase())
    assert len(driver.sent) == sent


def test_a_reason_that_two_steps_give_ends_with_the_later() -> None:
    driver = driven(frequency_cap={"max": 1, "per": "90d"})
    driver.event(purchase())
    (first,) = driver.sent
    driver.event(PreferencesRequested.model_validate({"words": [], "pause": True}))
    driver.event(purchase("o-2"))
    assert told(driver) == [("frequency_cap", ("frequency_cap",), first["at"] + 90 * DAY)]
    assert driver.now == NOON
