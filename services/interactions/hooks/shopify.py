"""Shopify's webhooks: orders, refunds and customers. Signed on the raw body by ``X-Shopify-Hmac-Sha256``.

``X-Shopify-Webhook-Id`` is the same at every retry and names the event. An order is told whole each time, so
it is passed on as it stands, in the shop's own currency (``shop_money``): its state decides what changed.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from services.interactions.hooks.heard import (
    UNRESOLVED,
    Amount,
    Heard,
    Telling,
    UnreadableError,
    Who,
    email_of,
    event_id,
    id_of,
    ignored,
    label,
    minor,
    phone_of,
    place,
    read,
    time_of,
)
from services.interactions.hooks.shopify_shapes import (
    Address,
    Customer,
    Kind,
    Line,
    MoneySet,
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
    ShopRefund,
    ShopReturn,
)
from shared.schemas.customers import ConsentChanged

ORDERS = frozenset({"create", "paid", "updated", "edited", "cancelled", "fulfilled", "partially_fulfilled"})
CUSTOMERS = frozenset({"create", "update", "enable", "disable"})
PRIVACY = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
"""What Shopify asks of apps by law: answered, told in the log, done by a person (docs/how-to/shopify.md)."""
PAID = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})
"""Financial statuses of an order of which something was paid."""
FAILED = frozenset({"failure", "error"})


def heard(headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
    """What a webhook says. ``headers`` by name in lower case, or in any. Raises ``UnreadableError``."""
    topic = headers.get("x-shopify-topic", "").strip().lower()
    thing, _, action = topic.partition("/")
    shop = place(headers.get("x-shopify-shop-domain", "").partition(".myshopify.")[0])
    named = headers.get("x-shopify-webhook-id") or headers.get("x-shopify-event-id", "") + f":{topic}"
    telling = Telling(f"/hooks/shopify/{shop}", event_id(named.strip()))
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
    told = _refund(refund, None)
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
    currency = order.currency
    current = _shop(order.current_total_price, order.current_total_price_set)
    pos = order.source_name == "pos"
    store = {"store_id": id_of(order.location_id)} if pos and order.location_id is not None else {}
    fields: dict[str, Any] = {
        "order_id": id_of(order.id),
        "customer_id": UNRESOLVED,
        "channel": "store" if pos else "web",
        **store,
        "at": time_of(order.processed_at, order.created_at),
        "updated_at": time_of(order.updated_at, order.processed_at, order.created_at),
        **triggered,
        "currency": currency,
        "paid": order.financial_status in PAID,
        "void": order.cancelled_at is not None,
        "total": minor(_shop(order.total_price, order.total_price_set), currency),
        "current": None if current is None else minor(current, currency),
        "lines": tuple(_lines(order)),
        "refunds": tuple(_refund(one, currency) for one in order.refunds or ()),
        "voucher_codes": tuple(label(one.code) for one in order.discount_codes or () if one.code),
    }
    return ShopOrder.model_validate(fields)


def _lines(order: Order) -> list[ShopLine]:
    included, currency = bool(order.taxes_included), order.currency
    lines = [
        _line(line, _sku(line, line.id), currency, included)
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
        ("duties", _shop(None, order.original_total_duties_set)),
        ("fee", _shop(None, order.original_total_additional_fees_set)),
    )
    for sku, amount in extras:
        if cents := minor(amount, currency):
            lines.append(ShopLine(line=sku, sku=sku, category=sku, quantity=1, price=cents, amount=cents))
    return lines


def _line(line: Line, sku: str, currency: str, taxes_included: bool) -> ShopLine:
    """Discounts of the whole order are among the line's allocations; where there are none it may have one of
    its own. Taxes come on top unless prices have them in."""
    quantity = line.quantity if sku != "shipping" else 1
    tax = sum(minor(_shop(one.price, one.price_set), currency) for one in line.tax_lines or ())
    price = minor(_shop(line.price, line.price_set), currency) * quantity + (0 if taxes_included else tax)
    if line.discount_allocations:
        off = sum(minor(_shop(one.amount, one.amount_set), currency) for one in line.discount_allocations)
    elif line.discounted_price is not None:
        off = minor(line.price, currency) - minor(line.discounted_price, currency)
    else:
        off = minor(line.total_discount, currency)
    category = "shipping" if sku == "shipping" else "gift_card" if line.gift_card else None
    return ShopLine(
        line=label(line.id, sku),
        sku=sku,
        category=category,
        quantity=quantity,
        price=price,
        amount=price - off,
    )


def _refund(refund: Refund, currency: str | None) -> ShopRefund:
    """What was paid back: the transactions, where they are in the shop's currency; else the goods with their
    taxes, and what was adjusted. ``currency``: the order's, if known."""
    lines, adjusted = refund.refund_line_items or (), refund.order_adjustments or ()
    sets = [one.subtotal_set for one in lines] + [one.amount_set for one in adjusted]
    said = [
        pair.shop_money.currency_code for pair in sets if pair is not None and pair.shop_money is not None
    ]
    paid = [t for t in refund.transactions or () if t.kind == "refund" and t.status not in FAILED]
    currency = currency or next((code for code in said if code), None)
    if currency is None:
        currency = next((t.currency for t in paid if t.currency), None)
    amount = Decimal(0)
    if paid and all(t.currency in (None, currency) for t in paid):
        amount += sum(_number(t.amount) for t in paid)
    else:
        for one in lines:
            amount += _shop_number(one.subtotal, one.subtotal_set)
            amount += _shop_number(one.total_tax, one.total_tax_set)
        for off in adjusted:
            amount -= _shop_number(off.amount, off.amount_set)
            amount -= _shop_number(off.tax_amount, off.tax_amount_set)
    items = []
    for one in lines:
        if one.quantity > 0 and one.line_item_id is not None:
            line, sku = label(one.line_item_id), _sku(one.line_item or Line(), one.line_item_id)
            items.append(ShopReturn(line=line, sku=sku, quantity=one.quantity))
    fields: dict[str, Any] = {
        "refund_id": id_of(refund.id),
        "at": time_of(refund.processed_at, refund.created_at),
        "amount": f"{max(amount, Decimal(0)):f}",
        "items": tuple(items),
    }
    return ShopRefund.model_validate(fields if currency is None else fields | {"currency": currency})


def _sku(line: Line, *others: int | str | None) -> str:
    return label(
        line.sku, _named("variant", line.variant_id), _named("product", line.product_id), line.title, *others
    )


def _named(kind: str, id: int | str | None) -> str | None:
    return None if id is None else f"{kind}-{id}"


def _number(amount: Amount) -> Decimal:
    try:
        number = Decimal(str(amount if amount is not None else 0))
    except InvalidOperation:
        raise UnreadableError("an amount is no number") from None
    if not number.is_finite():
        raise UnreadableError("an amount is no number")
    return number


def _shop_number(amount: Amount, pair: MoneySet | None) -> Decimal:
    return _number(_shop(amount, pair))


def _shop(amount: Amount, pair: MoneySet | None) -> Amount:
    """In the shop's currency."""
    money = pair.shop_money if pair is not None else None
    return amount if money is None or money.amount is None else money.amount
