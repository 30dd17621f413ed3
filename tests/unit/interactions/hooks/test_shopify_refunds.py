"""What the adapter of Shopify reads of what went back."""

from typing import Any

import pytest

from shared.schemas.commands.orders import OrderRefundRequested

from .reading import data_of, from_shopify, order_of
from .recorded import payload


def back(
    id: int, paid: str | None = None, units: int = 0, cost: str = "0", status: str = "success"
) -> dict[str, Any]:
    """A refund of so many of line 1, which had cost so much."""
    goods = {"line_item_id": 1, "quantity": units, "subtotal": cost, "line_item": {"id": 1, "sku": "tea"}}
    return {
        "id": id,
        "created_at": "2026-03-02T10:00:00Z",
        "refund_line_items": [goods] if units else [],
        "transactions": [{"kind": "refund", "status": status, "amount": paid}] if paid else [],
    }


def test_a_refund_is_what_went_back_in_the_money_of_the_shop() -> None:
    heard = from_shopify("refunds/create", payload("shopify_refund"))
    (data,) = data_of(heard)
    assert isinstance(data, OrderRefundRequested)
    assert heard.events[0].subject == "shopify:450789469"
    refund = data.refund
    assert (refund.refund_id, refund.amount, refund.currency) == ("509562969", "7.92", "EUR")
    assert [(item.line, item.sku, item.quantity) for item in refund.items] == [("466157049", "TEA-500", 1)]


def test_a_refund_of_one_currency_is_what_was_paid_back() -> None:
    paid = [
        {"kind": "refund", "status": status, "amount": "5.00", "currency": "EUR"}
        for status in ("success", "failure")
    ]
    (data,) = data_of(from_shopify("refunds/create", payload("shopify_refund", transactions=paid)))
    assert isinstance(data, OrderRefundRequested)
    assert data.refund.amount == "5.00"


def test_shipping_and_differences_of_a_refund_count() -> None:
    adjusted = [
        {"amount": "-4.99", "tax_amount": "-0.95", "kind": "shipping_refund"},
        {"amount": "0.86", "tax_amount": "0.00"},
    ]
    body = payload("shopify_refund", order_adjustments=adjusted, transactions=[])
    (data,) = data_of(from_shopify("refunds/create", body))
    assert isinstance(data, OrderRefundRequested)
    assert data.refund.amount == "13.00"


@pytest.mark.parametrize(
    ("total", "current", "refunds", "worth", "owed"),
    [
        ("100", "100", [], 10000, 0),
        ("100", "70", [back(1, "30", 1, "30")], 7000, 0),
        # An edit added 20: the total has it in it, or not.
        ("120", "90", [back(1, "30", 1, "30")], 9000, 0),
        ("100", "90", [back(1, "30", 1, "30")], 9000, 0),
        # An edit took out goods; then the money goes back.
        ("100", "70", [back(1, None, 1, "30")], 7000, 3000),
        ("100", "70", [back(1, None, 1, "30"), back(2, "30")], 7000, 0),
        ("100", "70", [back(1, "30", 1, "30", status="failure"), back(2, "30")], 7000, 0),
        # Money without goods: Shopify takes it off, or not.
        ("100", "90", [back(1, "10")], 9000, 0),
        ("100", "100", [back(1, "10")], 9000, 0),
        ("100", "60", [back(1, "10"), back(2, "30", 1, "30")], 6000, 0),
        ("100", "70", [back(1, "10"), back(2, "30", 1, "30")], 6000, 0),
        ("100", "0", [back(1, "60"), back(2, "60", 1, "60")], 0, 0),
        # An edit took out goods and added others, for as much or for less; then money goes back.
        ("100", "100", [back(1, None, 1, "30")], 10000, 0),
        ("100", "100", [back(1, None, 1, "30"), back(2, "20")], 8000, 0),
        ("130", "80", [back(1, None, 1, "30"), back(2, "20")], 8000, 1000),
        ("100", "80", [back(1, None, 1, "30")], 8000, 2000),
        ("100", "80", [back(1, None, 1, "30"), back(2, "20")], 8000, 0),
        ("100", "80", [back(1, None, 1, "30"), back(2, "25")], 7500, 0),
    ],
)
def test_what_an_order_of_shopify_is_worth_by_now(
    total: str, current: str, refunds: list[dict[str, Any]], worth: int, owed: int
) -> None:
    body = payload("shopify_order", total_price=total, total_price_set=None, refunds=refunds,
                   current_total_price=current, current_total_price_set=None)  # fmt: skip
    order = order_of(from_shopify("orders/updated", body))
    assert (order.worth, order.owed) == (worth, owed)


def test_units_that_an_edit_took_out_are_those_that_no_refund_names() -> None:
    line = {"id": 1, "sku": "tea", "quantity": 4, "current_quantity": 1, "price": "10"}
    body = payload("shopify_order", line_items=[line], shipping_lines=[], total_tip_received="0",
                   refunds=[back(1, "10", 1, "10")], total_price="40", total_price_set=None,
                   current_total_price="10", current_total_price_set=None)  # fmt: skip
    order = order_of(from_shopify("orders/updated", body))
    assert [(one.quantity, one.removed) for one in order.lines] == [(4, 2)]
    assert (order.current, order.worth, order.owed) == (1000, 1000, 2000)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_a_refund_that_failed_is_none(currency: str) -> None:
    failed = [{"kind": "refund", "status": "failure", "amount": "7.92", "currency": currency}]
    (data,) = data_of(from_shopify("refunds/create", payload("shopify_refund", transactions=failed)))
    assert isinstance(data, OrderRefundRequested)
    assert data.refund.amount == "0"
