"""What merchants and programs write into orders beside what counts: no order is lost by it, and none becomes
one that other services refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.interactions.domain.orders.apply import apply
from services.interactions.domain.orders.state import initial
from services.interactions.hooks.heard import Heard, UnreadableError
from shared.domain import Context
from shared.schemas.commands.orders import (
    OrderRefundRequested,
    PurchaseTellRequested,
    ReturnTellRequested,
    ShopRefund,
)

from .reading import NOW, data_of, from_shopify, from_woocommerce, order_of
from .recorded import payload

FAR = "2999-01-01T00:00:00"
CONTEXT = Context(now=NOW, new_id=lambda tag: tag, secret=lambda tag: tag)


def refund_told(heard: Heard) -> ShopRefund:
    (data,) = data_of(heard)
    assert isinstance(data, OrderRefundRequested)
    return data.refund


def refunded_in_the_future() -> dict[str, Any]:
    order = payload("shopify_order")
    refund = payload("shopify_refund", id=7, processed_at=f"{FAR}Z", created_at=f"{FAR}Z")
    return order | {"refunds": [refund]}


@pytest.mark.parametrize(
    "heard",
    [
        from_shopify("orders/paid", payload("shopify_order", processed_at=f"{FAR}Z")),
        from_shopify("orders/updated", refunded_in_the_future()),
        from_woocommerce("order.updated", payload("woocommerce_order", date_paid_gmt=FAR)),
        from_woocommerce(
            "order.updated", payload("woocommerce_order", date_paid_gmt=None, date_created_gmt=FAR)
        ),
    ],
)
def test_nothing_is_told_of_a_day_after_the_account_that_says_so(heard: Heard) -> None:
    """What is of the future is refused by all who read it: interactions would count what loyalty does not."""
    (event,) = heard.events
    made = apply(initial(f"order/{event.subject}"), event, CONTEXT)
    told = [one.data for one in made.emits]
    assert told
    for one in told:
        assert isinstance(one, PurchaseTellRequested | ReturnTellRequested)
        assert one.at <= order_of(heard).updated_at


def test_an_order_keeps_the_day_that_it_was_paid() -> None:
    order = order_of(
        from_shopify("orders/paid", payload("shopify_order", processed_at="2020-01-01T00:00:00Z"))
    )
    assert order.at == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "amount"),
    [(31.860000000000003, "31.86000000"), (0.1 + 0.2, "0.30000000"), (12.5, "12.5"), ("7.92", "7.92")],
)
def test_numbers_that_a_program_has_added_up_are_amounts(written: Any, amount: str) -> None:
    paid = {"kind": "refund", "status": "success", "amount": written}
    body = payload("shopify_refund", transactions=[paid])
    assert refund_told(from_shopify("refunds/create", body)).amount == amount
    goods = [{"line_item_id": 1, "quantity": 1, "subtotal": written, "total_tax": 0}]
    body = payload("shopify_refund", transactions=[], order_adjustments=[], refund_line_items=goods)
    assert refund_told(from_shopify("refunds/create", body)).amount == amount


@pytest.mark.parametrize("code", [None, "", " ", "\t\x00"])
def test_a_discount_without_a_code_loses_no_order(code: str | None) -> None:
    codes = [{"code": code}, {"code": " TEN "}]
    for heard in (
        from_shopify("orders/paid", payload("shopify_order", discount_codes=codes)),
        from_woocommerce("order.updated", payload("woocommerce_order", coupon_lines=codes)),
    ):
        assert order_of(heard).voucher_codes == ("TEN",)


@pytest.mark.parametrize(
    "amount", ["1_000", "\uff11\uff12", "\u0661\u0662.50", "1 000", "NaN", "0x10", "1e", "."]
)
def test_an_amount_that_no_shop_writes_is_refused_with_its_place(amount: str) -> None:
    line = payload("woocommerce_order")["line_items"][0] | {"total": amount}
    with pytest.raises(UnreadableError, match=r"^an amount is no number: `\$\.line_items\[0\]\.total`$"):
        from_woocommerce("order.updated", payload("woocommerce_order", line_items=[line]))
    with pytest.raises(UnreadableError, match=r"^an amount is no number: `\$\.total_price`$"):
        from_shopify("orders/paid", payload("shopify_order", total_price=amount))


@pytest.mark.parametrize("amount", ["12.5", " 12.50 ", "+12.50", "1.25e1", "12.50000", ".125e2", 12.5])
def test_an_amount_is_read_as_programs_write_it(amount: str | float) -> None:
    heard = from_woocommerce("order.updated", payload("woocommerce_order", total=amount))
    assert order_of(heard).total == 1250
