"""Rules that start at a date of the customer's, in their own time: birthdays, terms, maintenance, members."""

from datetime import datetime
from typing import Any

import pytest

from services.followup.config import parse_versions
from shared.runtime.config import ConfigError
from shared.schemas.customers import CustomerErased, CustomerUpdated
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.outreach import OutreachCancelled, OutreachScheduled, OutreachSuppressed
from shared.schemas.purchases import ProductRegistered, SubscriptionCancelled, SubscriptionRenewed

from .driver import DAY, HEAD, HOUR, NOON, Driver, granted, previewed, profile, started, written
from .hearing import reasons, sent


def rule(trigger: str, more: str = "", template: str = "welcome") -> str:
    return f"$HEAD\nrules:\n  - {{name: day, triggers: [{trigger}], template: {template}{more}}}"


BIRTHDAY = '{date: profile.birthday, at: "09:00"}'
EXPIRES = '{date: subscription.expires_at, offset: -30d, at: "10:00"}'
DUE = "{date: product.maintenance_at, offset: -7d}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def known(text: str, now: datetime = NOON, **told: Any) -> Driver:
    """A customer who may be written to, by this file."""
    driver = Driver(policy=written(text), now=now)
    driver.event(profile(**told))
    driver.event(granted())
    return driver


def renewed(expires_at: datetime, id: str = "s-1") -> SubscriptionRenewed:
    term = {"subscription_id": id, "plan": "gold", "price": {"amount": 999, "currency": "EUR"}}
    return SubscriptionRenewed.model_validate({**term, "expires_at": expires_at})


def test_each_year_at_its_hour_where_the_customer_lives() -> None:
    driver = known(rule(BIRTHDAY), timezone="Asia/Tokyo", birthday="1990-04-01")
    driver.until(NOON + 800 * DAY)
    assert [m["at"] for m in driver.sent] == [at("2026-04-01T00:00Z"), at("2027-04-01T00:00Z"),
                                              at("2028-04-01T00:00Z")]  # fmt: skip
    assert len(driver.facts(OutreachScheduled)) == 3
    assert len(driver.timers) == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00-12:00", "0001-01-01T00:00:00Z"])
def test_what_never_ends_may_be_said_to_end_at_the_end_of_the_calendar(zone: str, end: str) -> None:
    """There are no local times there, and no day 30 days before the first."""
    driver = known(rule(EXPIRES), timezone=zone)
    driver.event(renewed(at(end)))
    assert not driver.timers
    driver.event(renewed(driver.now + 40 * DAY, "s-2"))
    driver.after(12 * DAY)
    assert len(driver.sent) == 1
    product = {"product_id": "p-1", "sku": "pot", "purchased_at": end, "maintenance_every_days": 36_500}
    owner = known(rule(DUE), timezone=zone)
    owner.event(ProductRegistered.model_validate(product))
    owner.after(DAY)
    assert not owner.sent


def test_the_29th_of_february_is_the_28th_in_other_years() -> None:
    driver = known(rule(BIRTHDAY), birthday="--02-29")
    driver.until(at("2029-01-01T00:00Z"))
    days = [m["at"].date().isoformat() for m in driver.sent]
    assert days == ["2027-02-28", "2028-02-29"]
    driver.until(at("2029-12-01T00:00Z"))
    assert driver.sent[-1]["at"] == at("2029-02-28T09:00Z")


@pytest.mark.parametrize(
    ("zone", "birthday", "hour", "went"),
    [
        ("Europe/Berlin", "--03-29", "02:30", "2026-03-29T01:00Z"),  # skipped: the instant of the change
        ("Europe/Berlin", "--10-25", "02:30", "2026-10-25T00:30Z"),  # comes twice: the first
        ("America/Santiago", "--09-06", "00:00", "2026-09-06T04:00Z"),  # midnight is skipped
        ("Pacific/Kiritimati", "--06-10", "09:00", "2026-06-09T19:00Z"),
        ("Pacific/Pago_Pago", "--06-10", "09:00", "2026-06-10T20:00Z"),
        ("Asia/Kathmandu", "--06-10", "09:00", "2026-06-10T03:15Z"),
    ],
)
def test_clock_changes_and_far_zones(zone: str, birthday: str, hour: str, went: str) -> None:
    driver = known(rule(BIRTHDAY.replace("09:00", hour)), timezone=zone, birthday=birthday)
    driver.until(at("2026-12-31T00:00Z"))
    assert [m["at"] for m in driver.sent] == [at(went)]


def test_a_change_moves_the_timer() -> None:
    driver = known(rule(BIRTHDAY), birthday="--06-10")
    driver.event(CustomerUpdated(birthday="--05-10"))
    driver.event(CustomerUpdated(timezone="America/New_York"))
    assert len(driver.timers) == 1
    assert previewed(driver, driver.policy.rules.rules[0]).planned_at == at("2026-05-10T13:00Z")
    driver.until(at("2026-12-31T00:00Z"))
    assert [m["at"] for m in driver.sent] == [at("2026-05-10T13:00Z")]
    driver.event(CustomerUpdated.model_validate({"birthday": None}))
    assert not driver.timers


def test_one_birthday_is_one_however_it_is_moved() -> None:
    """Greeted in Tokyo, the customer flies to New York; then the date is put right, to later in the year."""
    driver = known(rule(BIRTHDAY), timezone="Asia/Tokyo", birthday="--06-10")
    driver.until(at("2026-06-10T01:00Z"))
    driver.event(CustomerUpdated(timezone="America/New_York"))
    driver.until(at("2026-06-20T00:00Z"))
    driver.event(CustomerUpdated(birthday="--07-10"))
    driver.until(at("2027-06-30T00:00Z"))
    assert len(driver.sent) == 1
    driver.until(at("2027-07-30T00:00Z"))
    assert len(driver.sent) == 2


def test_a_date_that_is_past_is_told_within_stale_after_alone() -> None:
    driver = known(rule(BIRTHDAY, ", stale_after: 1d"))
    driver.event(CustomerUpdated(birthday="--03-02"))
    assert sent(driver) == [("day", NOON)]
    driver = known(rule(BIRTHDAY, ", stale_after: 1d"), birthday="--03-01")
    driver.after(300 * DAY)
    assert not driver.emitted


def test_an_outage_past_stale_after_is_told_as_stale() -> None:
    driver = known(rule(BIRTHDAY), birthday="--03-10")
    driver.now = at("2026-03-20T00:00Z")
    driver.after(HOUR)
    assert reasons(driver, OutreachSuppressed) == ["stale"]
    assert len(driver.timers) == 1


def test_no_birthday_no_timer_and_erasure_takes_it_away() -> None:
    assert not known(rule(BIRTHDAY)).timers
    driver = known(rule(BIRTHDAY), birthday="--03-10")
    assert driver.timers
    driver.event(CustomerErased())
    assert not driver.timers


def test_a_birthday_s_message_waits_out_the_night_and_goes_with_the_date() -> None:
    """In quiet hours it waits; the birthday turns out to be another: it is taken back, and that is told."""
    text = rule('{date: profile.birthday, at: "06:00"}').replace(
        "rules:", 'quiet_hours: {from: "21:00", to: "08:00"}\nrules:'
    )
    driver = known(text, birthday="--03-10")
    driver.until(at("2026-03-10T06:30Z"))
    assert not driver.sent
    driver.event(CustomerUpdated(birthday="--09-10"))
    driver.until(at("2026-03-12T00:00Z"))
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]
    assert len(driver.emitted) == 1


def test_the_day_of_a_preference_and_what_the_template_is_told() -> None:
    text = rule("{date: preferences.child_birthday, offset: -14d}", ", variables: [date, years]")
    driver = known(text, preferences={"child_birthday": "2019-05-20", "other": 5}, timezone="Asia/Tokyo")
    driver.until(at("2026-04-01T00:00Z"))
    planned = driver.worker.timers()
    assert [timer.due_at for timer in planned] == [at("2026-05-05T15:00Z")]
    driver.until(at("2026-05-06T00:00Z"))
    assert [m["at"] for m in driver.sent] == [at("2026-05-05T15:00Z")]
    for value in ("tomorrow", 7, None, ["2019-05-20"], "2019-02-30", "--13-01"):
        driver.event(CustomerUpdated(preferences={"child_birthday": value}))
        assert not driver.timers


def test_each_year_of_a_membership() -> None:
    text = rule("{date: member.since, at: '12:00'}", ", variables: [years]")
    driver = known(text)
    driver.event(MemberEnrolled(), at=at("2025-04-01T23:30Z"))
    driver.until(at("2028-01-01T00:00Z"))
    assert [m["at"] for m in driver.sent] == [at("2026-04-01T12:00Z"), at("2027-04-01T12:00Z")]


# --- subscriptions


def test_thirty_seven_and_one_day_before_the_end_and_a_renewal_cancels() -> None:
    three = ", ".join(EXPIRES.replace("30d", f"{days}d") for days in (30, 7, 1))
    driver = known(rule(three, ", variables: [plan, expires_at]"))
    driver.event(started(expires_at=NOON + 40 * DAY))
    driver.until(NOON + 35 * DAY)
    assert [m["at"] for m in driver.sent] == [NOON + 10 * DAY - 2 * HOUR, NOON + 33 * DAY - 2 * HOUR]
    driver.event(renewed(NOON + 100 * DAY))
    driver.until(NOON + 71 * DAY)
    assert [m["at"] for m in driver.sent][2:] == [NOON + 70 * DAY - 2 * HOUR]
    driver.event(SubscriptionCancelled(subscription_id="s-1"))
    assert not driver.timers


def test_two_subscriptions_are_two_things() -> None:
    driver = known(rule(EXPIRES))
    driver.event(started("s-1", NOON + 40 * DAY))
    driver.event(started("s-2", NOON + 50 * DAY))
    assert len(driver.timers) == 2
    driver.after(60 * DAY)
    assert len(driver.sent) == 2


def test_a_renewal_takes_back_what_waits_for_the_morning() -> None:
    text = rule(EXPIRES.replace("10:00", "03:00")).replace(
        "rules:", 'quiet_hours: {from: "21:00", to: "08:00"}\nrules:'
    )
    driver = known(text)
    driver.event(started(expires_at=NOON + 40 * DAY))
    driver.until(NOON + 10 * DAY - 7 * HOUR)
    assert len(driver.state.planned) == 1
    driver.event(renewed(NOON + 400 * DAY))
    assert not driver.state.planned
    assert reasons(driver, OutreachCancelled) == ["condition_unmet"]


def test_a_term_of_the_past_says_nothing() -> None:
    driver = known(rule(EXPIRES))
    driver.event(started(expires_at=NOON + 5 * DAY))
    assert not driver.timers
    driver.after(50 * DAY)
    assert not driver.emitted


# --- products


def test_a_date_goes_by_the_version_and_window_of_its_day() -> None:
    before = rule(BIRTHDAY, ", active: {to: 2028-01-01}", "win-back")
    after = rule('{date: profile.birthday, at: "17:00"}')
    text = before + after.replace("$HEAD", "\n---\n$HEAD\neffective: 2029-01-01")
    driver = known(text, birthday="--06-10")
    driver.until(at("2030-01-01T00:00Z"))
    found = [(m["template"], m["at"]) for m in driver.sent]
    assert found == [
        ("win-back", at("2026-06-10T09:00Z")),
        ("win-back", at("2027-06-10T09:00Z")),
        ("welcome", at("2029-06-10T17:00Z")),
    ]


@pytest.mark.parametrize(
    ("trigger", "more", "said"),
    [
        ("{date: profile.birthdya}", "", "rules[0].triggers[0].date: there is no date profile.birthdya"),
        ("{date: profile.birthday, offset: soon}", "", "rules[0].triggers[0].offset: write a duration"),
        ("{date: profile.birthday, offset: 400d}", "", "rules[0].triggers[0].offset: must be within"),
        ("{date: profile.birthday, at: 9}", "", "rules[0].triggers[0].at: write a time of day"),
        ('{date: profile.birthday, at: "09:00", offset: 2h}', "", "triggers[0].offset: must be whole"),
        ("{date: profile.birthday, atx: 9}", "", "rules[0].triggers[0].atx: is not a known field"),
        (BIRTHDAY, ", variables: [sku]", "rules[0].variables: profile.birthday+0s@09:00 has no field sku"),
        (BIRTHDAY, ", restart: true", "rules[0]: a date or a segment cannot be combined"),
        (EXPIRES, ", for_each: plan", "rules[0].for_each: "),
        (EXPIRES, ", cancel_on: [purchase.made]", "cancel_on: purchase.made has no field subscription_id"),
        ("7", "", "rules[0].triggers[0]: "),
        ("{segment: gold, change: stayed}", "", "rules[0].triggers[0].change: must be 'entered' or 'left'"),
    ],
)
def test_a_bad_date_is_named(trigger: str, more: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_versions(rule(trigger, more).replace("$HEAD", HEAD))
    assert said in str(caught.value)
