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


def test_regular_customers_are_asked_after_by_their_own_rhythm() -> None:
    def buys_every(days: int, orders: int = 8) -> Driver:
        driver = ada()
        for number in range(orders):
            driver.until(NOON + number * timedelta(days=days))
            driver.event(purchase(f"o-{number}"))
        driver.after(200 * DAY)
        return driver

    assert times(buys_every(7), "lapsing") == [NOON + 49 * DAY + 30 * DAY], "thirty days at least"
    assert times(buys_every(20), "lapsing") == [NOON + 140 * DAY + 40 * DAY], "twice as long as is usual"
    assert times(buys_every(20), "win-back") == [NOON + 140 * DAY + 60 * DAY]
    assert not sent(buys_every(20, 7), "lapsing")
    assert not sent(buys_every(20, 1), "lapsing")
