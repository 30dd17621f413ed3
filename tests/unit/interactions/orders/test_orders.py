"""What a customer is told of one order, account after account."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from services.interactions.domain.state import Customer
from services.interactions.worker import handler
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderRefundRequested,
    OrderTellRequested,
    ShopRefund,
)
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

Worker: TypeAlias = InMemoryWorker[Customer]

SETTINGS = Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "shopify:1001"
TEA, POT = ("l1", "tea", 3, 2997), ("l2", "pot", 1, 2450)


@pytest.fixture
def shop() -> Worker:
    return InMemoryWorker(handler(SETTINGS), now=datetime(2026, 11, 1, tzinfo=UTC))


def account(
    minutes: int, *lines: tuple[str, str, int, int], restored: bool = False, **changed: Any
) -> OrderTellRequested:
    """The order as it stands after so many minutes."""
    order: dict[str, Any] = {
        "order_id": "1001",
        "customer_id": "c-1",
        "channel": "web",
        "at": START,
        "updated_at": START + timedelta(minutes=minutes),
        "currency": "EUR",
        "paid": True,
        "total": sum(amount for *_, amount in lines),
        "lines": [
            {"line": line, "sku": sku, "quantity": quantity, "price": amount, "amount": amount}
            for line, sku, quantity, amount in lines
        ],
    }
    return OrderTellRequested.model_validate({"order": order | changed, "restored": restored})


def refund(name: str, amount: str, *items: tuple[str, str, int], currency: str | None = "EUR") -> ShopRefund:
    back = [{"line": line, "sku": sku, "quantity": units} for line, sku, units in items]
    said = {} if currency is None else {"currency": currency}
    told = {"refund_id": name, "at": START + timedelta(days=1), "amount": amount, "items": back, **said}
    return ShopRefund.model_validate(told)


def bought(shop: Worker) -> list[tuple[str, int]]:
    return [(fact.order_id, fact.total.amount) for fact in shop.facts(PurchaseMade)]


def returned(shop: Worker) -> list[tuple[str, str, int, dict[str, int]]]:
    return [
        (fact.order_id, fact.return_id, fact.refund.amount, {item.sku: item.quantity for item in fact.items})
        for fact in shop.facts(PurchaseReturned)
    ]


def test_an_order_counts_once_it_is_paid(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, paid=False))
    assert bought(shop) == []
    shop.tell(KEY, account(5, TEA))
    shop.tell(KEY, account(6, TEA))
    assert bought(shop) == [("1001", 2997)]


def test_an_edit_that_adds_is_a_purchase_of_what_was_added(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, POT))
    assert bought(shop) == [("1001", 2997), ("1001:edit:1", 2450)]
    assert [item.sku for item in shop.facts(PurchaseMade)[1].items] == ["pot"]
    shop.tell(KEY, account(9, ("l1", "tea", 5, 4995), POT))
    added = shop.facts(PurchaseMade)[2]
    assert [(item.sku, item.quantity, item.unit_price.amount) for item in added.items] == [("tea", 2, 999)]


def test_an_edit_that_takes_away_is_a_return(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, POT))
    shop.tell(KEY, account(5, ("l1", "tea", 1, 999), POT))
    assert returned(shop) == [("1001", "1001:edit:1", 1998, {"tea": 2})]
    shop.tell(KEY, account(6, ("l1", "tea", 1, 999), POT, current=2450))
    assert returned(shop)[1][2] == 999


def test_an_edit_of_a_refunded_order_is_worth_what_the_shop_says(shop: Worker) -> None:
    back = refund("r1", "9.99", ("l1", "tea", 1))
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, refunds=[back], worth=1998))
    shop.tell(KEY, account(6, TEA, POT, refunds=[back], worth=4448, total=2997))
    assert bought(shop) == [("1001", 2997), ("1001:edit:1", 2450)]
    assert returned(shop) == [("1001", "r1", 999, {"tea": 1})]


@pytest.mark.parametrize("missed", [True, False])
def test_goods_that_went_back_beside_an_edit_that_added_are_told(shop: Worker, missed: bool) -> None:
    """Of which the total may have nothing in it."""
    shop.tell(KEY, account(0, TEA, paid=not missed))
    back = refund("r1", "9.99", ("l1", "tea", 1))
    shop.tell(KEY, account(6, TEA, POT, refunds=[back], worth=4448, current=4448, total=2997))
    assert sum(amount for _, amount in bought(shop)) == 5447
    assert returned(shop) == [("1001", "r1", 999, {"tea": 1})]


def test_money_for_goods_that_an_edit_took_out_is_not_less_of_the_order_once_more(shop: Worker) -> None:
    removed, paid = refund("r1", "0", ("l1", "tea", 1)), refund("r2", "9.99")
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, refunds=[removed], worth=1998, owed=999))
    shop.tell(KEY, OrderRefundRequested(refund=paid))
    shop.tell(KEY, account(6, TEA, refunds=[removed, paid], worth=1998))
    assert bought(shop) == [("1001", 2997)]
    assert sum(one[2] for one in returned(shop)) == 999


def test_goods_that_come_back_unpaid_and_their_money_count_once_before_the_account_of_them(
    shop: Worker,
) -> None:
    removed = refund("r1", "9.99", ("l1", "tea", 1)).model_copy(update={"unpaid": True})
    paid = refund("r2", "10.99")
    shop.tell(KEY, account(0, TEA, worth=2997))
    for one in (removed, paid):
        shop.tell(KEY, OrderRefundRequested(refund=one))
    assert sum(one[2] for one in returned(shop)) == 1099
    shop.tell(KEY, account(6, TEA, refunds=[removed, paid], worth=1898))
    assert bought(shop) == [("1001", 2997)]
    assert returned(shop) == [("1001", "r1", 999, {"tea": 1}), ("1001", "r2", 100, {})]


def test_what_a_shop_says_by_itself_may_have_refunds_in_it_or_not(shop: Worker) -> None:
    """As it was told before ``worth`` was: the least holds, of an account that is stored too."""
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, refunds=[refund("r1", "9.00")], current=2997))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r2", "3.00")))
    assert bought(shop) == [("1001", 2997)]
    assert [one[2] for one in returned(shop)] == [900, 300]


def test_money_beyond_what_is_owed_is_less_of_the_order(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, worth=1998, owed=999))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r2", "10.99")))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r3", "9.99", ("l1", "tea", 1))))
    assert sum(one[2] for one in returned(shop)) == 999 + 100 + 999


def test_goods_that_an_edit_took_out_without_a_refund_come_back_and_stay_so(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, POT))
    lines = [line.model_dump() for line in account(0, TEA, POT).order.lines]
    lines[1]["removed"] = 1
    shop.tell(KEY, account(5, TEA, POT, lines=lines, worth=2997))
    assert returned(shop) == [("1001", "1001:edit:1", 2450, {"pot": 1})]
    more = {"line": "l3", "sku": "mug", "quantity": 1, "price": 500, "amount": 500}
    shop.tell(KEY, account(6, TEA, POT, lines=[*lines, more], total=5947, worth=3497))
    assert [item.sku for item in shop.facts(PurchaseMade)[1].items] == ["mug"]


def test_until_it_is_told_a_refund_was_when_it_was_first_heard_of(shop: Worker) -> None:
    """WooCommerce does not say when a refund was: it has the time of an account."""
    early, late = refund("r1", "1.00"), refund("r1", "1.00")
    early = early.model_copy(update={"at": START + timedelta(minutes=5)})
    shop.tell(KEY, account(9, TEA, paid=False, refunds=[late]))
    shop.tell(KEY, account(5, TEA, paid=False, refunds=[early]))
    shop.tell(KEY, account(10, TEA, refunds=[late]))
    shop.tell(KEY, account(4, TEA, refunds=[early.model_copy(update={"at": START})]))
    assert [event.time for event in shop.emitted if isinstance(event.data, PurchaseReturned)] == [early.at]


def test_a_refund_waits_for_its_order_and_counts_once(shop: Worker) -> None:
    told = refund("r1", "9.99", ("l1", "tea", 1))
    shop.tell(KEY, OrderRefundRequested(refund=told))
    assert (bought(shop), returned(shop)) == ([], [])
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(9, TEA, refunds=[told]))
    shop.tell(KEY, OrderRefundRequested(refund=told))
    assert bought(shop) == [("1001", 2997)]
    assert returned(shop) == [("1001", "r1", 999, {"tea": 1})]


def test_an_older_account_changes_nothing_but_what_went_back(shop: Worker) -> None:
    shop.tell(KEY, account(9, TEA, POT))
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(1, TEA, paid=False, refunds=[refund("r1", "1.00")]))
    assert bought(shop) == [("1001", 5447)]
    assert returned(shop) == [("1001", "r1", 100, {})]


def test_a_refund_of_goods_that_an_edit_added_is_of_that_part(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, POT))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "24.50", ("l2", "pot", 1))))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r2", "29.97", ("l1", "tea", 3))))
    assert returned(shop) == [("1001:edit:1", "r1", 2450, {"pot": 1}), ("1001", "r2", 2997, {"tea": 3})]


def test_a_refund_over_two_parts_is_shared_by_what_their_goods_cost(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, POT))
    both = refund("r1", "35.00", ("l1", "tea", 1), ("l2", "pot", 1))
    shop.tell(KEY, OrderRefundRequested(refund=both))
    assert returned(shop) == [("1001", "r1", 1050, {"tea": 1}), ("1001:edit:1", "r1", 2450, {"pot": 1})]


def test_a_cancelled_order_goes_back_and_its_refund_is_not_told_again(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, POT))
    shop.tell(KEY, account(5, TEA, POT, void=True))
    shop.tell(KEY, account(9, TEA, POT, void=True, refunds=[refund("r1", "54.47", ("l1", "tea", 3))]))
    assert returned(shop) == [("1001", "1001:edit:1", 5447, {"tea": 3, "pot": 1})]


def test_one_that_is_heard_of_when_it_is_cancelled_is_bought_and_given_back(
    shop: Worker,
) -> None:
    shop.tell(KEY, account(5, TEA, void=True, refunds=[refund("r1", "29.97", ("l1", "tea", 3))]))
    assert bought(shop) == [("1001", 2997)]
    assert returned(shop) == [("1001", "r1", 2997, {"tea": 3})]


def test_one_that_was_never_paid_is_nothing(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA, paid=False))
    shop.tell(KEY, account(5, TEA, paid=False, void=True))
    shop.tell(KEY, OrderDeleteRequested())
    assert (bought(shop), returned(shop)) == ([], [])


def test_a_refund_in_another_currency_is_what_the_shop_says_it_is_worth(
    shop: Worker,
) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "11.00", currency="USD")))
    assert returned(shop) == []
    shop.tell(KEY, account(5, TEA, current=1998))
    assert [one[2] for one in returned(shop)] == [999]


def test_a_refund_without_currency_is_in_that_of_the_order(shop: Worker) -> None:
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "1250", currency=None)))
    shop.tell(KEY, account(0, ("l1", "tea", 1, 5000), currency="JPY"))
    assert returned(shop) == [("1001", "r1", 1250, {})]


def test_no_more_goes_back_than_was_paid(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "29.98", ("l1", "tea", 3))))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r2", "5.00")))
    assert [one[2] for one in returned(shop)] == [2997]


def test_goods_that_come_back_for_no_money_are_told(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "0", ("l1", "tea", 2))))
    assert returned(shop) == [("1001", "r1", 0, {"tea": 2})]


def test_the_first_customer_keeps_the_order(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, account(5, TEA, POT, customer_id="c-2"))
    assert shop.state("c-1").purchases.count == 2
    assert "c-2" not in shop.states


def test_of_one_second_the_account_in_which_more_has_happened_holds(shop: Worker) -> None:
    accounts = [account(0, TEA, paid=False), account(0, TEA), account(0, TEA, void=True)]
    for told in reversed(accounts):
        shop.tell(KEY, told)
    assert (bought(shop), [one[2] for one in returned(shop)]) == ([("1001", 2997)], [2997])


def test_of_one_second_the_account_that_was_told_later_holds(shop: Worker) -> None:
    for microseconds, line in ((2, TEA), (1, POT), (3, ("l1", "tea", 1, 999))):
        shop.tell(KEY, account(0, line, told_at=START + timedelta(microseconds=microseconds)))
    assert sum(amount for _, amount in bought(shop)) - sum(one[2] for one in returned(shop)) == 999


def test_the_facts_have_the_times_of_the_shop(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "1.00")))
    times = [event.time for event in shop.emitted if isinstance(event.data, PurchaseMade | PurchaseReturned)]
    assert times == [START, START + timedelta(days=1)]
