"""When a product's maintenance is due: again and again, a visit standing for one."""

from datetime import datetime

import pytest

from shared.schemas.interactions import InteractionLogged
from shared.schemas.purchases import ProductRegistered

from .driver import DAY, NOON
from .test_dates import DUE, known, rule


def product(bought: datetime = NOON, every: int | None = 100, id: str = "p-1") -> ProductRegistered:
    return ProductRegistered(product_id=id, sku="drill", purchased_at=bought, maintenance_every_days=every)


def visit(sku: str = "drill", kind: str = "service_visit") -> InteractionLogged:
    told = {"channel": "in_person", "direction": "inbound", "kind": kind, "summary": "s", "skus": [sku]}
    return InteractionLogged.model_validate(told)


def test_maintenance_comes_again_and_a_visit_stands_for_one() -> None:
    driver = known(rule(DUE, ", variables: [product_id, sku]"))
    driver.event(product())
    driver.until(NOON + 150 * DAY)
    driver.event(visit())  # after the first was told and not yet seen to: stands for it
    driver.until(NOON + 250 * DAY)
    driver.event(visit("p-1", "maintenance"))  # for the second, too
    driver.until(NOON + 260 * DAY)
    driver.event(visit())  # once more, long before the third: that is still to come
    driver.until(NOON + 500 * DAY)
    assert [(m["at"] - NOON).days for m in driver.sent] == [93, 193, 293, 393, 493]


@pytest.mark.parametrize(("day", "told"), [(174, 193), (176, None), (192, None), (200, 193), (224, 193)])
def test_a_visit_within_a_quarter_of_the_interval_before_one_skips_that(day: int, told: int | None) -> None:
    """Though nobody had seen to the one before it."""
    driver = known(rule(DUE))
    driver.event(product())
    driver.until(NOON + day * DAY)
    driver.event(visit())
    driver.until(NOON + 350 * DAY)
    assert [(m["at"] - NOON).days for m in driver.sent] == [93, *([told] if told else []), 293]


def test_a_visit_before_the_first_skips_it() -> None:
    driver = known(rule(DUE))
    driver.event(product())
    driver.until(NOON + 90 * DAY)
    driver.event(visit())
    driver.event(visit("saw"))
    driver.event(visit(kind="question"))
    driver.until(NOON + 200 * DAY)
    assert [(m["at"] - NOON).days for m in driver.sent] == [193]


def test_a_repair_soon_after_the_purchase_skips_nothing() -> None:
    driver = known(rule(DUE))
    driver.event(product())
    driver.until(NOON + 20 * DAY)
    driver.event(visit())
    driver.until(NOON + 150 * DAY)
    assert [(m["at"] - NOON).days for m in driver.sent] == [93]


def test_a_product_without_maintenance_says_nothing() -> None:
    driver = known(rule(DUE))
    driver.event(product(every=None))
    assert not driver.timers


def test_history_of_products_is_not_caught_up_with() -> None:
    driver = known(rule(DUE))
    driver.event(product(NOON - 250 * DAY), at=NOON - 250 * DAY)
    driver.until(NOON + 60 * DAY)
    assert [m["at"] for m in driver.sent] == [NOON + 43 * DAY]


# --- versions and windows
