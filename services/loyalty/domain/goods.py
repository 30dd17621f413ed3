"""The goods of a purchase with what was paid for them, and what of it earns nothing.

Lines with a negative price are discounts and those without a price are gifts: neither is goods. A discount
comes off the goods of its SKU; if there are none, off those of its category; else off all of them. Of several
goods each bears its share by price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from services.loyalty.domain.program.program import Exclusion
from services.loyalty.domain.state import Exempt, Line
from shared.schemas.purchases import PurchaseItem, ReturnItem


@dataclass(frozen=True, slots=True)
class Good:
    """A line that was paid for."""

    sku: str
    category: str | None
    quantity: int
    amount: int | Fraction
    """Minor units for all of it, 0 or more, discounts off; 0: it was a gift."""

    @property
    def line(self) -> Line:
        return Line(sku=self.sku, quantity=self.quantity, amount=str(self.amount))


def goods_of(items: Sequence[PurchaseItem]) -> list[Good]:
    """The goods, in their order."""
    bought = [item for item in items if item.unit_price.amount > 0]
    gross = [item.unit_price.amount * item.quantity for item in bought]
    net: list[int | Fraction] = [*gross]  # without a discount no fraction is made: they are slow
    for discount in items:
        if discount.unit_price.amount >= 0:
            continue
        borne_by = _bearers(discount, bought)
        whole = sum(gross[at] for at in borne_by)
        for at in borne_by:
            net[at] += Fraction(discount.unit_price.amount * discount.quantity * gross[at], whole)
    return [
        Good(item.sku, item.category, item.quantity, max(amount, 0))
        for item, amount in zip(bought, net, strict=True)
    ]


def exempt_of(order_id: str, goods: Iterable[Good], exclude: Exclusion, total: int) -> Exempt | None:
    """What of a purchase earns nothing; None: all of it earns. No more than its ``total``."""
    lines = [good.line for good in goods if exclude.covers(good.sku, good.category)]
    amount = min(int(sum(exact(line.amount) for line in lines)), total)
    if not lines:
        return None
    return Exempt(order_id=order_id, total=amount, left=amount, lines=tuple(lines))


def refunded(exempt: Exempt, items: Iterable[ReturnItem], refund: int, earning: int) -> tuple[Exempt, int]:
    """What is left of it after a refund, and how much of the refund was for it.

    Goods that came back and earn nothing are refunded first, at what was paid for them; where nothing else
    came back, with the minor unit a line that rounding may add. The rest of the refund is for what earns,
    ``earning`` of which is left, as far as that goes.
    """
    lines, worth, alone, over = list(exempt.lines), Fraction(0), True, 0
    for item in items:
        units = item.quantity
        for at, line in enumerate(lines):
            back = min(units, line.quantity) if line.sku == item.sku else 0
            if back:
                part = share(line, back)
                update = {"quantity": line.quantity - back, "amount": str(exact(line.amount) - part)}
                lines[at] = line.model_copy(update=update)
                units, worth = units - back, worth + part
        alone, over = alone and not units, over + 1
    # Rounded down with what was counted as earning nothing: the last piece takes what is over.
    whole = not any(line.quantity for line in lines)
    most = exempt.left if whole else min(exempt.left, int(worth))
    if alone and refund <= max(most, int(worth)) + over:
        most = refund
    part_of_it = max(min(refund, max(most, 0) if worth else 0), refund - earning)
    if refund == exempt.left + earning:  # all that is left
        part_of_it = exempt.left
    kept = tuple(line for line in lines if line.quantity)
    return exempt.model_copy(update={"left": exempt.left - part_of_it, "lines": kept}), part_of_it


def share(line: Line, units: int) -> int | Fraction:
    """What was paid for so many of its units."""
    amount = exact(line.amount)
    return amount if units == line.quantity else Fraction(amount) * units / line.quantity


@lru_cache(maxsize=4096)
def exact(amount: str) -> int | Fraction:
    """``2500/3`` as a number."""
    return Fraction(amount) if "/" in amount else int(amount)


def _bearers(discount: PurchaseItem, bought: Sequence[PurchaseItem]) -> Sequence[int]:
    """Which goods a discount comes off, by place."""
    of_sku = [at for at, item in enumerate(bought) if item.sku == discount.sku]
    if of_sku:
        return of_sku
    category = discount.category
    of_category = [at for at, item in enumerate(bought) if category is not None and item.category == category]
    return of_category or range(len(bought))
