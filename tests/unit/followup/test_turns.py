"""Of several triggers the earliest due goes, whichever is heard first; what never went does not count against
the next, and a clock that runs ahead moves nothing but its own event."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from services.followup.domain.rows import COLLECTION
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.loyalty import RewardIssued
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSuppressed
from shared.schemas.purchases import SubscriptionCancelled

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    profile,
    purchase,
    reachable,
    resolved,
    returned,
    reward,
    rules,
    started,
    tier,
)
from .hearing import course, each_order, heard

# --- of several triggers


def test_of_two_orders_the_earlier_is_thanked_for_whichever_is_heard_first() -> None:
    told = [(purchase("o-1"), NOON - HOUR), (purchase("o-2"), NOON - HOUR / 2)]
    [(rule, at, _)] = each_order(*told, days=40)
    assert (rule, at) == ("thank-you", NOON + HOUR)
    driver = heard(*reversed(told))
    assert [fact.reason for fact in driver.facts(OutreachCancelled)] == ["duplicate"]
    assert len(driver.facts(OutreachScheduled)) == 2


def test_a_returned_orders_thank_you_does_not_swallow_the_next_orders() -> None:
    told = [(purchase("o-1"), NOON - HOUR), (purchase("o-2"), NOON - HOUR / 2), (returned("o-1"), NOON)]
    [(rule, at, _)] = each_order(*told, days=40)
    assert (rule, at) == ("thank-you", NOON + 1.5 * HOUR)


@pytest.mark.parametrize("status", ["failed", "in_doubt"])
def test_a_message_that_never_went_does_not_count_against_the_next(status: str) -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase("o-1"))
    driver.event(purchase("o-2"), at=NOON + timedelta(minutes=1))
    driver.after(3 * HOUR)
    assert driver.statuses() == ["ready"]
    driver.deliver(status, "550 no")
    driver.after(HOUR)
    assert driver.deliver() == (1 if status == "failed" else 0)


def test_what_was_suppressed_does_not_count_against_the_next_and_says_so_once() -> None:
    driver = heard((purchase("o-1"), NOON), (opened(), NOON))
    driver.after(HOUR)
    driver.event(purchase("o-2"))
    driver.after(1.5 * HOUR)
    driver.event(resolved())
    driver.after(HOUR)
    assert [m["rule"] for m in driver.sent] == ["thank-you"]
    assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == ["open_complaint"]


def test_a_consent_given_before_the_due_time_is_in_time() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(purchase("o-1"))
    driver.after(DAY)
    driver.event(purchase("o-2"))  # in vain as the last one, as it seems
    driver.after(HOUR)
    driver.event(granted())
    driver.after(2 * HOUR)
    assert [m["at"] for m in driver.sent] == [NOON + DAY + 2 * HOUR]


def test_what_waits_for_a_rule_that_is_gone_is_dropped() -> None:
    driver = heard((purchase("o-1"), NOON), (purchase("o-2"), NOON))
    assert len(driver.state.waiting) == 1
    driver.policy = policy(driver.policy.rules.model_copy(update={"rules": ()}))
    driver.event(profile())
    assert not driver.state.waiting


def test_triggers_that_stand_behind_are_few() -> None:
    driver = heard()
    for number in range(100):
        driver.event(purchase(f"o-{number}"), at=NOON - timedelta(minutes=number))
    assert len(driver.state.waiting) <= 20
    assert len(course(driver, 40)) == 1


# --- clocks ahead


def test_a_till_that_runs_ahead_delays_no_other_orders_thank_you() -> None:
    driver = heard((purchase("o-1"), NOON + 20 * HOUR))
    driver.after(HOUR)
    driver.event(purchase("o-2"))
    driver.after(40 * DAY)
    assert [(m["rule"], m["at"]) for m in driver.sent] == [("thank-you", NOON + 3 * HOUR)]


def test_an_order_of_a_till_that_runs_ahead_counts_with_its_own_date() -> None:
    [(rule, at, _)] = course(heard((purchase("o-1"), NOON + 20 * HOUR)), 40)
    assert (rule, at) == ("thank-you", NOON + 22 * HOUR)


def test_a_future_purchase_does_not_hide_a_later_real_one() -> None:
    driver = heard((purchase("o-1"), NOON + 20 * HOUR))
    driver.after(HOUR)
    driver.event(purchase("o-2"))
    driver.until(NOON + 65 * DAY)
    assert [m["at"] for m in driver.sent if m["rule"] == "win-back"] == [NOON + HOUR + 60 * DAY]


def test_one_who_came_back_is_not_won_back_though_the_cancellation_is_dated_tomorrow() -> None:
    driver = heard((SubscriptionCancelled(subscription_id="s-1"), NOON + 20 * HOUR), name="subscription")
    driver.after(2 * HOUR)
    driver.event(started("s-2"))
    assert [rule for rule, *_ in course(driver, 70)] == ["welcome"]


def test_a_future_event_that_cancels_does_not_cancel_what_comes_after_it() -> None:
    driver = heard((tier("gold"), NOON + 20 * HOUR))
    driver.after(HOUR)
    driver.event(reward())
    issued = RewardIssued(reward_id="r", voucher_code="v", expires_at=NOON + DAY)
    driver.event(issued, at=driver.now + 20 * HOUR)
    driver.after(HOUR)
    driver.event(reward())
    assert "reward-available" in [rule for rule, *_ in course(driver, 5)]


# --- the stream clock


def streamed(name: str, *told: tuple[Data, datetime]) -> list[tuple[str, datetime]]:
    """What is decided to go, of events that a replay reads in this order."""
    worker = InMemoryWorker(handler_of(policy(rules(name), event_time=True)), clock="stream")
    worker.tell("c-1", profile(), at=NOON - 9 * DAY)
    worker.tell("c-1", granted(), at=NOON - 9 * DAY)
    for data, at in told:
        worker.tell("c-1", data, at=at)
    worker.advance(NOON + 70 * DAY)
    ready = [row for row in worker.rows(COLLECTION) if row["status"] == "ready"]
    return sorted((row["rule"], row["decided_at"]) for row in ready)


def test_a_replay_decides_by_event_times_too() -> None:
    over = (SubscriptionCancelled(subscription_id="s-1"), NOON - HOUR)
    assert streamed("subscription", (started("s-2"), NOON), over) == [("welcome", NOON + DAY)]
    told = [(purchase("o-1"), NOON - HOUR), (purchase("o-2"), NOON - HOUR / 2), (returned("o-1"), NOON)]
    for order in permutations(told):
        assert streamed("retail", *order) == [
            ("thank-you", NOON + 1.5 * HOUR),
            ("win-back", NOON + 60 * DAY - HOUR / 2),
        ]
