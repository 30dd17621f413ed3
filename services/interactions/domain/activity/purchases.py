"""What the customer bought and gave back: each order and each return once, the first heard of its name."""

from typing import NamedTuple

from services.interactions.domain.activity.kept import Spend
from services.interactions.domain.held import event_of, held_about, holding, row_of, unseen, without
from services.interactions.domain.search import thing_row
from services.interactions.domain.state import Customer, altered, found, placed
from services.interactions.domain.telling import (
    COPY,
    ORDER_NEVER_TOLD,
    TOLD_OTHERWISE,
    WAITS_FOR_ORDER,
    Change,
    Note,
    Told,
    refused,
)
from services.interactions.errors import TOTAL_TOO_LARGE
from shared.domain import Append, Put, Unseen
from shared.facts import order_book
from shared.facts.names import Heard, Name, heard, key, name_of, with_name
from shared.facts.order_book import Left
from shared.facts.orders import RETURN_WAITS_DAYS, counted_refund
from shared.schemas.base import Money
from shared.schemas.money import written
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import DAY, Micros

MAX_TOTAL = 2**62
"""Minor units; a BSON integer holds twice that."""
ABOVE_WHAT_WAS_LEFT = "{money} above what was left does not count."
"""Of a refund, beside its return."""
PAID_OTHERWISE = "It counts nowhere: the order was paid in {currency}."
LESS_IS_LEFT = "It counts nowhere: only {money} of the order is left."


def purchase_made(customer: Customer, told: Told) -> Change:
    """An order counts once; then the returns that waited for it. Raises ``total_too_large``."""
    data, name, old = told.event.data, name_of(told.event), customer.purchases
    assert isinstance(data, PurchaseMade)
    assert name is not None
    known = order_book.heard(old.book, name)
    if known is not Heard.NEW:
        return _known(customer, told, known)
    at = told.at
    new = {
        "count": old.count + 1,
        "first_at": at if old.first_at is None else min(at, old.first_at),
        "last_at": at if old.last_at is None else max(at, old.last_at),
        "spend": _bought(old.spend, data.total),
        "book": order_book.with_order(old.book, name, told.day, data.total, len(data.items)),
    }
    customer = altered(customer, purchases=altered(old, **new))
    row = thing_row(customer, told, data.order_id)
    if not customer.held:
        return Change(customer, rows=(row,))
    more = waiting_returns(customer, told, data.order_id)
    return more._replace(counted=1 + more.counted, rows=(row, *more.rows))


def _known(customer: Customer, told: Told, known: Heard) -> Change:
    """Told otherwise it is loyalty's dead letter."""
    if known is Heard.SAME:
        return Change(customer, 0, COPY)
    return Change(customer, 0, TOLD_OTHERWISE, unseen=(told.unseen,))


def waiting_returns(customer: Customer, told: Told, order_id: str) -> Change:
    """The returns that waited for this order, which is known now, in the order in which they were heard."""
    waited = list(held_about(customer, order_id, PurchaseReturned.topic))
    customer, rows = _without_overdue(without(customer, waited), told.now)
    counted, bad = 0, list[Unseen]()
    for held in waited:
        event = event_of(customer, held)
        name = name_of(event)
        assert isinstance(event.data, PurchaseReturned)
        assert name is not None
        if heard(customer.names, name) is not Heard.NEW:
            rows.append(row_of(customer, held, TOLD_OTHERWISE))
            bad.append(unseen(customer, held))
            continue
        order = order_book.left_of(customer.purchases.book, key("order", order_id))
        assert order is not None
        taken = _take_back(customer, name, event.data, told.day, order)
        customer, counted = taken.customer, counted + taken.counted
        rows.append(row_of(customer, held, taken.note))
        if not taken.counted:
            bad.append(unseen(customer, held))
    return Change(customer, counted, rows=tuple(rows), unseen=tuple(bad))


def _without_overdue(customer: Customer, now: Micros) -> tuple[Customer, list[Append | Put]]:
    """Without the returns whose orders were not told in time, and what their rows say of that."""
    overdue = [
        h
        for h in customer.held
        if h.type == PurchaseReturned.event_type and h.until is not None and h.until < now
    ]
    return without(customer, overdue), [row_of(customer, h, ORDER_NEVER_TOLD) for h in overdue]


def purchase_returned(customer: Customer, told: Told) -> Change:
    """A return counts once its order is known, as far as that was paid."""
    data, name = told.event.data, name_of(told.event)
    assert isinstance(data, PurchaseReturned)
    assert name is not None
    known = heard(customer.names, name)
    if known is not Heard.NEW:
        return _known(customer, told, known)
    order = order_book.left_of(customer.purchases.book, key("order", data.order_id))
    if order is None:
        return _wait(customer, told, data, name)
    taken = _take_back(customer, name, data, told.day, order)
    return Change(taken.customer, taken.counted, taken.note, unseen=() if taken.counted else (told.unseen,))


def _wait(customer: Customer, told: Told, data: PurchaseReturned, name: Name) -> Change:
    # One that tells other data of the same return waits too: the first of them that can be holds.
    waiting = held_about(customer, data.order_id, PurchaseReturned.topic)
    if any(name_of(event_of(customer, other)) == name for other in waiting):
        return Change(customer, 0, COPY)
    until = told.now + RETURN_WAITS_DAYS * DAY
    return Change(holding(customer, told, data.order_id, until), 0, WAITS_FOR_ORDER)


class _Taken(NamedTuple):
    """What a return of a known order comes to."""

    customer: Customer
    counted: int
    note: Note | None


def _take_back(customer: Customer, name: Name, told: PurchaseReturned, day: int, order: Left) -> _Taken:
    """As loyalty judges: in the order's currency, and no more than what is left of it, but for what rounding
    line by line may add. A refused one keeps its name free, for one that is told right."""
    if told.refund.currency != order.currency:
        return _Taken(customer, 0, refused(PAID_OTHERWISE.format(currency=order.currency)))
    counted = counted_refund(order.amount, told.refund.amount, len(told.items) or order.lines)
    if counted is None:
        left = written(order.amount, order.currency)
        return _Taken(customer, 0, refused(LESS_IS_LEFT.format(money=left)))
    old = customer.purchases
    spend = found(old.spend, order.currency, _key) or Spend(currency=order.currency)
    spend = altered(spend, refunded=spend.refunded + counted)
    new = {
        "returns": old.returns + 1,
        "spend": placed(old.spend, spend, _key),
        "book": order_book.refunded(old.book, order, counted),
    }
    update = {
        "purchases": altered(old, **new),
        "names": with_name(customer.names, name, day),
    }
    rest = told.refund.amount - counted
    note = Note("", ABOVE_WHAT_WAS_LEFT.format(money=written(rest, order.currency))) if rest else None
    return _Taken(altered(customer, **update), 1, note)


def _bought(spend: tuple[Spend, ...], money: Money) -> tuple[Spend, ...]:
    old = found(spend, money.currency, _key) or Spend(currency=money.currency)
    purchased = old.purchased + money.amount
    if purchased > MAX_TOTAL:
        raise TOTAL_TOO_LARGE(currency=money.currency)
    return placed(spend, altered(old, purchased=purchased), _key)


def _key(spend: Spend) -> str:
    return spend.currency
