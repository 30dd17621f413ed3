"""Purchases earn and raise tiers; returns take back exactly what they must."""

from bisect import bisect_right

from services.loyalty import errors
from services.loyalty.domain import awards, members, referrals, rewards, rules
from services.loyalty.domain.account import entries, tiers
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.account.settle import settle
from services.loyalty.domain.program.campaigns import Campaign
from services.loyalty.domain.program.program import Program
from services.loyalty.domain.state import Order, Waiting, read_terms
from shared.domain import RefusedError, Retract
from shared.schemas.event import Event
from shared.schemas.loyalty import Cause
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import Micros, moment


def made(book: Book, at: Micros, data: PurchaseMade) -> None:
    """Earn by the tier held before, count the spend, raise the tier, use vouchers, then waiting returns.

    Raises ``negative_total``, ``unknown_currency``, ``duplicate_order``, ``points_overflow``.
    """
    total, currency = data.total.amount, data.total.currency
    program = book.program(at)
    if total < 0:
        raise errors.NEGATIVE_TOTAL(field="total.amount", order_id=data.order_id, total=total)
    rate = program.rate(currency)
    if _find(book, data.order_id) is not None:
        raise errors.DUPLICATE_ORDER(field="order_id", order_id=data.order_id)
    settle(book, at)
    members.enrol(book, at, data.channel)
    tier = tiers.tier_at(book.periods, at, program)
    terms = " ".join((currency, program.award(currency, program.rank(tier)), rate))
    order = Order.paid(data.order_id, at, total, terms)
    book.orders.insert(bisect_right(book.orders, at, key=lambda known: known.at), order)
    _earn(book, order, data, tier)
    tiers.upgrade(book, at)
    for code in data.voucher_codes:
        rewards.use(book, at, code, order.order_id)
    if total and book.bought_at is None:
        book.bought_at = at
    referrals.claim(book, order)
    if book.waiting:
        _apply_waiting(book, order.order_id)


def _earn(book: Book, order: Order, data: PurchaseMade, tier: str) -> None:
    """A lot for the tier's points, and one for each campaign's."""
    program = book.program(order.at)
    if points := order.points():
        why = rules.Purchase(program=program.version, tier=tier, total=order.total, terms=order.terms)
        entries.accrue(book, points, order, why)
    if not program.campaigns or not order.total:
        return
    first = book.bought_at is None
    facts = awards.Facts(data, order, tier, book.segment, first)
    for campaign, bonus in awards.give(book, facts):
        book.bonuses = (*book.bonuses, bonus)
        entries.accrue(book, bonus.points, order, _campaign_rule(program, campaign))


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

    Raises ``RefusedError``: ``negative_refund``, ``currency_mismatch``, ``duplicate_return``,
    ``refund_exceeds_total``.
    """
    refund = data.refund.amount
    if refund < 0:
        raise errors.NEGATIVE_REFUND(field="refund.amount", return_id=data.return_id, refund=refund)
    settle(book, at)
    index = _find(book, data.order_id)
    if index is not None:
        _take_back(book, index, at, data)
        return
    key = data.order_id, data.return_id
    if any((w.data.order_id, w.data.return_id) == key for w in book.waiting):
        raise _duplicate(data)
    cause = book.cause.source, book.cause.id
    book.waiting.append(Waiting(data=data, at=at, cause=cause, origin=book.context.origin))


def _take_back(book: Book, index: int, at: Micros, data: PurchaseReturned) -> None:
    """``index``: where the order stands."""
    order = book.orders[index]
    refund = data.refund.amount
    if any(return_id == data.return_id for return_id, _ in order.refunds):
        raise _duplicate(data)
    currency = read_terms(order.terms).currency
    if data.refund.currency != currency:
        raise errors.CURRENCY_MISMATCH(field="refund.currency", order_id=order.order_id, currency=currency)
    if refund > order.left:
        raise errors.REFUND_EXCEEDS_TOTAL(
            field="refund.amount",
            order_id=order.order_id,
            total=order.total,
            left=order.left,
            refund=refund,
        )
    after = order.refunded(data.return_id, refund)
    book.orders[index] = after
    base = order.points() - after.points()
    lost = awards.settle_return(book, after, [(item.sku, item.quantity) for item in data.items])
    if base + lost:
        why = rules.Return(
            return_id=data.return_id,
            refund=refund,
            left=after.left,
            terms=order.terms,
            keeps=after.points(),
            campaigns=lost,
        )
        entries.reverse(book, base + lost, at, order.order_id, why)


def _apply_waiting(book: Book, order_id: str) -> None:
    """Apply the returns that waited for this order, in the order they came, each under its own cause."""
    mine = [item for item in book.waiting if item.data.order_id == order_id]
    index = _find(book, order_id)
    assert index is not None
    book.waiting = [item for item in book.waiting if item.data.order_id != order_id]
    purchase = book.cause
    for item in mine:
        book.cause = Cause(source=item.cause[0], id=item.cause[1])
        try:
            _take_back(book, index, item.at, item.data)
        except RefusedError as refusal:
            event = Event(item.cause[1], item.cause[0], book.member, moment(item.at), item.data)
            book.retracts.append(Retract(event, item.origin, refusal.code, refusal.detail))
    book.cause = purchase


def _find(book: Book, order_id: str) -> int | None:
    ids = [order.order_id for order in book.orders]  # quicker than a loop that looks at each
    return ids.index(order_id) if order_id in ids else None


def _duplicate(data: PurchaseReturned) -> RefusedError:
    return errors.DUPLICATE_RETURN(field="return_id", return_id=data.return_id)
