"""What went back of Shopify's orders, what came back with it, and what an order is worth after that."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.interactions.hooks.heard import Amount, UnreadableError, id_of, label, minor, time_of
from services.interactions.hooks.shopify_shapes import Line, MoneySet, Order, Refund, Transaction
from shared.schemas.commands.orders import ShopLine, ShopRefund, ShopReturn
from shared.schemas.money import MOST_DIGITS, number

FAILED = frozenset({"failure", "error"})


MOST_DECIMALS = 8
"""Of an amount that goes back. A number that a program has added up may have more: 31.860000000000003."""


def refund_of(refund: Refund, currency: str | None, told_at: datetime | None = None) -> ShopRefund:
    """A refund of an order; ``currency`` is the order's, ``told_at`` the time of its account, if known."""
    currency = currency or _currency(refund)
    amount = paid_back(refund, currency) if _tried(refund) else _calculated(refund)
    items = []
    for one in refund.refund_line_items or ():
        if one.quantity > 0 and one.line_item_id is not None:
            line, sku = label(one.line_item_id), sku_of(one.line_item or Line(), one.line_item_id)
            items.append(ShopReturn(line=line, sku=sku, quantity=one.quantity))
    at = time_of(refund.processed_at, refund.created_at)
    fields: dict[str, Any] = {
        "refund_id": id_of(refund.id),
        "at": at if told_at is None else min(at, told_at),
        "amount": _written(max(amount, Decimal(0))),
        "items": tuple(items),
        "unpaid": bool(items) and not _tried(refund),
    }
    return ShopRefund.model_validate(fields if currency is None else fields | {"currency": currency})


def current_of(order: Order) -> int | None:
    """What Shopify says that an order is worth by now; None where it does not."""
    told = in_shop(order.current_total_price, order.current_total_price_set)
    return None if told is None else minor(told, order.currency)


def worth_of(order: Order, total: int, now: int, lines: Iterable[ShopLine]) -> tuple[int, int]:
    """What an order is worth by now, and what of goods that are gone is still to be paid back. Shopify takes
    off ``current_total_price`` (``now``) what goods are gone, but not always what was paid back without any,
    and its ``total_price`` need not have in it what an edit added. What an edit took out need not be paid
    back as far as goods that it added have made up for it: less than it is off the total by now then."""
    currency, refunds = order.currency, order.refunds or ()
    both = [(_minor(paid_back(one, currency), currency), _minor(_goods(one), currency)) for one in refunds]
    paid = sum(money for money, _ in both)
    alone = sum(max(0, money - goods) for money, goods in both)
    unpaid = sum(max(0, goods - money) for money, goods in both)
    unpaid += sum(line.amount * line.removed // line.quantity for line in lines)
    unpaid = max(0, min(unpaid, total - now - (paid - alone)))
    worth = max(min(total - paid, now), now - max(0, alone - unpaid), 0)
    return worth, max(0, unpaid - alone)


def paid_back(refund: Refund, currency: str | None) -> Decimal:
    """By transactions that did not fail. In another currency it is what goods and adjustments say."""
    paid = [one for one in _tried(refund) if one.status not in FAILED]
    if any(one.currency not in (None, currency) for one in paid):
        return _calculated(refund)
    return sum((_number(one.amount) for one in paid), Decimal(0))


def _tried(refund: Refund) -> list[Transaction]:
    return [one for one in refund.transactions or () if one.kind == "refund"]


def _goods(refund: Refund) -> Decimal:
    """What the goods had cost, with their taxes."""
    return sum(
        (
            _in_shop(one.subtotal, one.subtotal_set) + _in_shop(one.total_tax, one.total_tax_set)
            for one in refund.refund_line_items or ()
        ),
        Decimal(0),
    )


def _calculated(refund: Refund) -> Decimal:
    """What is to go back, by goods and adjustments."""
    amount = _goods(refund)
    for off in refund.order_adjustments or ():
        amount -= _in_shop(off.amount, off.amount_set)
        amount -= _in_shop(off.tax_amount, off.tax_amount_set)
    return amount


def _currency(refund: Refund) -> str | None:
    """The shop's, as far as the refund tells it."""
    pairs = [one.subtotal_set for one in refund.refund_line_items or ()]
    pairs += [one.amount_set for one in refund.order_adjustments or ()]
    said = [
        pair.shop_money.currency_code for pair in pairs if pair is not None and pair.shop_money is not None
    ]
    said += [one.currency for one in _tried(refund) if one.status not in FAILED]
    return next((code for code in said if code), None)


def sku_of(line: Line, *others: int | str | None) -> str:
    """What a line sells."""
    return label(
        line.sku, _named("variant", line.variant_id), _named("product", line.product_id), line.title, *others
    )


def in_shop(amount: Amount, pair: MoneySet | None) -> Amount:
    """An amount in the shop's currency."""
    money = pair.shop_money if pair is not None else None
    return amount if money is None or money.amount is None else money.amount


def _in_shop(amount: Amount, pair: MoneySet | None) -> Decimal:
    return _number(in_shop(amount, pair))


def _named(kind: str, id: int | str | None) -> str | None:
    return None if id is None else f"{kind}-{id}"


def _minor(amount: Decimal, currency: str) -> int:
    return minor(f"{amount:f}", currency)


def _written(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text if len(text.partition(".")[2]) <= MOST_DECIMALS else f"{amount:.{MOST_DECIMALS}f}"


def _number(amount: Amount) -> Decimal:
    try:
        found = number(str(amount if amount is not None else 0))
    except ValueError:
        raise UnreadableError("an amount is no number") from None
    if abs(found.adjusted()) > MOST_DIGITS:
        raise UnreadableError("an amount is too large or too small")
    return found
