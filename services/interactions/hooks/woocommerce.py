"""WooCommerce's webhooks: orders and customers. Signed on the raw body by ``X-WC-Webhook-Signature``.

``X-WC-Webhook-Delivery-ID`` is a hash of the webhook and the second: two orders of one second share it. So
the event is named by that and the body.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec import Struct

from services.interactions.hooks.heard import (
    UNRESOLVED,
    Amount,
    Heard,
    Key,
    Telling,
    Who,
    email_of,
    event_id,
    id_of,
    ignored,
    label,
    labels,
    minor,
    phone_of,
    place,
    read,
    time_of,
)
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderTellRequested,
    ShopLine,
    ShopOrder,
    ShopRefund,
)
from shared.schemas.money import digits

DRAFTS = frozenset({"checkout-draft", "auto-draft", "draft", "new"})
PAID = frozenset({"processing", "completed", "refunded"})
"""Statuses of an order that counts; one with another counts if it was paid."""
VOID = frozenset({"cancelled", "refunded", "trash"})
ORDERS, CUSTOMERS = frozenset({"created", "updated", "restored"}), frozenset({"created", "updated"})

_is_ping = re.compile(rb"webhook_id=\d{1,20}").fullmatch


class Line(Struct):
    """Goods, shipping or a fee: ``subtotal`` before discounts, ``total`` after, both without taxes."""

    id: Key | None = None
    sku: str | None = None
    name: str | None = None
    product_id: Key | None = None
    variation_id: Key | None = None
    quantity: float | None = None
    subtotal: Amount = None
    subtotal_tax: Amount = None
    total: Amount = None
    total_tax: Amount = None


class Refund(Struct):
    id: Key
    total: Amount = None


class Coupon(Struct):
    code: str | None = None


class Address(Struct):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


class Order(Struct):
    """Of an order, what is read: REST API v1 to v3."""

    id: Key
    status: str
    currency: str
    total: Amount
    customer_id: Key | None = None
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    date_paid_gmt: str | None = None
    billing: Address | None = None
    line_items: list[Line] | None = None
    shipping_lines: list[Line] | None = None
    fee_lines: list[Line] | None = None
    coupon_lines: list[Coupon] | None = None
    refunds: list[Refund] | None = None


class Customer(Struct):
    id: Key
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    billing: Address | None = None


class Named(Struct):
    """What is left of a thing that was deleted."""

    id: Key


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """What WooCommerce sends when a webhook is saved: unsigned, no JSON, and to be answered with 200."""
    return "x-wc-webhook-signature" not in headers and _is_ping(body.strip()) is not None


def heard(headers: Mapping[str, str], body: bytes, now: datetime, shop: str | None = None) -> Heard:
    """What a webhook says. ``headers`` by name in lower case, or in any; ``shop`` tells one shop from another
    whose orders have the same numbers. Raises ``UnreadableError``."""
    thing, _, action = headers.get("x-wc-webhook-topic", "").strip().lower().partition(".")
    site = place(shop or headers.get("x-wc-webhook-source", "").partition("://")[2])
    delivery = headers.get("x-wc-webhook-delivery-id", "").strip()
    telling = Telling(f"/hooks/woocommerce/{site}", event_id(delivery, sha256(body).hexdigest()[:16]))
    if thing == "order" and action == "deleted":
        return telling.one(OrderDeleteRequested(), _key(read(Named, body).id, shop), now)
    if thing == "order" and action in ORDERS:
        order = read(Order, body)  # as it is when it is sent: it may be in the bin again
        restored = action == "restored" and order.status != "trash"
        return _order_told(telling, order, site, shop, restored=restored)
    if thing == "customer" and action in CUSTOMERS:
        customer = read(Customer, body)
        at = time_of(customer.date_modified_gmt, customer.date_created_gmt, offset="Z")
        who = _who(site, customer.id, customer, customer.billing)
        return Heard((telling.profile(who, at),), who)
    return ignored("topic")


def _order_told(telling: Telling, order: Order, site: str, shop: str | None, *, restored: bool) -> Heard:
    if order.status in DRAFTS:
        return ignored("draft")
    who = _who(site, order.customer_id, order.billing or Address(), order.billing)
    if not (who.email or who.phone or who.account):
        return ignored("nobody")
    told = _order(order, shop)
    data = OrderTellRequested(order=told, restored=restored)
    return telling.one(data, _key(order.id, shop), told.updated_at, who)


def _who(site: str, id: Key | None, person: Customer | Address, billing: Address | None) -> Who:
    billing = billing or Address()
    named = [(one.first_name, one.last_name) for one in (person, billing)]
    full = next((found for parts in named if (found := " ".join(part for part in parts if part))), None)
    return Who(
        email=email_of(person.email, billing.email),
        phone=phone_of(billing.phone),
        account=_account(site, id),
        name=full,
    )


def _account(site: str, id: Key | None) -> str | None:
    """Guests have the number 0, an empty one or none."""
    number = str("" if id is None else id).strip().lstrip("0")
    return f"woocommerce-{site}-{number}" if re.fullmatch("[0-9]{1,20}", number) else None


def _key(order: Key, shop: str | None) -> str:
    return f"woocommerce:{_name(order, shop, ':')}"


def _name(order: Key, shop: str | None, between: str = "-") -> str:
    return id_of(order) if shop is None else f"{place(shop)[:40]}{between}{id_of(order)}"


def _order(order: Order, shop: str | None) -> ShopOrder:
    currency, created = order.currency, order.date_created_gmt
    modified = time_of(order.date_modified_gmt, created, offset="Z")
    fields: dict[str, Any] = {
        "order_id": _name(order.id, shop),
        "customer_id": UNRESOLVED,
        "channel": "web",
        # Merchants may write any day.
        "at": min(time_of(order.date_paid_gmt, created, order.date_modified_gmt, offset="Z"), modified),
        "updated_at": modified,
        "currency": currency,
        "paid": order.status in PAID or order.date_paid_gmt is not None,
        "void": order.status in VOID,
        "total": minor(order.total, currency),
        "lines": tuple(_lines(order)),
        "refunds": tuple(_refund(one, currency, modified) for one in order.refunds or ()),
        "voucher_codes": tuple(labels(one.code for one in order.coupon_lines or ())),
    }
    return ShopOrder.model_validate(fields)


def _refund(refund: Refund, currency: str, at: datetime) -> ShopRefund:
    """WooCommerce says neither when it was nor what came back; its amount is below 0."""
    amount = Decimal(abs(minor(refund.total, currency))).scaleb(-digits(currency))
    return ShopRefund(refund_id=id_of(refund.id), at=at, amount=f"{amount:f}", currency=currency)


def _lines(order: Order) -> list[ShopLine]:
    found = []
    for lines, extra in (
        (order.line_items, ""),
        (order.shipping_lines, "shipping"),
        (order.fee_lines, "fee"),
    ):
        for line in lines or ():
            one = _line(line, extra, order.currency)
            if one is not None:
                found.append(one)
    return found


def _line(line: Line, extra: str, currency: str) -> ShopLine | None:
    amount = minor(line.total, currency) + minor(line.total_tax, currency)
    before = minor(line.subtotal, currency) + minor(line.subtotal_tax, currency)
    quantity = line.quantity if not extra and line.quantity is not None else 1
    if quantity <= 0:
        return None
    sku = extra or label(
        line.sku,
        _named("variation", line.variation_id),
        _named("product", line.product_id),
        line.name,
        line.id,
    )
    return ShopLine(
        line=label(line.id, sku),
        sku=sku,
        category=extra or None,
        quantity=int(quantity) if quantity == int(quantity) else 1,  # half a kilogram is one of it
        price=max(before, amount),
        amount=amount,
    )


def _named(kind: str, id: Key | None) -> str | None:
    return f"{kind}-{id}" if id else None
