"""What crosses a message's way: the cap, history, erasure, withdrawal, failure, changed rules."""

from datetime import timedelta

import pytest

from shared.schemas.customers import CustomerErased
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import SubscriptionCancelled

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    policy,
    previewed,
    profile,
    purchase,
    reachable,
    resolved,
    rules,
    solved,
    started,
)
from .hearing import reasons


def test_the_frequency_cap_holds_marketing_but_not_service() -> None:
    cap = rules().frequency_cap
    assert cap is not None
    driver = reachable(Driver(policy=policy(rules(frequency_cap=cap.model_copy(update={"max": 1})))))
    driver.event(purchase())
    driver.until(NOON + 59 * DAY)
    solved(driver)
    driver.until(NOON + 62 * DAY)
    driver.event(purchase("o-2"), at=NOON + 60 * DAY + HOUR)
    driver.until(NOON + 70 * DAY)
    assert reasons(driver, OutreachSuppressed) == ["frequency_cap"]
    assert [m["rule"] for m in driver.sent] == ["thank-you", "win-back", "complaint-check"]


def test_history_sends_nothing() -> None:
    driver = Driver()
    year_ago = NOON - 365 * DAY
    driver.event(profile(), at=year_ago)
    driver.event(granted(), at=year_ago)
    for day in range(0, 200, 20):
        driver.event(purchase(f"o-{day}"), at=year_ago + day * DAY)
        driver.event(opened(f"k-{day}"), at=year_ago + day * DAY - HOUR)
        driver.event(resolved(f"k-{day}"), at=year_ago + day * DAY)
    driver.after(DAY)
    assert not driver.emitted
    assert not driver.timers
    driver.event(purchase("now"))
    driver.after(DAY)
    assert len(driver.sent) == 1


def test_a_timer_that_fires_too_late_is_stale() -> None:
    driver = reachable(Driver())
    driver.event(purchase())
    driver.now = NOON + 4 * DAY  # the worker was down
    driver.after(HOUR)
    assert reasons(driver, OutreachSuppressed) == ["stale"]


def test_erasure_cancels_and_forgets() -> None:
    driver = reachable(Driver(instant=False))
    solved(driver)
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert driver.statuses("thank-you") == ["ready"]
    driver.event(CustomerErased())
    assert sorted(reasons(driver, OutreachCancelled)) == ["erased", "erased"]
    assert not driver.timers
    assert driver.deliver() == 0
    kept = driver.state.model_dump_json()
    assert "Ada" not in kept
    assert "ada@" not in kept + str(driver.rows)
    driver.event(profile())
    driver.event(granted())
    driver.event(purchase())
    driver.after(90 * DAY)
    assert not driver.sent


@pytest.mark.parametrize(
    ("data", "reason"),
    [(granted(word=False), "no_consent"), (opened(), "open_complaint")],
)
def test_what_is_still_with_the_sender_is_taken_back(data: object, reason: str) -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.event(data)  # type: ignore[arg-type]
    assert reasons(driver, OutreachCancelled) == [reason]
    assert driver.statuses() == ["cancelled"]
    assert driver.deliver() == 0


def test_under_the_stream_clock_what_is_decided_counts_as_sent() -> None:
    driver = reachable(Driver(policy=policy(event_time=True), instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.event(granted(word=False))
    assert driver.statuses() == ["ready"]
    driver.after(DAY * 20)
    assert driver.deliver() == 1
    [sent] = [emit for emit in driver.emitted if isinstance(emit.data, OutreachSent)]
    assert sent.time == NOON + 2 * HOUR


def test_event_row_and_timer_name_one_instant_though_mongodb_keeps_milliseconds() -> None:
    driver = reachable(Driver())
    driver.event(purchase(), at=NOON + timedelta(microseconds=123_456))
    [told] = driver.facts(OutreachScheduled)
    [row] = driver.rows.values()
    timer = next(t for t in driver.worker.timers() if told.outreach_id in t.name)
    due_at = NOON + 2 * HOUR + timedelta(milliseconds=123)
    assert (told.due_at, row["due_at"], timer.due_at) == (due_at, due_at, due_at)


def test_failures_and_doubts_are_reported_as_such() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    solved(driver)
    driver.after(3 * HOUR)
    driver.deliver("failed", "550 no such user")
    assert driver.statuses("thank-you") == ["failed"]
    driver.event(purchase("o-2"))  # a failed one does not count for the interval
    driver.after(3 * HOUR)
    driver.deliver("in_doubt")
    driver.event(purchase("o-3"))  # one in doubt does: it may have arrived
    driver.after(3 * HOUR)
    assert driver.deliver() == 0
    assert len(driver.facts(OutreachFailed)) == 2


def test_a_report_of_too_late_is_stale() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.after(3 * HOUR)
    driver.deliver("failed", "stale")
    assert reasons(driver, OutreachSuppressed) == ["stale"]
    assert not driver.facts(OutreachFailed)


def test_rules_that_are_gone_send_nothing() -> None:
    driver = reachable(Driver())
    driver.event(purchase())
    solved(driver)
    fewer = rules()
    driver.policy = policy(
        fewer.model_copy(update={"rules": (), "templates": {"thank-you": fewer.templates["thank-you"]}})
    )
    driver.after(90 * DAY)
    assert reasons(driver, OutreachSuppressed) == ["condition_unmet", "condition_unmet"]


def test_the_subscription_rules() -> None:
    driver = reachable(Driver(policy=policy(rules("subscription"))))
    driver.event(started())
    driver.after(2 * DAY)
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    driver.after(10 * DAY)
    driver.event(started(expires_at=NOON + 400 * DAY))
    driver.after(80 * DAY)
    assert [m["rule"] for m in driver.sent] == ["welcome"]
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    driver.after(61 * DAY)
    assert [m["rule"] for m in driver.sent] == ["welcome", "win-back"]


def test_preview_says_what_when_and_why_not() -> None:
    driver = Driver()
    driver.event(profile())
    rule = driver.policy.rules.rule("thank-you")
    assert rule is not None
    refused = previewed(driver, rule)
    assert (refused.decision, refused.reason, refused.at) == ("suppress", "no_consent", None)
    driver.event(granted())
    driver.event(purchase("o-9"))
    before = driver.state
    would = previewed(driver, rule)
    assert (would.decision, would.to, would.planned_at) == (
        "send",
        "ada@example.org",
        NOON + 2 * HOUR,
    )
    assert "Dear Ada Byron" in would.text
    night = previewed(driver, rule, NOON + 10 * HOUR)
    assert (night.decision, night.at) == ("wait", NOON + 20 * HOUR)
    assert driver.state is before
    check = driver.policy.rules.rule("complaint-check")
    assert check is not None
    assert "<complaint_id>" in previewed(driver, check).text
    win_back = driver.policy.rules.rule("win-back")
    assert win_back is not None
    assert previewed(driver, win_back).planned_at == NOON + 60 * DAY
