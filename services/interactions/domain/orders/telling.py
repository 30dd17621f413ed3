"""What is to be told of an order's customer, so that what was told comes to what the order is worth."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.interactions.domain.orders.state import (
    Order,
    Part,
    PartLine,
    refunded_amount,
    returned_units,
)
from services.interactions.domain.state import altered
from shared.schemas.base import Money
from shared.schemas.commands.orders import ShopLine, ShopOrder, ShopRefund, ShopReturn
from shared.schemas.purchases import PurchaseItem, PurchaseMade, PurchaseReturned, ReturnItem
from shared.schemas.times import Micros, micros

ADJUSTMENT = "adjustment"
"""The line that makes the lines sum to the total, where the shop's own do not."""


class Fact(NamedTuple):
    """What happened to the customer, and when."""

    at: Micros
    data: PurchaseMade | PurchaseReturned


def settled(order: Order) -> tuple[Order, list[Fact]]:
    """The order with all told that is known, and what is told now: first what it is worth more, then the
    refunds by their own names, then what it is worth less without one. No more goes back than was told."""
    facts: list[Fact] = []
    shown = order.shown
    if shown is None or not (order.parts or (shown.paid and not order.deleted)):
        return order, facts
    order = _refunded(_raised(order, shown, facts), shown, facts)
    return _lowered(order, shown, facts), facts


def _raised(order: Order, shown: ShopOrder, facts: list[Fact]) -> Order:
    """The order itself, or what an edit added, as a purchase of its own: an order is told once."""
    first, more = not order.parts, max(shown.total, _sold(order, shown))
    if not first:
        more = max(_sold(order, shown) - sum(part.total for part in order.parts), order.target - order.net)
    if not first and more <= 0:
        return order
    wanted = _units(shown, _told_back(order))
    lines = [_reduced(line, wanted[line.line] - _held(order.parts, line.line)) for line in shown.lines]
    bought = shown.lines if first else [line for line in lines if line is not None]
    changes = order.changes + (not first)
    order_id = shown.order_id if first else f"{shown.order_id}:edit:{changes}"
    data = PurchaseMade(
        order_id=order_id,
        channel=shown.channel,
        **({} if shown.store_id is None else {"store_id": shown.store_id}),
        total=Money(amount=more, currency=shown.currency),
        items=items_of(bought, more, shown.currency),
        voucher_codes=shown.voucher_codes if first else (),
    )
    facts.append(Fact(micros(shown.at if first else shown.updated_at), data))
    part = Part(
        order_id=order_id,
        total=more,
        left=more,
        lines=tuple(
            PartLine(
                line=line.line, sku=line.sku, quantity=line.quantity, amount=line.amount, left=line.quantity
            )
            for line in bought
        ),
    )
    return altered(
        order, parts=(*order.parts, part), changes=changes, customer_id=order.customer_id or shown.customer_id
    )


def _sold(order: Order, shown: ShopOrder) -> int:
    """What is left of it and what went back or was taken out, and no more than was ever in it: the total need
    not have what an edit added, and of goods that are gone there may be both a refund and their money."""
    ever = max(shown.total, sum(line.amount for line in shown.lines))
    removed = sum(line.amount * line.removed // line.quantity for line in shown.lines)
    return min(ever, order.target + order.refunded + removed) if order.counts else 0


def _refunded(order: Order, shown: ShopOrder, facts: list[Fact]) -> Order:
    """Each refund once, as far as the order is worth less by it: what an edit told is not told again. Its
    goods came back though their money is told already."""
    for known in order.refunds:
        refund, whole = known.refund, refunded_amount(known.refund, shown.currency)
        if known.told or whole is None:
            continue
        amount = max(0, min(whole, order.net - order.target))
        order = altered(
            order, refunds=tuple(altered(one, told=True) if one is known else one for one in order.refunds)
        )
        if amount or refund.items:
            order = _given_back(order, refund, amount, shown.currency, facts)
    return order


def _lowered(order: Order, shown: ShopOrder, facts: list[Fact]) -> Order:
    """What it is worth less without a refund: an edit, a cancellation."""
    less = order.net - order.target
    if less <= 0:
        return order
    changes = order.changes + 1
    wanted = _units(shown, _told_back(order)) if order.counts else {}
    held: dict[str, ShopReturn] = {}
    for part in order.parts:
        for line in part.lines:
            before = held[line.line].quantity if line.line in held else 0
            if line.left + before:
                held[line.line] = ShopReturn(line=line.line, sku=line.sku, quantity=line.left + before)
    over = {name: one.quantity - wanted.get(name, 0) for name, one in held.items()}
    items = tuple(altered(held[name], quantity=units) for name, units in over.items() if units > 0)
    refund = ShopRefund(
        refund_id=f"{shown.order_id}:edit:{changes}", at=shown.updated_at, amount="0", items=items
    )
    return _given_back(altered(order, changes=changes), refund, less, shown.currency, facts)


def _given_back(order: Order, refund: ShopRefund, amount: int, currency: str, facts: list[Fact]) -> Order:
    """So much of what was told goes back, of each part what came back of it."""
    units = returned_units(refund.items)
    skus = {item.line: item.sku for item in refund.items}
    backs: list[tuple[Part, dict[str, int]]] = []
    for part in order.parts:
        back: dict[str, int] = {}
        for line in part.lines:
            count = min(units.get(line.line, 0), line.left)
            if count:
                back[line.line], units[line.line] = count, units[line.line] - count
        backs.append((part, back))
    shares = _shares(backs, amount)
    parts = []
    for (part, back), share in zip(backs, shares, strict=True):
        if share or back:
            # Units of lines that nobody was told of are named with the first part that gives something back.
            back |= {name: count for name, count in units.items() if count and name in skus and share}
            units = dict.fromkeys(units, 0) if share else units
            money = Money(amount=share, currency=currency)
            facts.append(Fact(micros(refund.at), _return(part, refund.refund_id, money, back, skus)))
        lines = tuple(
            altered(line, left=line.left - min(line.left, back.get(line.line, 0))) for line in part.lines
        )
        parts.append(altered(part, left=part.left - share, lines=lines))
    return altered(order, parts=tuple(parts))


def _shares(backs: Sequence[tuple[Part, Mapping[str, int]]], amount: int) -> list[int]:
    """What each part gives back of it: for its goods what was paid for them, then the rest as it goes."""
    shares = []
    rest = amount
    for part, back in backs:
        worth = sum(line.amount * back.get(line.line, 0) // line.quantity for line in part.lines)
        shares.append(max(0, min(worth, part.left, rest)))
        rest -= shares[-1]
    with_goods_first = sorted(range(len(backs)), key=lambda place: not backs[place][1])
    for place in with_goods_first:
        more = min(rest, backs[place][0].left - shares[place])
        shares[place], rest = shares[place] + more, rest - more
    return shares


def _return(
    part: Part, refund_id: str, refund: Money, back: Mapping[str, int], skus: Mapping[str, str]
) -> PurchaseReturned:
    units: dict[str, int] = {}
    for name, count in back.items():
        units[skus[name]] = units.get(skus[name], 0) + count
    return PurchaseReturned(
        order_id=part.order_id,
        return_id=refund_id,
        items=tuple(ReturnItem(sku=sku, quantity=count) for sku, count in units.items()),
        refund=refund,
    )


def items_of(lines: Sequence[ShopLine], total: int, currency: str) -> tuple[PurchaseItem, ...]:
    """The lines of a purchase, which sum to its total: of each line a price of one in minor units, and a line
    for what was taken off it or is less than a minor unit for each."""
    found: list[PurchaseItem] = []
    rest = total

    def put(line: ShopLine | None, quantity: int, amount: int) -> None:
        nonlocal rest
        category = {} if line is None or line.category is None else {"category": line.category}
        sku = ADJUSTMENT if line is None else line.sku
        price = Money(amount=amount, currency=currency)
        found.append(PurchaseItem(sku=sku, quantity=quantity, unit_price=price, **category))
        rest -= quantity * amount

    for line in lines:
        if line.amount < 0:
            put(line, 1, line.amount)
            continue
        each = -(-max(line.price, line.amount) // line.quantity)
        put(line, line.quantity, each)
        if off := each * line.quantity - line.amount:
            put(line, 1, -off)
    if rest:
        put(None, 1, rest)
    return tuple(found)


def _units(shown: ShopOrder, back: Mapping[str, int]) -> dict[str, int]:
    """How many of each line the customer has, by how the order stands and what was told to have come back."""
    return {line.line: max(0, line.quantity - line.removed - back.get(line.line, 0)) for line in shown.lines}


def _told_back(order: Order) -> dict[str, int]:
    return returned_units([item for one in order.refunds if one.told for item in one.refund.items])


def _held(parts: Sequence[Part], name: str) -> int:
    return sum(line.left for part in parts for line in part.lines if line.line == name)


def _reduced(line: ShopLine, quantity: int) -> ShopLine | None:
    """So many of a line, at what was paid for each; None where there are none."""
    if quantity <= 0:
        return None
    price, amount = (value * quantity // line.quantity for value in (line.price, line.amount))
    return altered(line, quantity=quantity, price=price, amount=amount)
