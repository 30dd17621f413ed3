"""Shopify's webhooks: orders, refunds and customers. Signed on the raw body by ``X-Shopify-Hmac-Sha256``.

``X-Shopify-Webhook-Id`` is the same at every retry and names the event. An order is told whole each time, so
it is passed on as it stands, in the shop's own currency (``shop_money``): its state decides what changed.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.interactions.hooks.heard import (
    UNRESOLVED,
    Heard,
    Key,
    Telling,
    UnreadableError,
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
from services.interactions.hooks.shopify_refunds import current_of, in_shop, refund_of, sku_of, worth_of
from services.interactions.hooks.shopify_shapes import (
    Address,
    Customer,
    Kind,
    Line,
    Named,
    Order,
    Refund,
)
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderRefundRequested,
    OrderTellRequested,
    ShopLine,
    ShopOrder,
)
from shared.schemas.customers import ConsentChanged

ORDERS = frozenset({"create", "paid", "updated", "edited", "cancelled", "fulfilled", "partially_fulfilled"})
CUSTOMERS = frozenset({"create", "update", "enable", "disable"})
PRIVACY = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
"""What Shopify asks of apps by law: answered, told in the log, done by a person (docs/how-to/shopify.md)."""
PAID = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})
"""Financial statuses of an order of which something was paid."""


def heard(headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
    """What a webhook says. ``headers`` by name in lower case, or in any. Raises ``UnreadableError``."""
    topic = headers.get("x-shopify-topic", "").strip().lower()
    thing, _, action = topic.partition("/")
    shop = place(headers.get("x-shopify-shop-domain", "").partition(".myshopify.")[0])
    telling = Telling(f"/hooks/shopify/{shop}", _named_by(headers, topic, body))
    if headers.get("x-shopify-test", "").strip().lower() == "true":
        return ignored("test")
    if topic in PRIVACY:
        return ignored("privacy")
    if thing == "orders" and action in ORDERS:
        if action == "edited" and (kind := read(Kind, body)).order_edit and not kind.line_items:
            return ignored("edit")  # without amounts: orders/updated comes with them
        return _order_told(telling, shop, read(Order, body), _triggered(headers))
    if topic == "refunds/create":
        return _refund_told(telling, read(Refund, body))
    if topic == "orders/delete":
        return telling.one(OrderDeleteRequested(), _key(read(Named, body).id), now)
    if thing == "customers" and action in CUSTOMERS:
        return _customer_told(telling, shop, read(Customer, body))
    return ignored("topic")


def _named_by(headers: Mapping[str, str], topic: str, body: bytes) -> str:
    """The webhook's own id, else that of what happened, else what it says."""
    if webhook := headers.get("x-shopify-webhook-id", "").strip():
        return event_id(webhook)
    happened = headers.get("x-shopify-event-id", "").strip()
    return event_id(happened or sha256(body).hexdigest(), topic)


def _triggered(headers: Mapping[str, str]) -> dict[str, datetime]:
    """When Shopify made the webhook; the same at every retry."""
    try:
        return {"told_at": time_of(headers.get("x-shopify-triggered-at"))}
    except UnreadableError:
        return {}


def _order_told(telling: Telling, shop: str, order: Order, triggered: Mapping[str, datetime]) -> Heard:
    who = _who(shop, order.customer, order)
    if order.test:
        return ignored("test")
    if not (who.email or who.phone or who.account):
        return ignored("nobody")
    told = _order(order, triggered)
    return telling.one(OrderTellRequested(order=told), _key(order.id), told.updated_at, who)


def _refund_told(telling: Telling, refund: Refund) -> Heard:
    if refund.transactions and all(one.test for one in refund.transactions):
        return ignored("test")
    if refund.order_id is None:
        raise UnreadableError("there is no order_id")
    told = refund_of(refund, None)
    return telling.one(OrderRefundRequested(refund=told), _key(refund.order_id), told.at)


def _customer_told(telling: Telling, shop: str, customer: Customer) -> Heard:
    """The profile's fields that it has; a word on marketing where one was given."""
    who = _who(shop, customer, None)
    if who.account is None:
        raise UnreadableError("there is no id")
    at = time_of(customer.updated_at, customer.created_at)
    events = [telling.profile(who, at)]
    for channel, consent in (
        ("email", customer.email_marketing_consent),
        ("sms", customer.sms_marketing_consent),
    ):
        if consent is None or consent.state not in ("subscribed", "unsubscribed"):
            continue
        data = ConsentChanged(
            purpose="marketing",
            channel=channel,
            granted=consent.state == "subscribed",
            evidence=f"shopify {shop} {consent.opt_in_level or ''}".strip()[:128],
        )
        since = time_of(consent.consent_updated_at, customer.updated_at, customer.created_at)
        events.append(telling.event(data, UNRESOLVED, since, channel))
    return Heard(tuple(events), who)


def _who(shop: str, customer: Customer | None, order: Order | None) -> Who:
    known, placed = customer or Customer(), order or Order(id=0, currency="", total_price=None)
    billing, default = placed.billing_address or Address(), known.default_address or Address()
    full = " ".join(part for part in (known.first_name, known.last_name) if part) or billing.name
    return Who(
        email=email_of(placed.email, placed.contact_email, known.email),
        phone=phone_of(placed.phone, known.phone, billing.phone, default.phone),
        account=None if known.id is None else f"shopify-{shop}-{id_of(known.id)}",
        name=full,
    )


def _key(order: int | str) -> str:
    """Shopify counts all orders of all shops in one row."""
    return f"shopify:{id_of(order)}"


def _order(order: Order, triggered: Mapping[str, datetime]) -> ShopOrder:
    currency, updated = order.currency, time_of(order.updated_at, order.processed_at, order.created_at)
    total = minor(in_shop(order.total_price, order.total_price_set), currency)
    lines = tuple(_lines(order))
    current = current_of(order)
    worth, owed = (None, 0) if current is None else worth_of(order, total, current, lines)
    pos = order.source_name == "pos"
    store = {"store_id": id_of(order.location_id)} if pos and order.location_id is not None else {}
    fields: dict[str, Any] = {
        "order_id": id_of(order.id),
        "customer_id": UNRESOLVED,
        "channel": "store" if pos else "web",
        **store,
        # Whoever writes an order by the API may write any day.
        "at": min(time_of(order.processed_at, order.created_at), updated),
        "updated_at": updated,
        **triggered,
        "currency": currency,
        "paid": order.financial_status in PAID,
        "void": order.cancelled_at is not None,
        "total": total,
        "current": current,
        "worth": worth,
        "owed": owed,
        "lines": lines,
        "refunds": tuple(refund_of(one, currency, updated) for one in order.refunds or ()),
        "voucher_codes": tuple(labels(one.code for one in order.discount_codes or ())),
    }
    return ShopOrder.model_validate(fields)


def _lines(order: Order) -> list[ShopLine]:
    included, currency = bool(order.taxes_included), order.currency
    named = [item for one in order.refunds or () for item in one.refund_line_items or ()]
    back: Counter[Key | None] = Counter()
    for item in named:
        back[item.line_item_id] += item.quantity
    lines = [
        _line(line, sku_of(line, line.id), currency, included, back[line.id])
        for line in order.line_items or ()
        if line.quantity > 0
    ]
    lines += [
        _line(line, "shipping", currency, included)
        for line in order.shipping_lines or ()
        if not line.is_removed
    ]
    extras = (
        ("tip", order.total_tip_received),
        ("duties", in_shop(None, order.original_total_duties_set)),
        ("fee", in_shop(None, order.original_total_additional_fees_set)),
    )
    for sku, amount in extras:
        if cents := minor(amount, currency):
            lines.append(ShopLine(line=sku, sku=sku, category=sku, quantity=1, price=cents, amount=cents))
    return lines


def _line(line: Line, sku: str, currency: str, taxes_included: bool, back: int = 0) -> ShopLine:
    """Discounts of the whole order are among the line's allocations; where there are none it may have one of
    its own. Taxes come on top unless prices have them in. ``back``: how many of it refunds name."""
    quantity = line.quantity if sku != "shipping" else 1
    tax = sum(minor(in_shop(one.price, one.price_set), currency) for one in line.tax_lines or ())
    price = minor(in_shop(line.price, line.price_set), currency) * quantity + (0 if taxes_included else tax)
    if line.discount_allocations:
        off = sum(minor(in_shop(one.amount, one.amount_set), currency) for one in line.discount_allocations)
    elif line.discounted_price is not None:
        off = minor(line.price, currency) - minor(line.discounted_price, currency)
    else:
        off = minor(line.total_discount, currency)
    left = line.current_quantity
    category = "shipping" if sku == "shipping" else "gift_card" if line.gift_card else None
    return ShopLine(
        line=label(line.id, sku),
        sku=sku,
        category=category,
        quantity=quantity,
        price=price,
        amount=price - off,
        removed=0 if left is None or sku == "shipping" else max(0, quantity - left - back),
    )
