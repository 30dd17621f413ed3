"""What one customer bought together: a function of the latest orders and of what came back of them.

For each product whether it was bought, and which others were bought with it or soon after it, each once and
with the time at which that first came to be. Products count by the differences that an event makes, so what
is told of a customer sums up to what the customer bought, in whatever order it is heard.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from services.followup.domain.history.owned import owns, with_products
from services.followup.domain.history.state import Back, Basket, Baskets, History
from shared.facts.names import key
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros

MOST_BASKETS = 10
"""How many orders are kept: the latest by event time."""
MOST_BACK = 30
"""How many products that came back are kept, each of its order: those heard last."""
MOST_EARLIER = 2
"""To how many orders before it what is in an order is added at most: those just before it."""
PERIOD = 91 * DAY

Pair: TypeAlias = tuple[str, str | None]
"""A product, and another that was bought with it or after it; None: the product was bought."""
Pairs: TypeAlias = Mapping[Pair, int]
"""Each with the period in which it first came to be."""


_NONE = Baskets()


def baskets_of(history: History | None) -> Baskets:
    """What is known of it; nothing, where nothing was heard."""
    return _NONE if history is None or history.baskets is None else history.baskets


def had(history: History | None, sku: str) -> bool:
    """Whether the customer ever bought the product, and maybe gave it back."""
    return owns(baskets_of(history).owned, sku)


def period_of(at: Micros) -> int:
    """Periods of 91 days from 1970."""
    return at // PERIOD


def bought(baskets: Baskets, data: PurchaseMade, at: Micros, lines: int, worth: int) -> Baskets:
    """With an order that is new; ``lines`` and ``worth`` as ``dearest``."""
    owned = with_products(baskets.owned, (item.sku for item in data.items))
    counting = dearest(data, lines, worth)
    if not counting:
        return baskets if owned == baskets.owned else baskets.model_copy(update={"owned": owned})
    quantities = dict.fromkeys(counting, 0)
    for item in data.items:
        if item.sku in quantities:
            quantities[item.sku] += item.quantity
    new = Basket(_order(data.order_id), at, counting, tuple(quantities.values()))
    latest = sorted((*trimmed(baskets).latest, new), key=lambda one: (one.at, one.order))
    return baskets.model_copy(update={"latest": tuple(latest), "owned": owned})


def dearest(data: PurchaseMade, lines: int, worth: int) -> tuple[str, ...]:
    """The so many products of an order that cost most, and ``worth`` minor units at least, 1 or more: what
    costs nothing is a present, or a discount."""
    paid: dict[str, int] = {}
    for item in data.items:
        paid[item.sku] = paid.get(item.sku, 0) + item.unit_price.amount * item.quantity
    costly = (sku for sku in paid if paid[sku] >= worth)
    return tuple(sorted(costly, key=lambda sku: (-paid[sku], sku))[:lines])


def gave_back(baskets: Baskets, data: PurchaseReturned) -> Baskets:
    """With what came back of an order that is known, or that will be. Money alone brings nothing back."""
    order = _order(data.order_id)
    new = [Back(order, item.sku, item.quantity) for item in data.items]
    return baskets.model_copy(update={"back": (*baskets.back, *new)[-MOST_BACK:]}) if new else baskets


def trimmed(baskets: Baskets) -> Baskets:
    """Without the order that falls off before another comes."""
    if len(baskets.latest) <= MOST_BASKETS:
        return baskets
    return baskets.model_copy(update={"latest": baskets.latest[-MOST_BASKETS:]})


def pairs(baskets: Baskets, within: Micros) -> Pairs:
    """All that was bought, and bought together: in one order, or the other at most ``within`` later in one of
    the next ``MOST_EARLIER``."""
    back: dict[tuple[str, str], int] = {}
    for gone in baskets.back:
        back[gone.order, gone.sku] = back.get((gone.order, gone.sku), 0) + gone.quantity
    orders = [(one.at, _left(one, back)) for one in baskets.latest]
    found: dict[Pair, int] = {}
    for place, (at, skus) in enumerate(orders):
        period = period_of(at)
        near = [of for then, of in orders[max(0, place - MOST_EARLIER) : place] if at - then <= within]
        before = dict.fromkeys((*skus, *(sku for of in near for sku in of)))
        for sku in skus:
            found.setdefault((sku, None), period)
            for first in before:
                if first != sku:
                    found.setdefault((first, sku), period)
    return found


def standing(baskets: Baskets, within: Micros) -> Pairs:
    """What is counted, each with its period, and may be counted otherwise once another order comes. What came
    to be by the order that falls off, and by no other, stays counted and is not among it. What came to be by
    another too is: its vote moves to when that was, or a return would take one back that was not given."""
    counted, left = pairs(baskets, within), trimmed(baskets)
    if left is baskets:
        return counted
    follows = pairs(left, within)
    return {pair: period for pair, period in counted.items() if pair in follows}


def changes(before: Pairs, after: Pairs) -> dict[str, list[tuple[str | None, int, int]]]:
    """What is to be counted anew, by product: the other, the period, and one more or less."""
    found: dict[str, list[tuple[str | None, int, int]]] = {}
    for pairs, other, by in ((before, after, -1), (after, before, 1)):
        for (sku, partner), period in pairs.items():
            if other.get((sku, partner)) != period:
                found.setdefault(sku, []).append((partner, period, by))
    return found


def _left(basket: Basket, back: Mapping[tuple[str, str], int]) -> list[str]:
    """The products of which not all came back."""
    lines: Iterable[tuple[str, int]] = zip(basket.skus, basket.quantities, strict=True)
    return [sku for sku, quantity in lines if quantity > back.get((basket.order, sku), 0)]


def _order(order_id: str) -> str:
    return key("order", order_id).hex()
