"""What happens is decided by event times, whatever was heard first; a clock that runs ahead moves nothing
but its own event."""

from datetime import datetime, timedelta
from itertools import permutations

from shared.facts.complaints import OPENED, RESOLVED
from shared.schemas.base import Data
from shared.schemas.commands.followup import UnsubscribeRequested
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintUpdated,
)
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.loyalty import RewardIssued
from shared.schemas.outreach import OutreachSuppressed
from shared.schemas.purchases import SubscriptionCancelled

from .driver import (
    DAY,
    HOUR,
    NOON,
    Driver,
    granted,
    opened,
    profile,
    purchase,
    reachable,
    reopened,
    resolved,
    returned,
    reward,
    started,
)
from .hearing import course, each_order, heard

Told = tuple[Data, datetime]

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


def complaining(*told: Told, now: datetime = NOON) -> list[str]:
    """Why the thank-you for a purchase of now does not go."""
    driver = heard(*told, (purchase(), now), now=now)
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
    for days, reasons in ((29, ["stale"]), (31, ["open_complaint"])):
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
    assert len(driver.state.complaints[0].waiting) == 50
    driver.event(opened(), at=NOON - DAY)
    for minute in range(60):
        driver.event(reopened() if minute % 2 else resolved(), at=NOON + timedelta(minutes=minute))
    assert len(driver.state.complaints[0].steps) <= 51
    assert driver.state.complaints[0].is_open


def test_each_step_waits_for_itself() -> None:
    """One that was heard earlier, and is gone, takes none with it."""
    driver = heard((reopened(), NOON - timedelta(minutes=15)))
    driver.after(29 * DAY)
    driver.event(resolved(), at=NOON - timedelta(minutes=10))
    driver.after(2 * DAY)
    driver.event(opened(), at=NOON - HOUR)
    assert [step.kind for step in driver.state.complaints[0].steps] == [OPENED, RESOLVED]
    assert not driver.state.complains


def test_steps_of_every_kind_are_among_the_fifty_that_wait() -> None:
    steps = [
        ComplaintUpdated(complaint_id="k-1", message="m"),
        ComplaintAcknowledged(complaint_id="k-1", message="m"),
    ]
    for several, complains in ((49, False), (50, True)):
        driver = heard()
        for minute in range(several):
            driver.event(steps[minute % 2], at=NOON - timedelta(minutes=100 - minute))
        driver.event(resolved(), at=NOON - timedelta(minutes=10))
        driver.event(opened(), at=NOON - 5 * HOUR)
        assert driver.state.complains == complains


def test_many_updates_do_not_crowd_out_a_resolution() -> None:
    driver = heard((opened(), NOON - 2 * HOUR), (resolved(), NOON - HOUR))
    for minute in range(60):
        told = ComplaintUpdated(complaint_id="k-1", message="m")
        driver.event(told, at=NOON + timedelta(minutes=minute))
    assert len(driver.state.complaints[0].steps) == 51
    assert not driver.state.complains


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


def test_a_withdrawal_beats_a_grant_of_the_future_that_was_heard_before_it() -> None:
    driver = Driver()
    driver.event(profile())
    driver.event(granted(), at=NOON + 20 * HOUR)
    driver.after(HOUR)
    driver.event(granted(word=False))
    assert not driver.state.consents[0].granted
    driver.event(purchase())
    assert course(driver, 3) == []
    driver.event(granted())
    assert driver.state.consents[0].granted


def test_of_words_dated_ahead_and_heard_at_once_the_later_holds() -> None:
    told: list[Told] = [(granted(word=False), NOON + 2 * HOUR), (granted(), NOON + HOUR)]
    for order in permutations(told):
        assert not heard(*order).state.consents[0].granted


# --- within a millisecond, which is as far as timers and rows go


def test_what_happens_within_a_millisecond_is_told_apart() -> None:
    bit = timedelta(microseconds=1)
    life = [(opened(), NOON), (resolved(), NOON + bit), (reopened(), NOON + 2 * bit)]
    for order in permutations([*life, (resolved(), NOON + 3 * bit)]):
        assert complaining(*order, now=NOON + HOUR) == []
    for order in permutations(life):
        assert complaining(*order, now=NOON + HOUR) == ["open_complaint"]
    words: list[Told] = [(granted(), NOON), (granted(word=False), NOON + bit)]
    names: list[Told] = [(CustomerUpdated(name="Ada"), NOON), (CustomerUpdated(name="King"), NOON + bit)]
    for first, second in ((0, 1), (1, 0)):
        driver = heard(words[first], words[second], names[first], names[second])
        assert not driver.state.consents[0].granted
        assert driver.state.name == "King"


def test_an_unsubscription_is_the_later_word_within_its_millisecond() -> None:
    driver = heard((granted(), NOON + timedelta(microseconds=700)), now=NOON + HOUR)
    driver.now = NOON + HOUR + timedelta(microseconds=900)
    driver.event(UnsubscribeRequested(purpose="marketing", channel="email"))
    driver.event(granted(), at=NOON + HOUR + timedelta(microseconds=800))
    assert not driver.state.consents[0].granted
