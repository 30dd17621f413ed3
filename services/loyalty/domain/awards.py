"""What campaigns add to a purchase, and what of that is kept after returns.

The points of a purchase with campaign multipliers are one product, rounded down once:
``floor(award x (left + sum of qualifying amounts x (multiplier - 1)))``. A campaign's part is what it
adds to those before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from services.loyalty.domain.account.book import Book
from services.loyalty.domain.goods import Good, share
from services.loyalty.domain.program.campaigns import Campaign, Condition
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.state import Bonus, Line, Order, read_terms
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Facts:
    """What campaigns ask of a purchase."""

    data: PurchaseMade
    goods: Sequence[Good]
    """Those that earn."""
    order: Order
    tier: str
    segment: str | None
    first: bool


def give(book: Book, facts: Facts) -> list[tuple[Campaign, Bonus]]:
    """What the campaigns in force give: best or sum, within caps and budgets, which are charged."""
    program = book.program(facts.order.at)
    found = [
        (campaign, bonus)
        for campaign in program.by_priority
        if (bonus := _bonus(campaign, facts)) is not None
    ]
    if program.stacking == "best":
        alone = [(c, _limited(book, c, b, kept(facts.order, [b], {})[0])) for c, b in found]
        # max() keeps the first of equals, and the higher priority stands first.
        given = [max(alone, key=lambda pair: pair[1].points)] if alone else []
    else:
        points = kept(facts.order, [bonus for _, bonus in found], {})
        given = [(c, _limited(book, c, b, p)) for (c, b), p in zip(found, points, strict=True)]
    given = [(campaign, bonus) for campaign, bonus in given if bonus.points]
    for campaign, bonus in given:
        _charge(book, campaign, bonus.points)
    return given


def run_at(program: Program, at: Micros) -> bool:
    """Whether any campaign's window holds then."""
    return any(campaign.window[0] <= at < campaign.window[1] for campaign in program.campaigns)


def kept(order: Order, bonuses: Sequence[Bonus], returned: Mapping[str, int]) -> list[int]:
    """What each of the order's bonuses is worth after its refunds, before caps and budgets.

    ``returned``: sku -> units that came back.
    """
    left = order.left
    if left == 0:
        return [0] * len(bonuses)
    weights = [_weight(bonus, left, returned) for bonus in bonuses]
    award = Fraction(read_terms(order.terms).award)
    steps = [int(award * amount) for amount in accumulate(weights, initial=Fraction(left))]
    grown = [after - before for before, after in pairwise(steps)]
    return [
        points if bonus.multiplier else _fixed(bonus, order, left, returned)
        for bonus, points in zip(bonuses, grown, strict=True)
    ]


def settle_return(book: Book, order: Order, units: Iterable[tuple[str, int]]) -> int:
    """Note the units that came back and take from the order's bonuses what they lose; how many points."""
    bonuses = [b for b in book.bonuses if b.order_id == order.order_id]
    if not bonuses:
        return 0
    returned = _note(book, order, units)
    lost = 0
    for bonus, worth in zip(bonuses, kept(order, bonuses, returned), strict=True):
        keeps = min(bonus.kept, worth)
        if keeps == bonus.kept:
            continue
        lost += bonus.kept - keeps
        _charge_back(book, order, bonus, bonus.kept - keeps)
        after = bonus.model_copy(update={"kept": keeps})
        book.bonuses = tuple(after if b is bonus else b for b in book.bonuses)
    return lost


def _bonus(campaign: Campaign, facts: Facts) -> Bonus | None:
    """The campaign's bonus with no points yet, if it holds for the purchase."""
    start, end = campaign.window
    if not start <= facts.order.at < end or not _holds(campaign.when, facts):
        return None
    lines = _lines(campaign.when, facts.goods)
    effect = campaign.effect
    by_line = campaign.when.by_line or effect.points_per_line is not None
    if by_line and not lines:
        return None
    return Bonus(
        order_id=facts.order.order_id,
        campaign=campaign.id,
        points=effect.bonus or 0,
        kept=0,
        multiplier=str(Fraction(effect.multiplier)) if effect.multiplier else "",
        per_line=effect.points_per_line or 0,
        # A bonus for the whole purchase shrinks with what is left of it, whatever lines came back.
        lines=() if effect.bonus or not by_line else lines,
    )


def _holds(when: Condition, facts: Facts) -> bool:
    data = facts.data
    lists = (
        (when.channels, data.channel),
        (when.stores, data.store_id),
        (when.tiers, facts.tier),
        (when.segments, facts.segment),
    )
    return (
        all(not wanted or value in wanted for wanted, value in lists)
        and (not when.first_purchase or facts.first)
        and facts.order.spend >= when.minimum_total
    )


def _lines(when: Condition, goods: Sequence[Good]) -> tuple[Line, ...]:
    return tuple(
        good.line
        for good in goods
        if good.amount > 0  # wholly discounted is how shops write a gift, too
        and (not when.categories or good.category in when.categories)
        and (not when.skus or good.sku in when.skus)
    )


def _weight(bonus: Bonus, left: int, returned: Mapping[str, int]) -> Fraction:
    """The amount that counts once more, times what the multiplier has above 1."""
    if not bonus.multiplier:
        return Fraction()
    amount: int | Fraction = left
    if bonus.lines:
        amount = min(amount, sum(share(line, units) for line, units in _left(bonus.lines, returned)))
    return amount * (Fraction(bonus.multiplier) - 1)


def _fixed(bonus: Bonus, order: Order, left: int, returned: Mapping[str, int]) -> int:
    if bonus.per_line:
        return bonus.per_line * sum([units > 0 for _, units in _left(bonus.lines, returned)])
    return bonus.points * left // order.total


def _left(lines: Sequence[Line], returned: Mapping[str, int]) -> list[tuple[Line, int]]:
    """The lines with the units that were not returned; lines of one product lose them in their order."""
    gone = dict(returned)
    found = []
    for line in lines:
        part = min(gone.get(line.sku, 0), line.quantity)
        if part:
            gone[line.sku] -= part
        found.append((line, line.quantity - part))
    return found


def _limited(book: Book, campaign: Campaign, bonus: Bonus, points: int) -> Bonus:
    """With its points: no more than the cap and the budget still hold."""
    if campaign.cap is not None:
        points = min(points, campaign.cap - dict(book.campaigns).get(campaign.id, 0))
    if campaign.budget is not None and points > 0:
        points = min(points, campaign.budget - book.used(campaign.counter))
    points = max(points, 0)
    return bonus.model_copy(update={"points": points, "kept": points})


def _charge(book: Book, campaign: Campaign, points: int) -> None:
    """Points given count against cap and budget; those taken back, below 0, are free again."""
    if campaign.budget is not None:
        book.take(campaign.counter, points, campaign.budget if points > 0 else None)
    if campaign.cap is not None:
        given = dict(book.campaigns)
        given[campaign.id] = given.get(campaign.id, 0) + points
        book.campaigns = tuple(given.items())


def _charge_back(book: Book, order: Order, bonus: Bonus, points: int) -> None:
    """To the campaign as it was, if the program's file still has it."""
    campaigns = book.program(order.at).campaigns
    campaign = next((c for c in campaigns if c.id == bonus.campaign), None)
    if campaign is not None:
        _charge(book, campaign, -points)


def _note(book: Book, order: Order, units: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Keep what came back; all of the order's so far, by sku."""
    returned = {(o, sku): n for o, sku, n in book.returned}
    for sku, quantity in units:
        key = order.order_id, sku
        returned[key] = returned.get(key, 0) + quantity
    book.returned = tuple((o, sku, n) for (o, sku), n in returned.items())
    return {sku: n for (order_id, sku), n in returned.items() if order_id == order.order_id}
