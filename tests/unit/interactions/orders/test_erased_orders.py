"""A shop's order of somebody who is erased: it is forgotten, and nobody else's with it."""

import pytest

from services.interactions.domain.orders.state import Order
from services.interactions.domain.state import altered
from shared.journal.plan import StoredState
from shared.schemas.base import Data
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderForgetRequested,
    OrderRefundRequested,
    PurchaseTellRequested,
)
from shared.schemas.customers import CustomerErased, ErasureLifted
from shared.schemas.purchases import PurchaseMade

from .test_orders import KEY, POT, TEA, Worker, account, refund, shop

__all__ = ["shop"]


def test_its_row_says_whose_it_is_and_is_written_when_that_changes(shop: Worker) -> None:
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "5.00")))
    assert shop.rows("orders") == []
    shop.tell(KEY, account(0, TEA, paid=False))
    assert [(row["_id"], row["customer"]) for row in shop.rows("orders")] == [(KEY, "c-1")]
    shop.tell(KEY, account(1, TEA, customer_id="c-2"))
    (row,) = shop.rows("orders")
    assert row["customer"] == "c-2"
    shop.tell(KEY, account(5, TEA, POT, customer_id="c-3"))  # of another than it was told of
    assert shop.rows("orders") == [row]
    assert "c-3" not in str(shop.state(f"order/{KEY}"))


def test_it_is_forgotten_with_whose_it_is_and_with_nobody_else(shop: Worker) -> None:
    shop.tell(KEY, account(0, TEA))
    shop.tell(KEY, OrderForgetRequested(customer_id="c-2"))
    assert shop.state(f"order/{KEY}").owner == "c-1"
    shop.tell(KEY, OrderForgetRequested(customer_id="c-1"))
    before = len(shop.emitted)
    for told in (account(9, TEA, POT), account(10, TEA, customer_id="c-2"), OrderDeleteRequested()):
        shop.tell(KEY, told)
    assert "c-" not in str(shop.state(f"order/{KEY}"))
    assert len(shop.emitted) == before


def test_what_is_told_of_an_erased_customers_order_is_not_kept(shop: Worker) -> None:
    """Neither of one that is not paid, nor of one that is another's by now."""
    shop.tell("c-1", CustomerErased())
    shop.tell(KEY, account(0, TEA, paid=False))
    assert (f"order/{KEY}" in shop.states, shop.rows("orders")) == (False, [])
    shop.tell(KEY, account(1, TEA, customer_id="c-2"))
    shop.tell(KEY, account(2, TEA, POT, customer_id="c-1"))
    assert shop.state(f"order/{KEY}").owner == "c-2"
    assert [fact.total.amount for fact in shop.facts(PurchaseMade)] == [2997, 2450]
    shop.tell("c-1", ErasureLifted())
    shop.tell("shopify:1002", account(3, TEA, order_id="1002"))
    assert shop.state("order/shopify:1002").owner == "c-1"


def test_an_order_that_was_told_of_somebody_as_they_were_erased_is_forgotten(shop: Worker) -> None:
    """Their eraser may have been there before the order's row was."""
    shop.tell(KEY, account(0, TEA))
    told = next(event for event in shop.emitted if isinstance(event.data, PurchaseTellRequested))
    shop.tell("c-1", CustomerErased())
    shop.tell("c-1", told.data)
    assert "c-1" not in str([shop.state(f"order/{KEY}"), shop.rows("orders")])


def unlisted(shop: Worker, **paid: bool) -> None:
    """As an order of before there were rows, of somebody who was erased before that too."""
    shop.tell(KEY, account(0, TEA, **paid))
    order = shop.state(f"order/{KEY}")
    shop.store.stored[f"order/{KEY}"] = StoredState(altered(order, listed=None), 1)
    del shop.store.rows["orders"]
    shop.tell("c-1", CustomerErased())


@pytest.mark.parametrize(
    "told",
    [
        account(1, TEA, POT),
        account(1, TEA, POT, customer_id="c-2"),
        account(1, TEA, customer_id="c-2"),
        OrderRefundRequested(refund=refund("r1", "1.00")),
        OrderDeleteRequested(),
    ],
)
def test_an_order_of_before_of_somebody_erased_is_forgotten_by_whatever_is_told(
    shop: Worker, told: Data
) -> None:
    unlisted(shop)
    before = len(shop.emitted)
    shop.tell(KEY, told)
    assert shop.state(f"order/{KEY}") == Order(key=KEY, forgotten=True)
    assert (shop.rows("orders"), len(shop.emitted)) == ([], before)


def test_so_is_one_that_is_not_paid_but_where_it_is_anothers_by_now(shop: Worker) -> None:
    unlisted(shop, paid=False)
    shop.tell(KEY, account(1, TEA, customer_id="c-2"))
    assert "c-1" not in str(shop.state(f"order/{KEY}"))
    assert [row["customer"] for row in shop.rows("orders")] == ["c-2"]
    shop.tell("c-2", CustomerErased())
    shop.tell(KEY, OrderRefundRequested(refund=refund("r1", "1.00")))
    assert "c-2" not in str([shop.state(f"order/{KEY}"), shop.rows("orders")])
