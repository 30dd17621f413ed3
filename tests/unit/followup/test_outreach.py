"""The three rules, from trigger to message."""

from datetime import timedelta

import pytest

from services.followup.domain.preview import preview
from shared.schemas.complaints import ComplaintClosed
from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachFailed,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)
from shared.schemas.purchases import SubscriptionCancelled, SubscriptionStarted

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
    rules,
)


def reasons(driver: Driver, kind: type[OutreachSuppressed] | type[OutreachCancelled]) -> list[str]:
    return [fact.reason for fact in driver.facts(kind)]


def test_thank_you_goes_two_hours_after_a_purchase() -> None:
    driver = reachable(Driver())
    driver.event(purchase("o-7"))
    [scheduled] = driver.facts(OutreachScheduled)
    assert (scheduled.rule, scheduled.channel, scheduled.due_at) == ("thank-you", "email", NOON + 2 * HOUR)
    driver.after(timedelta(minutes=119))
    assert not driver.sent
    driver.after(timedelta(minutes=1))
    [message] = driver.sent
    assert message["to"] == {"name": "Ada Byron", "address": "ada@example.org"}
    assert "Dear Ada Byron," in message["text"]
    assert message["headers"]["List-Unsubscribe"] == "<https://rapport.example/u/c-1-marketing-email>"
    assert message["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [sent] = driver.facts(OutreachSent)
    assert (sent.outreach_id, sent.attempt) == (scheduled.outreach_id, 1)
    assert driver.statuses() == ["sent"]
    assert not {"to", "text", "html", "subject"} & set(driver.rows[sent.outreach_id])


def test_at_most_one_thank_you_in_30_days_and_the_others_are_not_even_planned() -> None:
    driver = reachable(Driver())
    for day in range(32):
        driver.until(NOON + day * DAY)
        driver.event(purchase(f"o-{day}"))
    driver.after(HOUR * 3)
    times = [message["at"] for message in driver.sent]
    assert times == [NOON + 2 * HOUR, NOON + 30 * DAY + 2 * HOUR]
    assert len(driver.facts(OutreachScheduled)) == 2
    assert len(driver.emitted) == 4


def test_without_consent_nothing_goes_and_it_is_said_once_in_the_interval() -> None:
    driver = Driver()
    driver.event(profile())
    for day in range(10):
        driver.until(NOON + day * DAY)
        driver.event(purchase(f"o-{day}"))
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]
    driver.event(granted())
    driver.event(purchase("o-11"))
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1


def test_the_latest_word_on_consent_by_event_time_holds() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted(word=False), at=NOON - HOUR)
    driver.event(granted(), at=NOON - 2 * HOUR)
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]


def test_consent_withdrawn_before_the_due_time_counts() -> None:
    driver = reachable(Driver())
    driver.event(purchase())
    driver.after(HOUR)
    driver.event(granted(word=False))
    driver.after(2 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]
    assert driver.statuses() == ["suppressed"]


def test_no_address_is_an_unmet_condition() -> None:
    driver = reachable(Driver())
    driver.event(CustomerUpdated(name="Ada"), at=NOON + timedelta(seconds=1))
    driver.event(profile(), at=NOON - DAY)
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["condition_unmet"]


def test_quiet_hours_defer_in_the_customers_zone_without_a_word() -> None:
    driver = reachable(Driver())
    driver.event(CustomerUpdated(name="Ada", email="ada@example.org", timezone="Asia/Tokyo"))
    driver.event(purchase())  # due 14:00 UTC, 23:00 in Tokyo
    driver.after(3 * HOUR)
    assert not driver.sent
    assert len(driver.emitted) == 1
    driver.until(NOON + DAY)
    assert driver.sent[0]["at"] == NOON + 11 * HOUR  # 08:00 in Tokyo


def test_what_quiet_hours_would_make_stale_is_suppressed() -> None:
    hasty = rules(stale_after=HOUR)
    driver = reachable(Driver(policy=policy(hasty), now=NOON + 8 * HOUR))
    driver.event(purchase())  # due 22:00
    driver.after(DAY)
    assert reasons(driver, OutreachSuppressed) == ["quiet_hours"]


def test_a_complaint_open_at_the_due_time_holds_marketing_back() -> None:
    driver = reachable(Driver())
    driver.event(purchase())
    driver.event(opened())
    driver.after(3 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["open_complaint"]
    driver.event(resolved())
    driver.event(purchase("o-2"))
    driver.after(3 * HOUR)
    assert [message["rule"] for message in driver.sent] == ["thank-you"]


def test_a_closed_complaint_is_over_and_other_ones_are_not() -> None:
    driver = reachable(Driver())
    driver.event(opened("k-1"))
    driver.event(opened("k-2"))
    driver.event(ComplaintClosed(complaint_id="k-1"))
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["open_complaint"]


def test_complaint_check_two_days_after_resolve_needs_no_marketing_consent() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(opened())
    driver.event(resolved())
    driver.event(opened("k-2"))  # a service message goes even so
    driver.after(2 * DAY)
    [message] = driver.sent
    assert message["at"] == NOON + 2 * DAY
    assert "complaint k-1" in message["text"]


def test_a_service_refusal_is_respected() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted("service", word=False))
    driver.event(resolved())
    driver.after(3 * DAY)
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]


def test_a_reopened_complaint_cancels_its_check_and_a_new_resolve_plans_another() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(resolved("k-1"))
    driver.event(resolved("k-2"))
    driver.after(DAY)
    driver.event(reopened("k-1"))
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]
    driver.after(2 * DAY)
    assert [message["rule"] for message in driver.sent] == ["complaint-check"]
    assert "k-2" in driver.sent[0]["text"]
    driver.event(resolved("k-1"))
    driver.after(2 * DAY)
    assert "k-1" in driver.sent[1]["text"]
    assert len({scheduled.outreach_id for scheduled in driver.facts(OutreachScheduled)}) == 3


def test_win_back_after_60_quiet_days_counted_from_the_last_purchase() -> None:
    driver = reachable(Driver())
    driver.event(purchase("o-1"))
    driver.until(NOON + 50 * DAY)
    driver.event(purchase("o-2"))
    driver.event(purchase("o-0"), at=NOON + 20 * DAY)  # late: not the last one
    driver.until(NOON + 110 * DAY - timedelta(seconds=1))
    assert [m["rule"] for m in driver.sent] == ["thank-you", "thank-you"]
    driver.until(NOON + 300 * DAY)
    assert [m["rule"] for m in driver.sent][2:] == ["win-back"]
    assert driver.sent[2]["at"] == NOON + 110 * DAY
    win_backs = [f for f in driver.facts(OutreachScheduled) if f.rule == "win-back"]
    assert len(win_backs) == 1  # at the decision only, not at every purchase


def test_every_quiet_time_has_its_own_win_back() -> None:
    driver = reachable(Driver())
    for start in (0, 100, 200):
        driver.until(NOON + start * DAY)
        driver.event(purchase(f"o-{start}"))
    driver.until(NOON + 400 * DAY)
    days = [(m["at"] - NOON).days for m in driver.sent if m["rule"] == "win-back"]
    assert days == [60, 160, 260]


def test_a_purchase_in_the_night_before_a_deferred_win_back_calls_it_off() -> None:
    driver = reachable(Driver(now=NOON + 10 * HOUR))  # 22:00
    driver.event(purchase("o-1"))
    driver.after(60 * DAY + HOUR)  # 23:00, 60 days later: deferred to 08:00
    driver.event(purchase("o-2"))
    driver.after(DAY)
    assert "win-back" not in [m["rule"] for m in driver.sent]
    driver.after(60 * DAY)
    assert [m["rule"] for m in driver.sent].count("win-back") == 1


def test_the_frequency_cap_holds_marketing_but_not_service() -> None:
    cap = rules().frequency_cap
    assert cap is not None
    driver = reachable(Driver(policy=policy(rules(frequency_cap=cap.model_copy(update={"max": 1})))))
    driver.event(purchase())
    driver.until(NOON + 59 * DAY)
    driver.event(resolved())
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
    driver.event(resolved())
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


def test_failures_and_doubts_are_reported_as_such() -> None:
    driver = reachable(Driver(instant=False))
    driver.event(purchase())
    driver.event(resolved())
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
    driver.event(resolved())
    fewer = rules()
    driver.policy = policy(
        fewer.model_copy(update={"rules": (), "templates": {"thank-you": fewer.templates["thank-you"]}})
    )
    driver.after(90 * DAY)
    assert reasons(driver, OutreachSuppressed) == ["condition_unmet", "condition_unmet"]


def test_the_subscription_rules() -> None:
    driver = reachable(Driver(policy=policy(rules("subscription"))))
    term = {"subscription_id": "s-1", "plan": "gold", "price": {"amount": 999, "currency": "EUR"}}
    started = SubscriptionStarted.model_validate({**term, "expires_at": NOON + 30 * DAY})
    driver.event(started)
    driver.after(2 * DAY)
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    driver.after(10 * DAY)
    driver.event(started)
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
    refused = preview(driver.state, driver.policy, rule, driver.now)
    assert (refused["decision"], refused["reason"], refused["at"]) == ("suppress", "no_consent", None)
    driver.event(granted())
    driver.event(purchase("o-9"))
    before = driver.state
    would = preview(driver.state, driver.policy, rule, driver.now)
    assert (would["decision"], would["to"], would["planned_at"]) == (
        "send",
        "ada@example.org",
        NOON + 2 * HOUR,
    )
    assert "Dear Ada Byron" in would["text"]
    night = preview(driver.state, driver.policy, rule, NOON + 10 * HOUR)
    assert (night["decision"], night["at"]) == ("wait", NOON + 20 * HOUR)
    assert driver.state is before
    check = driver.policy.rules.rule("complaint-check")
    assert check is not None
    assert "<complaint_id>" in preview(driver.state, driver.policy, check, driver.now)["text"]
    win_back = driver.policy.rules.rule("win-back")
    assert win_back is not None
    assert preview(driver.state, driver.policy, win_back, driver.now)["planned_at"] == NOON + 60 * DAY
