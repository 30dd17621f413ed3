"""What the adapters read in recorded webhooks."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.datastructures import Headers

from services.interactions.domain.orders.telling import items_of
from services.interactions.hooks import shopify, woocommerce
from services.interactions.hooks.heard import UnreadableError, minor
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderTellRequested,
    ShopOrder,
)
from shared.schemas.customers import ConsentChanged, CustomerUpdated

from . import recorded
from .reading import NOW, data_of, from_shopify, from_woocommerce, order_of
from .recorded import payload

NOBODY = {"email": None, "contact_email": "", "customer": None, "billing_address": None}


def lines_of(order: ShopOrder) -> dict[str, tuple[int, int, int]]:
    """Quantity, before discounts and after, by product."""
    return {line.sku: (line.quantity, line.price, line.amount) for line in order.lines}


def test_an_order_of_shopify_is_read_in_the_money_of_the_shop() -> None:
    heard = from_shopify("orders/paid", payload("shopify_order"))
    (event,) = heard.events
    assert event.id == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert (event.source, event.subject) == ("/hooks/shopify/acme", "shopify:450789469")
    order = order_of(heard)
    assert (order.order_id, order.currency, order.total) == ("450789469", "EUR", 6086)
    assert order.told_at == datetime(2026, 3, 1, 11, 0, 2, 123456, tzinfo=UTC)
    assert lines_of(order) == {
        "TEA-500": (3, 3376, 2376),
        "POT-1": (1, 2916, 2916),
        "shipping": (1, 594, 594),
        "tip": (1, 200, 200),
    }
    assert (order.paid, order.void, order.voucher_codes) == (True, False, ("SPRING10",))
    assert heard.who is not None
    assert heard.who == ("ann@example.com", "+4915112345678", "shopify-acme-207119551", "Ann Lee")


def test_an_order_of_woocommerce_is_read_with_its_taxes_fees_and_coupons() -> None:
    heard = from_woocommerce("order.created", payload("woocommerce_order"))
    assert heard.events[0].subject == "woocommerce:727"
    order = order_of(heard)
    assert (order.order_id, order.currency, order.total) == ("727", "EUR", 5538)
    assert lines_of(order) == {
        "TEA-500": (2, 2142, 1928),
        "product-93": (1, 2916, 2916),
        "shipping": (1, 594, 594),
        "fee": (1, 100, 100),
    }
    assert order.at == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    assert order.voucher_codes == ("tea10",)
    assert heard.who == ("Bo@Example.com", "030 901820", "woocommerce-shop.example.com-25", "Bo Li")


@pytest.mark.parametrize("name", ["shopify_order", "woocommerce_order"])
def test_the_lines_of_an_order_sum_to_its_total_to_the_cent(name: str) -> None:
    read = from_shopify if name.startswith("shopify") else from_woocommerce
    order = order_of(read("orders/paid" if read is from_shopify else "order.updated", payload(name)))
    items = items_of(order.lines, order.total, order.currency)
    assert sum(item.quantity * item.unit_price.amount for item in items) == order.total
    assert "adjustment" not in {item.sku for item in items}


def test_lines_that_do_not_sum_to_the_total_are_adjusted() -> None:
    order = order_of(
        from_shopify("orders/paid", payload("shopify_order", total_price_set=None, total_price="61.00"))
    )
    (last,) = items_of(order.lines, order.total, order.currency)[-1:]
    assert (last.sku, last.quantity, last.unit_price.amount) == ("adjustment", 1, 14)


def test_prices_with_taxes_in_them_have_none_on_top() -> None:
    body = payload("shopify_order", taxes_included=True)
    assert lines_of(order_of(from_shopify("orders/create", body)))["POT-1"] == (1, 2450, 2450)


@pytest.mark.parametrize(
    ("currency", "written", "amount"),
    [("JPY", "1250", 1250), ("JPY", "1250.00", 1250), ("KWD", "12.345", 12345), ("KWD", "12.3", 12300),
     ("EUR", "12.345", 1235), ("EUR", 12.3, 1230), ("EUR", None, 0), ("ISK", "70", 70)],
)  # fmt: skip
def test_amounts_have_the_decimals_of_their_currency(currency: str, written: Any, amount: int) -> None:
    assert minor(written, currency) == amount


def test_yen_and_dinars_in_both_shops() -> None:
    yen = payload("shopify_order", currency="JPY", total_price="6086", total_price_set=None,
                  current_total_price="6086", current_total_price_set=None, line_items=[], shipping_lines=[],
                  total_tip_received="0")  # fmt: skip
    assert order_of(from_shopify("orders/paid", yen)).total == 6086
    dinars = payload("woocommerce_order", currency="KWD", total="55.387")
    assert order_of(from_woocommerce("order.updated", dinars)).total == 55387


def test_a_customer_is_updated_and_what_they_allowed_is_told() -> None:
    heard = from_shopify("customers/update", payload("shopify_customer"))
    profile, consent = data_of(heard)
    assert isinstance(profile, CustomerUpdated)
    assert profile.model_dump(exclude_unset=True) == {
        "name": "Ann Lee", "email": "ann@example.com", "phone": "+4915112345678"
    }  # fmt: skip
    assert isinstance(consent, ConsentChanged)
    assert (consent.purpose, consent.channel, consent.granted) == ("marketing", "email", True)
    assert heard.events[1].time == datetime(2026, 2, 11, 7, 15, tzinfo=UTC)
    (profile,) = data_of(from_woocommerce("customer.updated", payload("woocommerce_customer")))
    assert isinstance(profile, CustomerUpdated)
    assert profile.name == "Bo Li"


def test_what_a_shop_does_not_know_of_a_customer_is_not_told() -> None:
    body = payload("shopify_customer", phone=None, default_address=None, email="", last_name=None)
    profile = data_of(from_shopify("customers/create", body))[0]
    assert profile.model_dump(exclude_unset=True) == {"name": "Ann"}


@pytest.mark.parametrize(
    ("topic", "changed", "why"),
    [
        ("orders/create", {"test": True}, "test"),
        ("orders/create", NOBODY, "nobody"),
        ("draft_orders/create", {}, "topic"),
        ("products/update", {}, "topic"),
        ("customers/redact", {}, "privacy"),
        ("customers/data_request", {}, "privacy"),
        ("shop/redact", {}, "privacy"),
    ],
)  # fmt: skip
def test_what_shopify_sends_that_counts_nothing(topic: str, changed: dict[str, Any], why: str) -> None:
    assert from_shopify(topic, payload("shopify_order", **changed)).ignored == why


def test_shopifys_own_tests_and_edits_without_amounts_count_nothing() -> None:
    tested = from_shopify("orders/create", payload("shopify_order"), **{"X-Shopify-Test": "true"})
    assert tested.ignored == "test"
    assert from_shopify("orders/edited", payload("shopify_edited")).ignored == "edit"
    assert order_of(from_shopify("orders/edited", payload("shopify_order"))).total == 6086


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft"])
def test_drafts_of_woocommerce_count_nothing(status: str) -> None:
    assert from_woocommerce("order.updated", payload("woocommerce_order", status=status)).ignored == "draft"
    assert from_woocommerce("coupon.created", {"id": 1}).ignored == "topic"


@pytest.mark.parametrize(
    ("status", "paid_at", "paid", "void"),
    [
        ("pending", None, False, False), ("on-hold", None, False, False), ("failed", None, False, False),
        ("processing", None, True, False), ("completed", "2026-03-01T12:00:05", True, False),
        ("shipped", "2026-03-01T12:00:05", True, False), ("shipped", None, False, False),
        ("cancelled", "2026-03-01T12:00:05", True, True), ("refunded", None, True, True),
        ("trash", None, False, True),
    ],
)  # fmt: skip
def test_statuses_of_woocommerce(status: str, paid_at: str | None, paid: bool, void: bool) -> None:
    body = payload("woocommerce_order", status=status, date_paid_gmt=paid_at)
    order = order_of(from_woocommerce("order.updated", body))
    assert (order.paid, order.void) == (paid, void)


@pytest.mark.parametrize(
    ("status", "paid"),
    [("paid", True), ("partially_paid", True), ("partially_refunded", True), ("refunded", True),
     ("pending", False), ("authorized", False), ("voided", False), (None, False)],
)  # fmt: skip
def test_statuses_of_shopify(status: str | None, paid: bool) -> None:
    assert (
        order_of(from_shopify("orders/updated", payload("shopify_order", financial_status=status))).paid
        is paid
    )


def test_two_orders_of_one_second_are_two_events_though_woocommerce_gives_them_one_delivery_id() -> None:
    first, second = (
        from_woocommerce("order.created", payload("woocommerce_order", id=id)) for id in (727, 728)
    )
    assert first.events[0].id != second.events[0].id
    assert first.events[0].id == from_woocommerce("order.created", payload("woocommerce_order")).events[0].id


def test_webhooks_of_shopify_that_nobody_named_are_named_by_what_they_say() -> None:
    unnamed = {"X-Shopify-Webhook-Id": " ", "X-Shopify-Event-Id": ""}
    ids = [
        from_shopify(topic, payload("shopify_order", id=id), **unnamed).events[0].id
        for topic, id in (
            ("orders/create", 1),
            ("orders/create", 2),
            ("orders/updated", 1),
            ("orders/create", 1),
        )
    ]
    assert len(set(ids)) == 3
    assert ids[0] == ids[3]
    happened = {"X-Shopify-Webhook-Id": "", "X-Shopify-Event-Id": "e-1"}
    told = [from_shopify("orders/create", payload("shopify_order", id=id), **happened) for id in (1, 2)]
    assert told[0].events[0].id == told[1].events[0].id != ids[0]


def test_somebody_is_known_by_the_first_address_and_number_that_are_some() -> None:
    body = payload("shopify_order", email="none", contact_email="ann@home.example", phone="-")
    heard = from_shopify("orders/create", body)
    assert heard.who is not None
    assert (heard.who.email, heard.who.phone) == ("ann@home.example", "+4915112345678")


@pytest.mark.parametrize(
    ("told", "account"),
    [
        (25, "25"),
        ("25", "25"),
        ("025", "25"),
        (0, None),
        ("0", None),
        (None, None),
        ("", None),
        ("ann", None),
    ],
)
def test_guests_of_woocommerce_have_no_account(told: int | str | None, account: str | None) -> None:
    heard = from_woocommerce("order.created", payload("woocommerce_order", customer_id=told))
    assert heard.who is not None
    assert heard.who.account == (account and f"woocommerce-shop.example.com-{account}")


def test_shops_with_the_same_numbers_are_told_apart_by_a_name() -> None:
    heard = from_woocommerce("order.created", payload("woocommerce_order"), shop="uk")
    assert (heard.events[0].subject, order_of(heard).order_id) == ("woocommerce:uk:727", "uk-727")
    assert heard.who is not None
    assert heard.who.account == "woocommerce-uk-25"


def test_deleted_and_restored_orders() -> None:
    heard = from_woocommerce("order.deleted", {"id": 727})
    assert isinstance(heard.events[0].data, OrderDeleteRequested)
    assert (heard.events[0].subject, heard.events[0].time) == ("woocommerce:727", NOW)
    (restored,) = data_of(from_woocommerce("order.restored", payload("woocommerce_order")))
    assert isinstance(restored, OrderTellRequested)
    assert restored.restored
    (binned,) = data_of(from_woocommerce("order.restored", payload("woocommerce_order", status="trash")))
    assert isinstance(binned, OrderTellRequested)
    assert (binned.restored, binned.order.void) == (False, True)
    assert isinstance(data_of(from_shopify("orders/delete", {"id": 450789469}))[0], OrderDeleteRequested)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"id": 1}', b'{"id": {}, "currency": "EUR", "total_price": "1"}'],
)
def test_what_has_not_the_shape_of_its_topic_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        shopify.heard(Headers(recorded.shopify("orders/create", body)), body, NOW)
    with pytest.raises(UnreadableError):
        woocommerce.heard(Headers(recorded.woocommerce("order.created", body)), body, NOW)


@pytest.mark.parametrize("amount", ["abc", "NaN", "1e400", "99999999999999999999", "-1e999999999999"])
def test_an_amount_that_is_none_is_unreadable(amount: str) -> None:
    with pytest.raises(UnreadableError):
        from_woocommerce("order.created", payload("woocommerce_order", total=amount))
    back = payload("shopify_refund")
    back["transactions"] = [{"kind": "refund", "status": "success", "amount": amount}]
    with pytest.raises((UnreadableError, ValidationError)):
        from_shopify("refunds/create", back)


def test_a_refund_of_next_to_nothing_costs_no_memory() -> None:
    back = payload("shopify_refund")
    back["transactions"] = [{"kind": "refund", "status": "success", "amount": "1e-999999999"}]
    with pytest.raises(UnreadableError, match="too small"):
        from_shopify("refunds/create", back)
