"""The rules about purchases and complaints, from trigger to message."""

from datetime import timedelta

import pytest

from shared.schemas.complaints import ComplaintClosed
from shared.schemas.customers import CustomerUpdated
from shared.schemas.outreach import (
    OutreachCancelled,
    OutreachScheduled,
    OutreachSent,
    OutreachSuppressed,
)

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
    rules,
    solved,
)
from .hearing import reasons


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


def test_at_most_one_thank_you_in_30_days_and_of_the_others_it_is_told_why() -> None:
    driver = reachable(Driver())
    for day in range(32):
        driver.until(NOON + day * DAY)
        driver.event(purchase(f"o-{day}"))
    driver.after(HOUR * 3)
    times = [message["at"] for message in driver.sent]
    assert times == [NOON + 2 * HOUR, NOON + 30 * DAY + 2 * HOUR]
    assert len(driver.facts(OutreachScheduled)) == 2
    told = driver.facts(OutreachSuppressed)
    assert len(told) == 30
    for fact in told:
        assert (fact.reason, fact.blocked_by) == ("duplicate", ("duplicate",))
        assert fact.detail == "thank-you goes once in 30d"
    ends = [fact.next_at for fact in told]
    assert ends == [times[0] + 30 * DAY] * 29 + [times[1] + 30 * DAY]
    assert driver.statuses().count("suppressed") == 30


def test_without_consent_nothing_goes_and_each_is_told_when_it_is_due() -> None:
    driver = Driver()
    driver.event(profile())
    for day in range(10):
        driver.until(NOON + day * DAY)
        driver.event(purchase(f"o-{day}"))
    assert reasons(driver, OutreachSuppressed) == ["no_consent"] * 9
    assert len(driver.facts(OutreachScheduled)) == 1  # the others are told of when they are decided
    driver.event(granted())
    driver.event(purchase("o-11"))
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1
    assert reasons(driver, OutreachSuppressed) == ["no_consent"] * 9 + ["duplicate"]


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
    driver.event(CustomerUpdated(email=None))
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
    driver.event(resolved("k-1"))
    driver.event(ComplaintClosed(complaint_id="k-1"))
    driver.event(purchase())
    driver.after(3 * HOUR)
    assert reasons(driver, OutreachSuppressed) == ["open_complaint"]


def test_complaint_check_two_days_after_resolve_needs_no_marketing_consent() -> None:
    driver = Driver()
    driver.event(profile())
    solved(driver)
    driver.event(opened("k-2"))  # a service message goes even so
    driver.after(2 * DAY)
    [message] = driver.sent
    assert message["at"] == NOON + 2 * DAY
    assert "complaint k-1" in message["text"]


def test_a_service_refusal_is_respected() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted("service", word=False))
    solved(driver)
    driver.after(3 * DAY)
    assert reasons(driver, OutreachSuppressed) == ["no_consent"]


def test_a_reopened_complaint_cancels_its_check_and_a_new_resolve_plans_another() -> None:
    driver = Driver()
    driver.event(profile())
    solved(driver, "k-1")
    solved(driver, "k-2")
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


@pytest.mark.parametrize(
    ("cents", "currency", "sent"),
    [(1000, "EUR", 0), (1001, "EUR", 0), (1, "EUR", 0), (1002, "EUR", 1), (1000, "USD", 1)],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_return_that_cannot_be_of_the_order_undoes_nothing(
    cents: int, currency: str, sent: int, first: bool
) -> None:
    """The order: one line of EUR 10.00."""
    driver = reachable(Driver())
    told = [purchase(), returned(cents=cents, currency=currency)]
    for data in reversed(told) if first else told:
        driver.event(data)
    driver.after(3 * HOUR)
    assert len(driver.sent) == sent


def test_a_return_that_can_be_undoes_the_order_after_one_that_cannot() -> None:
    for ids in (("r-1", "r-2"), ("r-2", "r-1")):
        for before in (False, True):
            driver = reachable(Driver())
            told = [returned(id=ids[0], cents=9000), returned(id=ids[1]), purchase()]
            for data in told if before else told[::-1]:
                driver.event(data)
            driver.after(3 * HOUR)
            assert driver.sent == []


def test_a_return_that_cannot_be_keeps_its_name_free_for_one_that_is_told_right() -> None:
    for before in (False, True):
        driver = reachable(Driver())
        told = [returned(currency="USD"), returned()]
        for data in [*told, purchase()] if before else [purchase(), *told]:
            driver.event(data)
        driver.after(3 * HOUR)
        assert driver.sent == []


def test_a_return_that_is_told_otherwise_starts_nothing_again() -> None:
    shipped = rules().rules[0]
    asks = {"triggers": ("purchase.returned",), "cancel_on": (), "for_each": None, "at_most_one_in": None}
    rule = shipped.model_copy(update=asks)
    driver = reachable(Driver(policy=policy(rules(rules=(rule,)))))
    driver.event(returned())
    driver.after(3 * HOUR)
    driver.event(returned(cents=900))
    driver.after(3 * HOUR)
    assert len(driver.sent) == 1


def test_a_return_that_cannot_be_leaves_a_message_with_the_sender() -> None:
    for currency, status in (("USD", "ready"), ("EUR", "cancelled")):
        driver = reachable(Driver(instant=False))
        driver.event(purchase())
        driver.after(2 * HOUR)
        assert driver.statuses("thank-you") == ["ready"]
        driver.event(returned(currency=currency))
        assert driver.statuses("thank-you") == [status]
