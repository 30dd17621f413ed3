"""Dates, heard in any order and partly twice, by any steps of the clock: the same messages."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.schemas.customers import CustomerUpdated
from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import SubscriptionCancelled
from tests.examples import examples

from .driver import DAY, HOUR, NOON, Driver, granted, profile, started, written
from .test_dates import renewed
from .test_maintenance import product, visit

ALL = """$HEAD
rules:
  - {name: day, triggers: [{date: profile.birthday, at: "09:00"}], template: welcome, stale_after: 1h}
  - {name: ends, triggers: [{date: subscription.expires_at, offset: -2d}], template: welcome}
  - {name: care, triggers: [{date: product.maintenance_at}], template: win-back}
"""


@st.composite
def histories(draw: Any) -> list[tuple[datetime, Any]]:
    """Facts of the hours before noon, each at a time of its own; nothing is due before all is heard."""
    told: list[Any] = []
    for zone, day in draw(st.lists(st.tuples(ZONES, DAYS), max_size=2)):
        told.append(CustomerUpdated(timezone=zone, birthday=day))
    for id, days in draw(st.lists(st.tuples(IDS, st.integers(4, 60)), max_size=3, unique=True)):
        told.append(renewed(NOON + days * DAY, f"s-{id}"))
    for id in draw(st.lists(IDS, max_size=1)):
        told.append(SubscriptionCancelled(subscription_id=f"s-{id}"))
    told += [product(NOON - DAY, 9, f"p-{id}") for id in draw(st.sets(IDS))]
    told += [visit(draw(st.sampled_from(["drill", "p-1", "saw"]))) for _ in range(draw(st.integers(0, 2)))]
    minutes = draw(st.lists(st.integers(1, 500), min_size=len(told), max_size=len(told), unique=True))
    return [(NOON - timedelta(minutes=m), data) for m, data in zip(minutes, told, strict=True)]


ZONES = st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin"])
DAYS = st.sampled_from(["--03-10", "1988-03-29", "2000-02-29", "--10-25"])
IDS = st.integers(1, 2)


def course(told: Sequence[tuple[datetime, Any]], jumps: Sequence[int]) -> list[tuple[str, datetime, str]]:
    driver = Driver(policy=written(ALL))
    driver.event(profile(), at=NOON - 2 * DAY)
    driver.event(granted(), at=NOON - 2 * DAY)
    for when, data in told:
        driver.event(data, at=when)
    for hours in jumps:
        driver.after(hours * HOUR)
    driver.until(NOON + 420 * DAY)
    assert not driver.worker.dead_letters
    return [(m["rule"], m["at"], m["text"]) for m in driver.sent]


@given(histories(), st.randoms(use_true_random=False), st.lists(st.integers(1, 900), max_size=6))
@settings(max_examples=examples(40), deadline=None)
def test_any_order_copies_and_steps_of_the_clock(
    told: list[tuple[datetime, Any]], dice: Any, jumps: list[int]
) -> None:
    usual = course(sorted(told, key=lambda one: one[0]), [])
    again = [one for one in told if not isinstance(one[1], InteractionLogged) and dice.random() < 0.4]
    mixed = [*told, *again]
    dice.shuffle(mixed)
    assert course(mixed, jumps) == usual


def test_every_order_of_a_life() -> None:
    told = [
        (NOON - 9 * HOUR, CustomerUpdated(birthday="--05-01")),
        (NOON - 8 * HOUR, started("s-1", NOON + 20 * DAY)),
        (NOON - 7 * HOUR, renewed(NOON + 50 * DAY)),
        (NOON - 6 * HOUR, product(NOON - DAY, 30)),
    ]
    found = {tuple(course(order, [])) for order in permutations(told)}
    assert len(found) == 1
    rules = [rule for rule, _, _ in found.pop()]
    assert rules.count("ends") == 1
    assert rules.count("day") == 1
    assert rules.count("care") > 10
