"""The rules that ship and start at dates, or after silence, each by a story."""

from datetime import datetime, timedelta

from shared.schemas.customers import CustomerUpdated
from shared.schemas.purchases import ProductRegistered, SubscriptionCancelled, SubscriptionRenewed

from .driver import DAY, HOUR, NOON, Driver, purchase, started
from .shop import ada, contact, sent

TEN = NOON - 2 * HOUR
"""Ten in the morning, in UTC."""


def times(driver: Driver, rule: str) -> list[datetime]:
    return [message["at"] for message in sent(driver, rule)]


def renewed(expires_at: datetime) -> SubscriptionRenewed:
    return SubscriptionRenewed.model_validate(started("s-1", expires_at).model_dump())


def test_a_subscription_about_to_expire_is_told_of_three_times() -> None:
    driver = ada("subscription")
    driver.event(started("s-1", NOON + 90 * DAY))
    driver.after(100 * DAY)
    assert times(driver, "subscription-expiring") == [TEN + days * DAY for days in (60, 83, 89)]
    text = sent(driver, "subscription-expiring")[0]["text"]
    assert "Your subscription gold ends on 31 May 2026." in " ".join(text.split())


def test_a_renewal_or_a_cancellation_stops_that() -> None:
    driver = ada("subscription")
    driver.event(started("s-1", NOON + 90 * DAY))
    driver.until(NOON + 70 * DAY)
    driver.event(renewed(NOON + 455 * DAY))
    driver.until(NOON + 300 * DAY)
    assert times(driver, "subscription-expiring") == [TEN + 60 * DAY]
    driver.event(SubscriptionCancelled(subscription_id="s-1", ends_at=NOON + 455 * DAY))
    driver.until(NOON + 500 * DAY)
    assert times(driver, "subscription-expiring") == [TEN + 60 * DAY]


def test_maintenance_is_told_of_each_time_unless_the_product_was_seen_to() -> None:
    driver = ada()
    owned = {"product_id": "p-1", "sku": "espresso-3", "purchased_at": NOON, "maintenance_every_days": 100}
    driver.event(ProductRegistered.model_validate(owned))
    driver.until(NOON + 105 * DAY)
    driver.event(contact("service_visit", "espresso-3"))
    driver.until(NOON + 180 * DAY)
    driver.event(contact("maintenance", "espresso-3"))
    driver.until(NOON + 310 * DAY)
    assert times(driver, "maintenance-due") == [TEN + 93 * DAY, TEN + 293 * DAY]
    assert "espresso-3" in sent(driver, "maintenance-due")[0]["subject"]


def test_a_childs_birthday_is_thought_of() -> None:
    driver = ada(preferences={"child_birthday": "2019-05-20"})
    driver.until(NOON + 100 * DAY)
    assert times(driver, "child-birthday") == [datetime.fromisoformat("2026-05-06T10:00Z")]
    none = ada(preferences={"child_birthday": "soon"})
    none.event(CustomerUpdated(preferences={"store": "north"}))
    none.until(NOON + 400 * DAY)
    assert not sent(none, "child-birthday")


def test_who_lapses_is_won_back_by_their_own_rhythm() -> None:
    def buys_every(days: int, times_: int = 4) -> Driver:
        driver = ada()
        for number in range(times_):
            driver.until(NOON + number * timedelta(days=days))
            driver.event(purchase(f"o-{number}"))
        return driver

    weekly = buys_every(7)
    weekly.after(200 * DAY)
    assert times(weekly, "win-back") == [NOON + 21 * DAY + 60 * DAY]
    rarely = buys_every(50)
    rarely.after(200 * DAY)
    assert times(rarely, "win-back") == [NOON + 150 * DAY + 100 * DAY], "twice as long as is usual of them"
    once = buys_every(7, 1)
    once.after(200 * DAY)
    assert times(once, "win-back") == [NOON + 60 * DAY]
