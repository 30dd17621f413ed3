"""One mail of messages that get too late at different times (ADR 42)."""

from collections import Counter
from datetime import timedelta

import pytest

from services.followup.domain.late import plan_again
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.event import Event
from shared.schemas.outreach import OutreachCancelled, OutreachFailed, OutreachSent, OutreachSuppressed
from shared.schemas.times import micros

from .bundled import balanced, known
from .driver import DAY, HOUR, NOON, Driver, purchase, returned

TEXT = """
name: bundles
sender: {name: Store, address: hello@store.example}
templates:
  thank-you: {purpose: service}
  setup-help: {purpose: service}
rules:
  - {name: short, triggers: [purchase.made], for_each: order_id, delay: 2h, template: thank-you, bundle: true,
     stale_after: 4h, priority: FIRST}
  - {name: long, triggers: [purchase.made], for_each: order_id, delay: 2h, template: setup-help, bundle: true,
     stale_after: 3d, priority: 2}
"""
MINUTE = timedelta(minutes=1)


def handed_over(priority: int) -> Driver:
    """Both are with the sender in one mail, the first of which is ``short`` where that has the priority."""
    driver = known(text=TEXT.replace("FIRST", str(priority)), instant=False)
    driver.event(purchase())
    driver.after(2 * HOUR + MINUTE)
    assert {row["status"] for row in driver.rows.values()} == {"ready"}
    assert len({row["mail"] for row in driver.rows.values()}) == 1
    return driver


@pytest.mark.parametrize("priority", [5, 1])
def test_a_mail_in_doubt_is_repeated_as_a_whole_or_not_at_all(priority: int) -> None:
    driver = handed_over(priority)
    driver.after(5 * HOUR)
    driver.deliver("in_doubt")
    assert not driver.state.in_flight
    assert not list(driver.worker.rows("repeats"))
    assert {row["status"] for row in driver.rows.values()} == {"in_doubt"}
    assert Counter(fact.rule for fact in driver.facts(OutreachFailed)) == {"short": 1, "long": 1}
    balanced(driver)


@pytest.mark.parametrize("priority", [5, 1])
def test_a_mail_in_doubt_in_time_is_repeated_once(priority: int) -> None:
    driver = handed_over(priority)
    driver.deliver("in_doubt")
    first = next(row["mail"] for row in driver.rows.values())
    assert [order["_id"] for order in driver.worker.rows("repeats")] == [first]
    assert [flight.doubts for flight in driver.state.in_flight] == [1, 1]
    assert not driver.facts(OutreachSent) + driver.facts(OutreachFailed)


@pytest.mark.parametrize("priority", [5, 1])
@pytest.mark.parametrize("error", ["stale", "rate_limited"])
def test_where_a_mail_is_too_late_for_one_the_others_go_without_it(priority: int, error: str) -> None:
    driver = handed_over(priority)
    ids = {row["rule"]: row["_id"] for row in driver.rows.values()}
    driver.after(4 * HOUR)
    driver.deliver("failed", error)
    told = driver.facts(OutreachSuppressed)
    assert [(fact.rule, fact.reason) for fact in told] == [("short", error)]
    driver.after(MINUTE)
    row = driver.rows[ids["long"]]
    assert (row["status"], row["attempt"]) == ("ready", 1), "the next try is not the one that was reported"
    assert "mail" not in row
    assert row["expires_at"] == NOON + 2 * HOUR + 3 * DAY
    report = {"outreach_id": ids["long"], "status": "sent", "attempt": 2}
    data = DeliveryReported.model_validate(report)
    driver.worker.send(Event(f"{ids['long']}-2", "/sender", "c-1", driver.now, data)).accepted()
    assert [(fact.rule, fact.outreach_id) for fact in driver.facts(OutreachSent)] == [("long", ids["long"])]
    assert not driver.state.in_flight + driver.state.planned
    balanced(driver)


def test_what_lost_its_reason_meanwhile_does_not_go_after_all() -> None:
    text = TEXT.replace("priority: 2", "priority: 2, cancel_on: [purchase.returned]").replace("FIRST", "5")
    driver = known(text=text, instant=False)
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.event(returned())
    assert len(driver.state.in_flight) == 2
    driver.after(4 * HOUR)
    driver.deliver("failed", "stale")
    driver.after(DAY)
    assert [(fact.rule, fact.reason) for fact in driver.facts(OutreachCancelled)] == [
        ("long", "condition_unmet")
    ]
    assert not driver.state.in_flight + driver.state.planned
    balanced(driver)


def test_a_step_goes_again_and_its_way_goes_on_once() -> None:
    steps = "steps: [{send: setup-help}, {wait: 3d}, {send: thank-you}]"
    walk = f"  - {{name: walk, triggers: [purchase.made], delay: 2h, bundle: true, {steps}}}\n"
    short = TEXT[: TEXT.index("  - {name: long")].replace("FIRST", "5")
    driver = known(text=short + walk, instant=False)
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert len({row["mail"] for row in driver.rows.values() if row["status"] == "ready"}) == 1
    driver.after(4 * HOUR)
    driver.deliver("failed", "stale")
    driver.after(MINUTE)
    (walks,) = driver.state.in_flight
    assert (walks.rule, walks.template) == ("walk", "setup-help")
    assert [one.place for one in driver.state.journeys] == [2]
    assert [(one.rule, one.template) for one in driver.state.planned] == [("walk", "thank-you")]


def test_the_sender_has_half_of_its_time() -> None:
    text = TEXT.replace("FIRST", "5").replace(
        "delay: 2h, template: setup-help", "delay: 5h, template: setup-help"
    )
    driver = known(text=text)
    driver.event(purchase())
    driver.after(DAY)
    assert [(mail["rule"], mail["at"]) for mail in driver.sent] == [
        ("short", NOON + 2 * HOUR), ("long", NOON + 5 * HOUR),
    ]  # fmt: skip


def test_tries_are_never_counted_anew() -> None:
    """What was the first of a mail tried often may be in another's that was tried once."""
    driver = handed_over(1)
    first = next(one for one in driver.state.in_flight if one.rule == "long")
    often = first.model_copy(update={"tries": 7})
    again = plan_again(driver.state, driver.policy, often, 2, micros(driver.now))
    assert [one.tries for one in again.state.planned] == [7]
