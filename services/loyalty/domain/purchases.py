"""Purchases earn and raise tiers; returns take back exactly what they must."""

from bisect import bisect_right

from services.loyalty.domain import members, rewards, tiers
from services.loyalty.domain.book import Book
from services.loyalty.domain.settle import settle
from services.loyalty.domain.state import Order, Waiting, read_terms
from services.loyalty.domain.times import moment
from shared.runtime.effects import Append, Refused
from shared.schemas.loyalty import Cause
from shared.schemas.purchases import PurchaseMade, PurchaseReturned


def made(book: Book, at: int, data: PurchaseMade) -> None:
    """Earn by the tier held before, count the spend, raise the tier, use vouchers, then waiting returns.

    Raises ``Refused``: ``negative_total``, ``unknown_currency``, ``duplicate_order``, ``points_overflow``.
    """
    total, currency = data.total.amount, data.total.currency
    if total < 0:
        raise Refused(
            "negative_total",
            f"Order {data.order_id} has a negative total: {total}.",
            status=422,
            field="total.amount",
        )
    rate = book.program.rate(currency)
    if _find(book, data.order_id) is not None:
        raise Refused("duplicate_order", f"Order {data.order_id} was counted already.", field="order_id")
    settle(book, at)
    members.enrol(book, at, data.channel)
    rank = book.program.rank(tiers.tier_at(book.periods, at, book.program))
    order = Order(
        order_id=data.order_id,
        at=at,
        total=total,
        terms=" ".join((currency, book.program.award(currency, rank), rate)),
    )
    book.orders.insert(bisect_right(book.orders, at, key=lambda known: known.at), order)
    if points := order.points():
        book.earn(points, at, "purchase", order_id=order.order_id, waits=True)
    tiers.upgrade(book, at)
    for code in data.voucher_codes:
        rewards.use(book, at, code, order.order_id)
    if book.waiting:
        _apply_waiting(book, order.order_id)


def returned(book: Book, at: int, data: PurchaseReturned) -> None:
    """Take back what the refund undoes; a return of an order not seen yet waits for it.

    Raises ``Refused``: ``negative_refund``, ``currency_mismatch``, ``duplicate_return``,
    ``refund_exceeds_total``.
    """
    refund = data.refund.amount
    if refund < 0:
        raise Refused(
            "negative_refund",
            f"Return {data.return_id} has a negative refund: {refund}.",
            status=422,
            field="refund.amount",
        )
    item = Waiting(
        order_id=data.order_id,
        return_id=data.return_id,
        refund=refund,
        currency=data.refund.currency,
        at=at,
        cause=(book.cause.source, book.cause.id),
    )
    settle(book, at)
    if _find(book, data.order_id) is not None:
        _take_back(book, item)
    elif any((w.order_id, w.return_id) == (item.order_id, item.return_id) for w in book.waiting):
        raise _duplicate(item)
    else:
        book.waiting.append(item)


def _take_back(book: Book, item: Waiting) -> None:
    index = _find(book, item.order_id)
    assert index is not None
    order = book.orders[index]
    if any(return_id == item.return_id for return_id, _ in order.refunds):
        raise _duplicate(item)
    currency = read_terms(order.terms).currency
    if item.currency != currency:
        raise Refused(
            "currency_mismatch",
            f"Order {order.order_id} was paid in {currency}.",
            status=422,
            field="refund.currency",
        )
    if item.refund > order.left():
        raise Refused(
            "refund_exceeds_total",
            f"Of order {order.order_id}'s total of {order.total} only {order.left()} is left, "
            f"which is less than {item.refund}.",
            status=422,
            field="refund.amount",
        )
    after = order.model_copy(update={"refunds": (*order.refunds, (item.return_id, item.refund))})
    book.orders[index] = after
    if points := order.points() - after.points():
        book.reverse(points, item.at, "return", order.order_id)


def _apply_waiting(book: Book, order_id: str) -> None:
    """Apply the returns that waited for this order, in the order they came, each under its own cause."""
    mine = [item for item in book.waiting if item.order_id == order_id]
    book.waiting = [item for item in book.waiting if item.order_id != order_id]
    purchase = book.cause
    for item in mine:
        book.cause = Cause(source=item.cause[0], id=item.cause[1])
        try:
            _take_back(book, item)
        except Refused as refusal:
            _set_aside(book, item, refusal)
    book.cause = purchase


def _set_aside(book: Book, item: Waiting, refusal: Refused) -> None:
    # Its event was accepted long ago, so it cannot become a dead letter now: this row tells of it.
    book.rows.append(
        Append(
            "refused_returns",
            {
                "_id": f"{item.cause[0]} {item.cause[1]}",
                "member": book.member,
                "at": moment(item.at),
                "order_id": item.order_id,
                "return_id": item.return_id,
                "refund": {"amount": item.refund, "currency": item.currency},
                "code": refusal.code,
                "detail": refusal.detail,
            },
        )
    )


def _find(book: Book, order_id: str) -> int | None:
    # From the end: most returns and repeats are of recent orders.
    for index in range(len(book.orders) - 1, -1, -1):
        if book.orders[index].order_id == order_id:
            return index
    return None


def _duplicate(item: Waiting) -> Refused:
    return Refused("duplicate_return", f"Return {item.return_id} was counted already.", field="return_id")
