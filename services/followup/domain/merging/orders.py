"""What several ids bought as if one had: an order that was told of two of them counts once. Pure."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

from services.followup.domain.history.purchases import MOST_MONEY, MOST_ORDERS, MOST_WAITING, take_back
from services.followup.domain.history.state import Bought, Purchases, Return, Spend
from services.followup.domain.told import Told
from shared.facts import order_book
from shared.facts.names import NAME_BYTES, joined, key
from shared.facts.order_book import SIZE, Left
from shared.schemas.times import Micros

KEY_BYTES = 8


class Orders(NamedTuple):
    """Of one id: its purchases, and the names of all that it was told."""

    purchases: Purchases
    names: bytes
    complaints: frozenset[bytes]
    """The names among them that are no orders', as far as is known."""


class Twice(NamedTuple):
    """An order that was told of two ids."""

    one: Left
    other: Left
    total: int
    """What it cost, as far as is known."""


def purchases_of(shares: Sequence[Told]) -> Purchases | None:
    """Of all together; None where nothing is kept of them."""
    told = [
        Orders(bought, one.names, frozenset(key("complaint", c.complaint_id) for c in one.complaints))
        for one in shares
        if one.history is not None and (bought := one.history.purchases) is not None
    ]
    return reduce(_both, told).purchases if told else None


def _both(one: Orders, other: Orders) -> Orders:
    first, second = one.purchases, other.purchases
    complaints = one.complaints | other.complaints
    common = _keys(first.book, SIZE) & _keys(second.book, SIZE)
    twice = [found for name in sorted(common) if (found := _twice(first, second, name)) is not None]
    # Where the money of orders is not kept, what both were told of and has a name is an order.
    doubled = len(twice)
    if not (first.book or second.book):
        names = (_keys(one.names, NAME_BYTES) & _keys(other.names, NAME_BYTES)) - complaints
        doubled = min(len(names), first.count, second.count)
    book = joined([first.book, second.book], SIZE)
    for name in common:
        book = _least(book, first, second, name)
    together = Purchases(
        count=first.count + second.count - doubled,
        first_at=min(_known(first.first_at, second.first_at), default=None),
        last_at=max(_known(first.last_at, second.last_at), default=None),
        spend=_spend([*first.spend, *second.spend], twice),
        latest=_latest([*first.latest, *second.latest]),
        book=book,
        refused=tuple(dict.fromkeys((*second.refused, *first.refused)))[-MOST_WAITING:],
    )
    waiting = {(back.key, back.told): back for back in (*second.waiting, *first.waiting)}
    every = sorted(waiting.values(), key=lambda back: back.heard)
    return Orders(_returned(together, every), joined([one.names, other.names], NAME_BYTES), complaints)


def _keys(entries: bytes, size: int) -> set[bytes]:
    return {entries[at : at + KEY_BYTES] for at in range(0, len(entries), size)}


def _twice(first: Purchases, second: Purchases, name: bytes) -> Twice | None:
    one, other = order_book.left_of(first.book, name), order_book.left_of(second.book, name)
    if one is None or other is None:
        return None
    paid = [b.amount for b in (*first.latest, *second.latest) if key("order", b.order_id) == name]
    return Twice(one, other, paid[0] if paid else max(one.amount, other.amount))


def _least(book: bytes, first: Purchases, second: Purchases, name: bytes) -> bytes:
    """With no more left of an order than is left by what either was told."""
    lefts = [order_book.left_of(one.book, name) for one in (first, second)]
    known, found = order_book.left_of(book, name), [left.amount for left in lefts if left is not None]
    return book if known is None else order_book.refunded(book, known, known.amount - min(found))


def _spend(told: Iterable[Spend], twice: Iterable[Twice]) -> tuple[Spend, ...]:
    found: dict[str, Spend] = {}
    less = [Spend(o.one.currency, -o.total, max(o.one.amount, o.other.amount) - o.total) for o in twice]
    for one in (*told, *less):
        known = found.get(one.currency, Spend(one.currency, 0, 0))
        paid, refunded = known.paid + one.paid, known.refunded + one.refunded
        found[one.currency] = Spend(one.currency, min(paid, MOST_MONEY), min(refunded, MOST_MONEY))
    return tuple(sorted(found.values()))


def _latest(told: Iterable[Bought]) -> tuple[Bought, ...]:
    found: dict[str, Bought] = {}
    for one in told:
        known = found.get(one.order_id)
        if known is not None:
            refunded, back = max(known.refunded, one.refunded), known.returned or one.returned
            first = min(known, one, key=lambda bought: bought.at)
            one = first.model_copy(update={"refunded": refunded, "returned": back})
        found[one.order_id] = one
    every = sorted(found.values(), key=lambda one: (one.at, one.order_id), reverse=True)
    return tuple(every[:MOST_ORDERS])


def _returned(purchases: Purchases, waiting: Iterable[Return]) -> Purchases:
    """The returns of one id whose order was told of the other take effect."""
    left = []
    for back in waiting:
        order = order_book.left_of(purchases.book, bytes.fromhex(back.order))
        if order is None:
            left.append(back)
            continue
        names = (b.order_id for b in purchases.latest if key("order", b.order_id).hex() == back.order)
        purchases = take_back(purchases, back, next(names, ""), order)[0]
    return purchases.model_copy(update={"waiting": tuple(left)[-MOST_WAITING:]})


def _known(*times: Micros | None) -> list[Micros]:
    return [at for at in times if at is not None]
