"""Purchases earn and raise tiers; returns take back exactly what they must."""

from bisect import bisect_right
from collections.abc import Sequence

from services.loyalty import errors
from services.loyalty.domain import awards, kept, members, referrals, rewards, rules
from services.loyalty.domain.account import entries, tiers
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.goods import Good, exempt_of, goods_of
from services.loyalty.domain.goods import refunded as goods_refunded
from services.loyalty.domain.program.campaigns import Campaign
from services.loyalty.domain.program.program import Exclusion, Program
from services.loyalty.domain.state import Exempt, Order, Told, read_terms
from shared.domain import RefusedError
from shared.facts.names import Heard, Name, heard, key, name_of, with_name, without_name
from shared.facts.orders import counted_refund
from shared.schemas.event import Event
from shared.schemas.loyalty import Cause
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros, day_of


def made(book: Book, at: Micros, data: PurchaseMade) -> None:
    """Earn by the tier held before, use vouchers, apply the returns that waited, and by what is left raise
    the tier and ask for a referral's reward.

    Raises ``negative_total``, ``unknown_currency``, ``points_overflow``.
    """
    program = book.program(at)
    check_made(program, data)
    members.enrol(book, at, data.channel)
    tier = tiers.tier_at(book.periods, at, program)
    order = _earn(book, program, at, data, tier)
    for code in data.voucher_codes:
        rewards.use(book, at, code, data)
    if book.waiting and apply_waiting(book, data.order_id):
        order = book.orders[_place(book, data.order_id)]
    tiers.upgrade(book, at)
    if book.orders[-1].at > at:  # a late one: later ones may reach more with it
        until = at + program.tier_days * DAY
        for later in [known.at for known in book.orders if at < known.at < until]:
            tiers.upgrade(book, later)
    referrals.claim(book, order)


def check_made(program: Program, data: PurchaseMade) -> None:
    """Raises ``RefusedError``: ``negative_total``, ``unknown_currency``."""
    total = data.total.amount
    if total < 0:
        raise errors.NEGATIVE_TOTAL(field="total.amount", order_id=data.order_id, total=total)
    program.rate(data.total.currency)


def _earn(book: Book, program: Program, at: Micros, data: PurchaseMade, tier: str) -> Order:
    """Note the order; a lot for the tier's points, and one for each campaign's."""
    total = data.total.amount
    terms = program.terms(data.total.currency, program.rank(tier))
    goods: Sequence[Good] = ()
    exempt: Exempt | None = None
    campaigns = bool(program.campaigns) and awards.run_at(program, at)
    if campaigns or program.earn.exclude:
        goods = goods_of(data.items)
        exempt = exempt_of(data.order_id, goods, program.earn.exclude, total)
    if exempt is not None:
        book.exempt = (*book.exempt, exempt)
        goods = [good for good in goods if not program.earn.exclude.covers(good.sku, good.category)]
    nothing = 0 if exempt is None else exempt.total
    book.tag("order", data.order_id)
    order = Order.paid(data.order_id, at, total - nothing, terms, len(data.items))
    if book.orders and book.orders[-1].at > at:
        book.orders.insert(bisect_right(book.orders, at, key=lambda known: known.at), order)
    else:
        book.orders.append(order)
    if points := order.points():
        why = rules.Purchase(program=program.version, tier=tier, total=total, terms=terms, exempt=nothing)
        entries.accrue(book, points, order, why)
    if not order.total:
        return order
    first = book.bought_at is None and _buys(data, program.earn.exclude)
    if campaigns:
        facts = awards.Facts(data, goods, order, tier, members.segment(book), first)
        for campaign, bonus in awards.give(book, facts):
            book.bonuses = (*book.bonuses, bonus)
            entries.accrue(book, bonus.points, order, _campaign_rule(program, campaign))
    if first:
        book.bought_at = at
    return order


def _buys(data: PurchaseMade, exclude: Exclusion) -> bool:
    """Whether something is bought that earns: gifts and gift cards, though their delivery is paid for, are no
    first purchase."""
    return not data.items or any(
        good.amount > 0 and not exclude.covers(good.sku, good.category) for good in goods_of(data.items)
    )


def _campaign_rule(program: Program, campaign: Campaign) -> rules.Campaign:
    effect, number = campaign.effect.given
    return rules.Campaign(
        program=program.version,
        campaign=campaign.id,
        name=campaign.name,
        stacking=program.stacking,
        effect=effect,
        number=number,
    )


def returned(book: Book, at: Micros, data: PurchaseReturned) -> None:
    """Take back what the refund undoes; a return of an order not seen yet waits for it.

    Raises ``RefusedError``: ``negative_refund``, ``currency_mismatch``, ``refund_exceeds_total``,
    ``order_forgotten``.
    """
    check_returned(data)
    if is_known(book, data.order_id):
        _take_back(book, at, data)
    elif _was_known(book, data.order_id):
        raise errors.ORDER_FORGOTTEN(field="order_id", order_id=data.order_id)
    else:
        book.waiting.append(kept.told(book, at, data))


def is_known(book: Book, order_id: str) -> bool:
    return any(order.order_id == order_id for order in book.orders)


def _was_known(book: Book, order_id: str) -> bool:
    """Whether an order counted that is forgotten by now: its name is known for longer."""
    name = Name(PurchaseMade.thing, key(PurchaseMade.thing, order_id), b"")
    if heard(book.names, name) is Heard.NEW:
        return False
    to_come = (kept.data_of(fact) for fact in (*book.ahead, *book.early))
    return not any(isinstance(data, PurchaseMade) and data.order_id == order_id for data in to_come)


def among_waiting(waiting: Sequence[Told], name: Name, data: PurchaseReturned) -> Heard:
    """What is known of a return that was told before with other data: while that one waits for its order this
    one does too, and the first of them that can be holds."""
    mine = [fact for fact in waiting if return_of(fact).order_id == data.order_id]
    names = [name_of(kept.event_of(fact, "")) for fact in mine if return_of(fact).return_id == data.return_id]
    if name in names:
        return Heard.SAME
    return Heard.NEW if names else Heard.OTHER


def would_count(book: Book, data: PurchaseReturned) -> int:
    """What a return of a known order will take of it, in its minor units. Raises ``currency_mismatch``,
    ``refund_exceeds_total``."""
    order = book.orders[_place(book, data.order_id)]
    return _counted(book, order, _exempt(book, order), data)


def check_returned(data: PurchaseReturned) -> None:
    """Raises ``RefusedError`` (``negative_refund``)."""
    refund = data.refund.amount
    if refund < 0:
        raise errors.NEGATIVE_REFUND(field="refund.amount", return_id=data.return_id, refund=refund)


def _take_back(book: Book, at: Micros, data: PurchaseReturned) -> None:
    """Of an order that is known. Nothing is changed where it is refused."""
    index = _place(book, data.order_id)
    order = book.orders[index]
    exempt = _exempt(book, order)
    counted = _counted(book, order, exempt, data)
    part = 0
    if exempt is not None:
        after_exempt, part = goods_refunded(exempt, data.items, counted, order.left)
        book.exempt = tuple(after_exempt if found is exempt else found for found in book.exempt)
        exempt = after_exempt
    after = order.refunded(counted - part)
    book.orders[index] = after
    base = order.points() - after.points()
    lost = awards.settle_return(book, after, [(item.sku, item.quantity) for item in data.items])
    if base + lost:
        why = rules.Return(
            return_id=data.return_id,
            refund=data.refund.amount,
            left=after.left,
            terms=order.terms,
            keeps=after.points(),
            campaigns=lost,
            # What it makes up for was over, rounded up, with goods that earn nothing.
            over=data.refund.amount - counted + min(part, 0),
            exempt=max(part, 0),
        )
        entries.reverse(book, base + lost, at, order.order_id, why)
    if after.left == 0 and (exempt is None or exempt.left == 0):
        rewards.give_back(book, at, data)


def _exempt(book: Book, order: Order) -> Exempt | None:
    return next((found for found in book.exempt if found.order_id == order.order_id), None)


def _counted(book: Book, order: Order, exempt: Exempt | None, data: PurchaseReturned) -> int:
    """What of the refund counts. Raises ``currency_mismatch``, ``refund_exceeds_total``."""
    currency = read_terms(order.terms).currency
    if data.refund.currency != currency:
        raise errors.CURRENCY_MISMATCH(field="refund.currency", order_id=order.order_id, currency=currency)
    total, left = order.total, order.left
    if exempt is not None:
        total, left = total + exempt.total, left + exempt.left
    # Returns of the future have their parts already.
    left -= sum(fact.counted for fact in book.ahead if fact.counted and _is_of(fact, order))
    counted = counted_refund(left, data.refund.amount, len(data.items) or order.lines)
    if counted is None:
        raise errors.REFUND_EXCEEDS_TOTAL(
            field="refund.amount",
            order_id=order.order_id,
            total=total,
            left=left,
            refund=data.refund.amount,
        )
    return counted


def apply_waiting(book: Book, order_id: str) -> bool:
    """Apply the returns that waited for this order, in the order they came, each under its own cause. Whether
    there were any."""
    mine = [fact for fact in book.waiting if return_of(fact).order_id == order_id]
    book.waiting = [fact for fact in book.waiting if return_of(fact).order_id != order_id]
    purchase, holding = book.cause, set[str]()
    for fact in mine:
        event, data = kept.event_of(fact, book.member), return_of(fact)
        if data.return_id in holding:
            refusal = errors.DUPLICATE_RETURN(field="return_id", return_id=data.return_id)
            book.set_aside(event, fact.origin, refusal)
            continue
        book.cause = Cause(source=event.source, id=event.id)
        try:
            if fact.at > book.at:
                kept.keep_ahead(book, fact.model_copy(update={"counted": would_count(book, data)}))
            else:
                _take_back(book, fact.at, data)
        except RefusedError as refused:
            book.retract(event, fact.origin, refused)
            continue
        holding.add(data.return_id)
        _holds(book, event, fact.heard_at)
    book.cause = purchase
    return bool(mine)


def _holds(book: Book, event: Event, heard_at: Micros) -> None:
    """Of the accounts of a return, this one is its name's from now on."""
    name = name_of(event)
    if name is not None and heard(book.names, name) is not Heard.SAME:
        book.names = with_name(without_name(book.names, name), name, day_of(heard_at))


def return_of(fact: Told) -> PurchaseReturned:
    data = kept.data_of(fact)
    assert isinstance(data, PurchaseReturned)
    return data


def _is_of(fact: Told, order: Order) -> bool:
    return return_of(fact).order_id == order.order_id


def _place(book: Book, order_id: str) -> int:
    """Where the order stands."""
    return [order.order_id for order in book.orders].index(order_id)  # quicker than a loop that looks at each
