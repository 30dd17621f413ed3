"""What happens is decided by event times, whatever was heard first; a clock that runs ahead moves nothing
but its own event."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintClosed, ComplaintReopened
from shared.schemas.customers import ConsentChanged, CustomerUpdated
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
    reopened,
    resolved,
    returned,
    reward,
    rules,
    started,
    tier,
)

Told = tuple[Data, datetime]


def heard(*told: Told, name: str = "retail", now: datetime = NOON) -> Driver:
    """A reachable customer of whom these are heard now, in this order."""
    driver = Driver(policy=policy(rules(name)), now=now)
    driver.event(profile(), at=now - 9 * DAY)
    driver.event(granted(), at=now - 9 * DAY)
    for data, at in told:
        driver.event(data, at=at)
    return driver


def course(driver: Driver, days: int = 80) -> list[tuple[str, datetime, str]]:
    """What was sent in the days after: rule, time, text."""
    driver.after(days * DAY)
    return [(m["rule"], m["at"], m["text"]) for m in driver.sent]


def each_order(*told: Told, name: str = "retail", days: int = 80) -> list[tuple[str, datetime, str]]:
    """What was sent, which must be the same for every order of arrival."""
    found = [course(heard(*order, name=name), days) for order in permutations(told)]
    assert all(one == found[0] for one in found)
    return found[0]


# --- cancelling events, by their time


def test_a_cancellation_before_a_new_start_arms_no_win_back() -> None:
    cancelled = (SubscriptionCancelled(subscription_id="s-1"), NOON - HOUR)
    assert [rule for rule, *_ in each_order((started("s-2"), NOON), cancelled, name="subscription")] == [
        "welcome"
    ]


def test_a_cancellation_after_the_start_does_whichever_comes_first() -> None:
    cancelled = (SubscriptionCancelled(subscription_id="s-1"), NOON)
    sent = each_order((started("s-2"), NOON - HOUR), cancelled, name="subscription")
    assert [(rule, at) for rule, at, _ in sent] == [
        ("welcome", NOON + DAY - HOUR),
        ("win-back", NOON + 60 * DAY),
    ]


def test_a_subscription_that_was_cancelled_already_is_not_welcomed() -> None:
    cancelled = (SubscriptionCancelled(subscription_id="s-1"), NOON)
    sent = each_order((started("s-1"), NOON - HOUR), cancelled, name="subscription")
    assert [rule for rule, *_ in sent] == ["win-back"]


def test_points_that_were_spent_before_the_reward_was_told_do_not_take_it_back() -> None:
    issued = RewardIssued(reward_id="r", voucher_code="v", expires_at=NOON + DAY)
    assert [rule for rule, *_ in each_order((reward(), NOON), (issued, NOON - HOUR))] == ["reward-available"]
    assert each_order((reward(), NOON - HOUR), (issued, NOON)) == []
    assert each_order((reward(), NOON), (issued, NOON)) == []


def test_a_return_heard_before_its_order_calls_the_thank_you_off() -> None:
    assert each_order((purchase("o-1"), NOON - HOUR), (returned("o-1"), NOON), days=40) == []
    assert each_order((purchase("o-1"), NOON), (returned("o-1"), NOON - HOUR), days=40) == []
    other = each_order((purchase("o-1"), NOON), (returned("o-2"), NOON), days=40)
    assert [rule for rule, *_ in other] == ["thank-you"]


def test_a_resolution_before_the_last_reopening_is_not_asked_about() -> None:
    told = [(opened(), NOON - 4 * HOUR), (resolved(), NOON - 3 * HOUR), (reopened(), NOON - 2 * HOUR)]
    assert each_order(*told) == []
    sent = each_order(*told, (resolved(), NOON - HOUR))
    assert [(rule, at) for rule, at, _ in sent] == [("complaint-check", NOON + 2 * DAY - HOUR)]


def test_a_resolution_that_cannot_be_starts_nothing() -> None:
    """Reopening counts only after a resolution, resolving only while the complaint is open."""
    told = [(opened(), NOON - 4 * HOUR), (resolved(), NOON - 3 * HOUR), (resolved(), NOON - 2 * HOUR)]
    sent = each_order(*told)
    assert [(rule, at) for rule, at, _ in sent] == [("complaint-check", NOON + 2 * DAY - 3 * HOUR)]
    assert course(heard((resolved("never-opened"), NOON))) == []


# --- complaints


def complaining(*told: Told) -> list[str]:
    """Why the thank-you for a purchase of now does not go."""
    driver = heard(*told, (purchase(), NOON))
    driver.after(3 * HOUR)
    return [fact.reason for fact in driver.facts(OutreachSuppressed)]


def test_a_complaint_resolved_before_its_opening_was_heard_does_not_hold_marketing() -> None:
    told = [(opened(), NOON - 2 * HOUR), (resolved(), NOON - HOUR)]
    for order in permutations(told):
        assert complaining(*order) == []
    for order in permutations([*told, (ComplaintReopened(complaint_id="k-1", reason="r"), NOON)]):
        assert complaining(*order) == ["open_complaint"]


def test_what_happened_before_a_reopening_does_not_end_it() -> None:
    told = [(opened(), NOON - 5 * HOUR), (resolved(), NOON - 4 * HOUR), (reopened(), NOON - 2 * HOUR)]
    for order in permutations([*told, (ComplaintClosed(complaint_id="k-1"), NOON - 3 * HOUR)]):
        assert complaining(*order) == ["open_complaint"]


def test_a_complaint_that_was_never_opened_holds_nothing() -> None:
    assert complaining((reopened(), NOON - HOUR)) == []


def test_a_step_waits_thirty_days_for_its_opening() -> None:
    for days, reasons in ((29, []), (31, ["open_complaint"])):
        driver = heard((resolved(), NOON))
        driver.after(days * DAY)
        driver.event(opened(), at=NOON - HOUR)
        driver.event(purchase())
        driver.after(3 * HOUR)
        assert [fact.reason for fact in driver.facts(OutreachSuppressed)] == reasons


def test_at_most_fifty_steps_wait_and_a_known_complaint_stays_small() -> None:
    driver = heard()
    for minute in range(60):
        driver.event(resolved() if minute % 2 else reopened(), at=NOON - timedelta(minutes=minute))
    assert len(driver.state.complaints[0].steps) == 50
    driver.event(opened(), at=NOON - DAY)
    for minute in range(60):
        driver.event(reopened() if minute % 2 else resolved(), at=NOON + timedelta(minutes=minute))
    assert len(driver.state.complaints[0].steps) <= 51
    assert driver.state.complaints[0].is_open


def test_complaints_that_are_long_over_are_forgotten_and_open_ones_are_not() -> None:
    driver = heard((opened("old"), NOON), (resolved("old"), NOON), (opened("open"), NOON))
    driver.after(801 * DAY)
    driver.event(opened("new"))
    assert {c.complaint_id for c in driver.state.complaints} == {"open", "new"}


# --- profile and consents


def test_an_older_profile_fills_what_no_later_one_told() -> None:
    told = [
        (profile(email="old@example.org", timezone="Asia/Tokyo", phone="+49 1"), NOON - 3 * HOUR),
        (CustomerUpdated(name="Ada King", phone=None), NOON - 2 * HOUR),
        (CustomerUpdated(email="new@example.org"), NOON - HOUR),
    ]
    for order in permutations(told):
        driver = Driver()
        for data, at in order:
            driver.event(data, at=at)
        state = driver.state
        assert (state.name, state.email, state.timezone, state.phone) == (
            "Ada King", "new@example.org", "Asia/Tokyo", None,
        )  # fmt: skip


def test_an_update_of_the_name_keeps_the_address() -> None:
    driver = reachable(Driver())
    driver.event(CustomerUpdated(name="Ada King"))
    driver.event(purchase())
    driver.after(3 * HOUR)
    [message] = driver.sent
    assert message["to"] == {"name": "Ada King", "address": "ada@example.org"}


def test_a_consents_later_word_wins_whichever_is_heard_first() -> None:
    told: list[tuple[ConsentChanged, datetime]] = [
        (granted(word=False), NOON - 2 * HOUR),
        (granted(), NOON - HOUR),
    ]
    for order in permutations(told):
        driver = heard(*order, (purchase(), NOON))
        assert [rule for rule, *_ in course(driver, 1)] == ["thank-you"]


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
