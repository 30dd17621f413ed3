"""What the customer bought and gave back: each order and each return once, as every service counts them."""

from collections.abc import Iterable, Set

from services.followup.domain.history.state import Bought, Purchases, Return, Spend
from shared.facts import order_book
from shared.facts.names import Heard, Name, key
from shared.facts.order_book import Left
from shared.facts.orders import RETURN_WAITS_DAYS, counted_refund
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros, day_of

MOST_ORDERS = 20
"""How many orders are kept line by line: the latest by event time. Counts and sums are of all."""
MOST_WORDS = 30
"""How many products and categories are kept of an order."""
MOST_WAITING = 50
"""How many returns wait for their orders, and how many refused ones are remembered: the latest heard."""
ONE_BY_ONE = frozenset({"orders", "lines"})
"""Subjects for which the latest orders are kept one by one."""
MOST_MONEY = 2**62
"""A sum that is larger stays here."""


def bought(
    purchases: Purchases, wanted: Set[str], data: PurchaseMade, name: Name, at: Micros, now: Micros
) -> Purchases:
    """With an order that is new, as far as is ``wanted`` (subjects of ``learning``), and the returns that
    waited for it."""
    first, last = purchases.first_at, purchases.last_at
    part: dict[str, object] = {
        "count": purchases.count + 1,
        "first_at": at if first is None else min(at, first),
        "last_at": at if last is None else max(at, last),
    }
    if not wanted.isdisjoint(ONE_BY_ONE):
        part["latest"] = _with_latest(purchases.latest, _order(data, at, "lines" in wanted))
    elif purchases.latest:
        part["latest"] = ()
    if "spend" not in wanted:
        part |= {} if not purchases.book else {"book": b"", "spend": (), "waiting": (), "refused": ()}
        return purchases.model_copy(update=part)
    part["spend"] = _spent(purchases.spend, data.total.currency, data.total.amount, 0)
    part["book"] = order_book.with_order(purchases.book, name, day_of(now), data.total, len(data.items))
    return _with_waiting(purchases.model_copy(update=part), name.key, data.order_id, now)


def _order(data: PurchaseMade, at: Micros, lines: bool) -> Bought:
    return Bought(
        order_id=data.order_id,
        at=at,
        currency=data.total.currency,
        amount=data.total.amount,
        skus=_distinct(item.sku for item in data.items) if lines else (),
        categories=_distinct(item.category for item in data.items) if lines else (),
    )


def _with_latest(latest: tuple[Bought, ...], new: Bought) -> tuple[Bought, ...]:
    every = sorted((*latest, new), key=lambda one: (one.at, one.order_id), reverse=True)
    return tuple(every[:MOST_ORDERS])


def _with_waiting(purchases: Purchases, order: bytes, order_id: str, now: Micros) -> Purchases:
    """The returns that waited for this order take effect, in the order in which they were heard."""
    if not purchases.waiting:
        return purchases
    since = now - RETURN_WAITS_DAYS * DAY
    mine = [one for one in purchases.waiting if one.order == order.hex() and one.heard >= since]
    rest = tuple(one for one in purchases.waiting if one.order != order.hex() and one.heard >= since)
    after = purchases.model_copy(update={"waiting": rest})
    taken: set[str] = set()
    for one in mine:
        if one.key not in taken:
            left = order_book.left_of(after.book, order)
            assert left is not None
            after, counts = take_back(after, one, order_id, left)
            if counts:
                taken.add(one.key)
    return after


def gave_back(
    purchases: Purchases, data: PurchaseReturned, name: Name, told: Heard, now: Micros
) -> Purchases:
    """With a return; of those of one name the first that can be holds."""
    order = key("order", data.order_id)
    new = Return(
        name.key.hex(),
        order.hex(),
        name.told.hex(),
        data.refund.currency,
        data.refund.amount,
        len(data.items),
        now,
    )
    waits = [one for one in purchases.waiting if one.key == new.key]
    if told is not Heard.NEW and not waits and new.key not in purchases.refused:
        return purchases
    left = order_book.left_of(purchases.book, order)
    if left is not None:
        return take_back(purchases, new, data.order_id, left)[0]
    if any(one.told == new.told for one in waits):
        return purchases
    return purchases.model_copy(update={"waiting": (*purchases.waiting, new)[-MOST_WAITING:]})


def take_back(purchases: Purchases, new: Return, order_id: str, left: Left) -> tuple[Purchases, bool]:
    """After a return of a known order, and whether it counts."""
    counted = None
    if new.currency == left.currency:
        counted = counted_refund(left.amount, new.amount, new.lines or left.lines)
    others = tuple(name for name in purchases.refused if name != new.key)
    if counted is None:
        return purchases.model_copy(update={"refused": (*others, new.key)[-MOST_WAITING:]}), False
    latest = tuple(
        one.model_copy(update={"returned": True, "refunded": one.refunded + counted})
        if one.order_id == order_id
        else one
        for one in purchases.latest
    )
    update = {
        "latest": latest,
        "spend": _spent(purchases.spend, new.currency, 0, counted),
        "book": order_book.refunded(purchases.book, left, counted),
        "refused": others,
    }
    return purchases.model_copy(update=update), True


def _spent(spend: tuple[Spend, ...], currency: str, paid: int, refunded: int) -> tuple[Spend, ...]:
    old = next((one for one in spend if one.currency == currency), Spend(currency, 0, 0))
    new = Spend(currency, min(old.paid + paid, MOST_MONEY), min(old.refunded + refunded, MOST_MONEY))
    return tuple(sorted((*(one for one in spend if one.currency != currency), new)))


def _distinct(words: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word is not None))[:MOST_WORDS]
