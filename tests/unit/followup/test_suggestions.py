"""What is bought together is suggested to those who lack it, with the reason, and to nobody else."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from services.followup.domain.history.baskets import had
from services.followup.domain.rules.suggestions import Suggestions
from services.followup.domain.suggestions.product import Product
from services.followup.worker import handler_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.products import ProductCountRequested
from shared.schemas.insights import ProductSuggested
from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed
from shared.schemas.products import product_key, product_state
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

from .driver import DAY, NOON, Driver, policy, rules
from .shop import ada, sent

RULE = "bought-together"


def bought(order: str, *skus: str, prices: Sequence[int] = ()) -> PurchaseMade:
    """The first costs most, unless it is said what each costs."""
    prices = prices or [9000 - 10 * place for place in range(len(skus))]
    items = [
        {"sku": sku, "quantity": 1, "unit_price": {"amount": price, "currency": "EUR"}}
        for sku, price in zip(skus, prices, strict=True)
    ]
    total = {"amount": max(0, sum(prices)), "currency": "EUR"}
    return PurchaseMade.model_validate(
        {"order_id": order, "channel": "store", "total": total, "items": items}
    )


def gave_back(order: str, *skus: str, id: str = "r-1") -> PurchaseReturned:
    items = [{"sku": sku, "quantity": 1} for sku in skus]
    refund = {"amount": 100, "currency": "EUR"}
    return PurchaseReturned.model_validate(
        {"order_id": order, "return_id": id, "items": items, "refund": refund}
    )


def others(driver: Driver, *skus: str, many: int = 5, at: datetime = NOON, name: str = "n") -> None:
    """So many other customers buy these, each in an order of their own."""
    for number in range(many):
        driver.worker.tell(f"{name}-{number}", bought(f"{name}-o-{number}", *skus), at=at).accepted()


def product(driver: Driver, sku: str) -> Product:
    found = driver.worker.state(product_state(product_key(sku)))
    assert isinstance(found, Product)
    return found


def test_what_many_bought_with_it_is_suggested_with_the_reason() -> None:
    driver = ada()
    others(driver, "machine", "beans")
    driver.event(bought("o-1", "machine"))
    driver.after(8 * DAY)
    [message] = sent(driver, RULE)
    assert message["at"] == NOON + 7 * DAY
    assert message["subject"] == "beans goes with your machine"
    assert "You bought machine. Many who did bought beans too." in message["text"]
    assert "because you bought machine" in message["text"]
    [fact] = driver.facts(ProductSuggested)
    told = (fact.order_id, fact.because, fact.sku, fact.together, fact.buyers, fact.share)
    assert told == ("o-1", "machine", "beans", 5, 6, 0.8333)


def test_the_reason_is_told_in_the_customers_language() -> None:
    driver = ada(locale="de")
    others(driver, "Kanne", "Tee")
    driver.event(bought("o-1", "Kanne"))
    driver.after(8 * DAY)
    [message] = sent(driver, RULE)
    assert "weil Sie Kanne gekauft haben" in " ".join(message["text"].split())


def test_too_few_are_no_reason() -> None:
    driver = ada()
    others(driver, "machine", "beans", many=4)
    driver.event(bought("o-1", "machine"))
    driver.after(8 * DAY)
    assert not driver.facts(ProductSuggested)
    rare = ada()
    others(rare, "machine", many=60, name="alone")
    others(rare, "machine", "beans", many=5)
    rare.event(bought("o-1", "machine"))
    rare.after(8 * DAY)
    assert not rare.facts(ProductSuggested), "five of sixty-six are no part of them"


def test_nothing_is_suggested_that_the_customer_has_or_gave_back() -> None:
    has = ada()
    has.event(bought("o-0", "beans"))
    others(has, "machine", "beans", "cups")
    has.event(bought("o-1", "machine"))
    has.after(8 * DAY)
    assert [fact.sku for fact in has.facts(ProductSuggested)] == ["cups"], "the next best"
    unwanted = ada()
    unwanted.event(bought("o-0", "beans"))
    unwanted.event(gave_back("o-0", "beans"))
    others(unwanted, "machine", "beans")
    unwanted.event(bought("o-1", "machine"))
    unwanted.after(8 * DAY)
    assert not unwanted.facts(ProductSuggested)


def test_what_the_customer_buys_meanwhile_is_not_suggested() -> None:
    driver = ada()
    others(driver, "machine", "beans")
    driver.event(bought("o-1", "machine"))
    driver.after(2 * DAY)
    driver.event(bought("o-2", "beans", "cups"))
    driver.after(8 * DAY)
    assert not sent(driver, RULE)
    [fact] = [f for f in driver.facts(OutreachCancelled) if f.rule == RULE]
    assert fact.reason == "goal_reached"


@pytest.mark.parametrize("late", [False, True])
def test_who_gives_the_reason_back_hears_nothing(late: bool) -> None:
    driver = ada()
    others(driver, "machine", "beans")
    if late:  # the return is heard before its order
        driver.event(gave_back("o-1", "machine"))
    driver.event(bought("o-1", "machine"))
    if not late:
        driver.after(DAY)
        driver.event(gave_back("o-1", "machine"))
        assert [f.rule for f in driver.facts(OutreachCancelled) if f.rule == RULE] == [RULE]
    driver.after(9 * DAY)
    assert not sent(driver, RULE)


def test_what_comes_soon_after_counts_and_not_the_other_way_round() -> None:
    driver = ada()
    for number in range(5):
        for at, order in ((NOON, bought(f"a-{number}", "machine")), (NOON, bought(f"b-{number}", "beans"))):
            later = 20 * DAY if order.order_id.startswith("b") else 0 * DAY
            driver.worker.tell(f"n-{number}", order, at=at - 30 * DAY + later).accepted()
    assert [(one.sku, one.counts) for one in product(driver, "machine").partners] == [("beans", (5,))]
    assert product(driver, "beans").partners == (), "who buys beans is not to be sold a machine"
    driver.event(bought("o-1", "machine"))
    driver.after(8 * DAY)
    assert len(sent(driver, RULE)) == 1


def test_the_next_product_of_the_order_is_asked_where_the_dearest_has_nothing_to_say() -> None:
    driver = ada()
    others(driver, "beans", "cups")
    driver.event(bought("o-1", "grinder", "beans"))
    driver.after(8 * DAY)
    [fact] = driver.facts(ProductSuggested)
    assert (fact.because, fact.sku) == ("beans", "cups")


def test_a_bag_is_never_suggested() -> None:
    driver = Driver(policy(rules(suggestions=Suggestions(never=("bag",)))))
    others(driver, "machine", "bag")
    driver.event(bought("o-1", "machine"))
    assert not driver.facts(ProductSuggested)


def test_a_customer_counts_once_however_often_it_is_told() -> None:
    driver = Driver()
    for number in range(3):
        driver.event(bought(f"o-{number}", "machine", "beans"), id=f"e-{number}")
        driver.event(bought(f"o-{number}", "machine", "beans"), id=f"copy-{number}")
    machine = product(driver, "machine")
    assert machine.buyers == (1,)
    assert [(one.sku, one.counts) for one in machine.partners] == [("beans", (1,))]
    driver.event(gave_back("o-0", "beans"))
    assert product(driver, "machine").partners == machine.partners, "there are other orders"
    driver.event(gave_back("o-1", "beans", id="r-2"))
    driver.event(gave_back("o-2", "beans", id="r-3"))
    assert product(driver, "machine").partners == ()
    assert product(driver, "beans").buyers == ()


def test_an_order_costs_a_bounded_number_of_commands() -> None:
    driver = Driver()
    driver.event(bought("o-1", *(f"a-{n}" for n in range(20))))
    driver.event(bought("o-2", *(f"b-{n}" for n in range(20))))
    before = len(driver.facts(ProductCountRequested))
    driver.event(bought("o-3", *(f"c-{n}" for n in range(20))))
    assert len(driver.facts(ProductCountRequested)) - before <= 3 + 2 * 3 + 2, "and two to be asked in turn"


def test_one_that_comes_too_soon_after_another_is_refused() -> None:
    driver = ada()
    others(driver, "machine", "beans")
    driver.event(bought("o-1", "machine"))
    driver.after(8 * DAY)
    driver.event(bought("o-2", "machine"))
    driver.after(8 * DAY)
    assert len(sent(driver, RULE)) == 1
    assert [f.reason for f in driver.facts(OutreachSuppressed) if f.rule == RULE] == ["duplicate"]


def test_history_asks_nothing() -> None:
    history = Driver()
    history.event(bought("o-3", "machine"), at=NOON - 40 * DAY)
    assert not [one for one in history.facts(ProductCountRequested) if one.ask]


def test_a_present_and_a_discount_are_not_bought_together_but_owned() -> None:
    driver = ada()
    others(driver, "machine", "bag", "rebate", many=0)
    for number in range(6):
        order = bought(f"n-{number}", "machine", "bag", "rebate", prices=(9000, 0, -100))
        driver.worker.tell(f"n-{number}", order).accepted()
    assert product(driver, "machine").partners == ()


def test_what_is_cheap_does_not_count() -> None:
    driver = ada()
    for number in range(6):
        driver.worker.tell(f"n-{number}", bought(f"n-{number}", "machine", "filter", prices=(9000, 999)))
    assert product(driver, "machine").buyers == (6,)
    assert product(driver, "machine").partners == product(driver, "filter").partners == ()
    for number in range(20):
        driver.event(bought(f"o-{number}", "filter", prices=(999,)))
    history = driver.state.history
    assert history is not None
    assert history.baskets is not None
    assert history.baskets.latest == (), "and takes no room"
    assert had(history, "filter")


def test_a_product_whose_name_can_be_no_key_counts_too() -> None:
    driver = ada()
    others(driver, "Tee / grün", "Kanne 1 l")
    driver.event(bought("o-1", "Tee / grün"))
    driver.after(8 * DAY)
    [message] = sent(driver, RULE)
    assert "Kanne 1 l" in message["text"]


def test_counts_hold_nothing_of_a_customer() -> None:
    driver = ada()
    others(driver, "machine", "beans")
    driver.event(bought("o-1", "machine"))
    assert "n-1" not in product(driver, "machine").model_dump_json()
    assert "c-1" not in product(driver, "machine").model_dump_json()


def test_only_rules_that_use_it_cost_anything() -> None:
    without = rules()
    without = without.model_copy(update={"rules": tuple(rule for rule in without.rules if rule.name != RULE)})
    worker = InMemoryWorker(handler_of(policy(without)), now=NOON)
    worker.tell("c-1", bought("o-1", "machine", "beans")).accepted()
    assert not worker.facts(ProductCountRequested)
    history = worker.state("c-1").history
    assert history is not None
    assert history.baskets is None
