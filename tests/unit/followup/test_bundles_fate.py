"""What becomes of a mail becomes of each message in it (ADR 42)."""

from collections import Counter
from datetime import datetime

import pytest

from shared.schemas.commands.preferences import PreferencesRequested
from shared.schemas.commands.receipts import ReceiptReported
from shared.schemas.customers import ConsentChanged, CustomerErased, CustomerUpdated
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.outreach import (
    OutreachBounced,
    OutreachCancelled,
    OutreachFailed,
)

from .bundled import BUNDLES, HEAD, balanced, joined, known, went
from .driver import DAY, HOUR, purchase, returned


def test_a_word_that_takes_all_back_takes_the_mail_back() -> None:
    withdrawn = ConsentChanged.model_validate({"purpose": "marketing", "channel": "email", "granted": False})
    paused = PreferencesRequested.model_validate({"words": [], "pause": True})
    for data, reason in ((withdrawn, "no_consent"), (CustomerErased(), "erased"), (paused, "frequency_cap")):
        driver = joined(known(instant=False))
        driver.after(6 * HOUR)
        driver.event(data)
        told = [fact for fact in driver.facts(OutreachCancelled) if fact.rule != "care"]
        assert sorted((fact.rule, fact.reason) for fact in told) == [("hello", reason), ("thanks", reason)]
        assert {row["status"] for row in driver.rows.values() if row["rule"] != "care"} == {"cancelled"}
        balanced(driver)


def test_what_is_so_of_one_of_them_takes_nothing_back() -> None:
    driver = joined(known(instant=False))
    driver.after(6 * HOUR)
    driver.event(returned())
    assert not driver.facts(OutreachCancelled)
    driver.deliver()
    assert went(driver) == ["care", "hello", "thanks"]
    balanced(driver)


@pytest.mark.parametrize("status", ["failed", "in_doubt"])
def test_what_becomes_of_the_mail_becomes_of_each(status: str) -> None:
    driver = joined(known(instant=False))
    driver.after(6 * HOUR)
    driver.deliver(status, "550 no" if status == "failed" else None)
    rows = [row for row in driver.rows.values() if row["purpose"] == "marketing"]
    assert [row["status"] for row in rows] == [status] * 2
    assert {fact.rule for fact in driver.facts(OutreachFailed)} >= {"hello", "thanks"}
    balanced(driver)


def test_a_service_mail_in_doubt_is_tried_again_as_one() -> None:
    too = "{name: too, triggers: [purchase.made], for_each: order_id, delay: 4h, template: setup-help"
    driver = known(text=f"{BUNDLES}  - {too}, bundle: true}}\n", instant=False)
    driver.event(purchase())
    driver.after(4 * HOUR)
    driver.deliver("in_doubt")
    orders = list(driver.worker.rows("repeats"))
    ids = {f.outreach_id: f.mail for f in driver.state.in_flight if f.purpose == "service"}
    assert [order["_id"] for order in orders if order["_id"] in ids] == [next(iter(ids.values()))]
    assert [f.doubts for f in driver.state.in_flight if f.purpose == "service"] == [1, 1]


def test_what_comes_back_is_heard_of_each_and_counts_once_for_the_address() -> None:
    driver = joined(known("soft_bounces: {max: 2, per: 10d}"))
    driver.after(6 * HOUR)
    mail = next(row["mail"] for row in driver.rows.values() if row["rule"] == "hello")
    driver.event(ReceiptReported(outreach_id=mail, what="bounced", kind="soft", code="4.4.1"))
    assert sorted(fact.rule for fact in driver.facts(OutreachBounced)) == ["hello", "thanks"]
    assert len(driver.state.soft_bounces) == 1


def test_a_step_in_a_mail_of_another_lets_its_way_go_on() -> None:
    text = BUNDLES + (
        "  - {name: walk, triggers: [purchase.made], delay: 3h, bundle: true, "
        "steps: [{send: welcome}, {wait: 3d}, {send: win-back}]}\n"
    )
    driver = joined(known(text=text))
    driver.after(DAY)
    assert went(driver) == ["care", "hello", "thanks", "walk"]
    assert [one.place for one in driver.state.journeys] == [2]
    driver.after(4 * DAY)
    assert Counter(went(driver))["walk"] == 2
    assert not driver.state.journeys


def test_dates_of_one_instant_are_one_mail() -> None:
    text = f"""{HEAD}
rules:
  - {{name: born, triggers: [{{date: profile.birthday, at: "09:00"}}], template: welcome, bundle: true}}
  - {{name: joined, triggers: [{{date: member.since, at: "09:00"}}], template: thank-you, bundle: true}}
"""
    driver = known(text=text)
    driver.event(CustomerUpdated(birthday="--04-01"))
    driver.event(MemberEnrolled(), at=datetime.fromisoformat("2025-04-01T12:00Z"))
    driver.until(datetime.fromisoformat("2026-04-03T00:00Z"))
    assert len(driver.sent) == 1
    assert went(driver) == ["born", "joined"]
