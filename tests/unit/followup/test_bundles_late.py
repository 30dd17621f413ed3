"""One mail of messages that get too late at different times (ADR 42)."""

from collections import Counter
from datetime import timedelta

import pytest

from shared.schemas.outreach import OutreachFailed, OutreachSent

from .bundled import balanced, known
from .driver import HOUR, Driver, purchase

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
