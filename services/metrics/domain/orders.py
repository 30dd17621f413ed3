"""Orders and returns as one customer's record keeps them: the first account of each holds, in log order.

Loyalty judges them and dead-letters what is told differently; here that counts nothing, by the same rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from sys import intern

from msgspec.structs import replace

from services.metrics.domain import answers, outreach
from services.metrics.domain.cells import Delta
from services.metrics.domain.state import Customer, Ids, Order, Return
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.trimming import order_key
from shared.facts.names import Heard, Name, heard, name_of
from shared.facts.orders import counted_refund
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import Micros, day_of

NO_RETURNS: Mapping[str, int] = {}
NONE_WAITING: Sequence[Return] = []
"""Of nearly all orders, one for all."""


def share(orders: Iterable[Order]) -> None:
    """Have in memory but once what is the same in most orders: else that is half of what a record takes."""
    for order in orders:
        order.channel, order.currency = intern(order.channel), intern(order.currency)
        order.store = intern(order.store)
        if order.made == order.touched:
            order.made = order.touched
        if order.left == order.amount:
            order.left = order.amount
        if not order.returns:
            order.returns = NO_RETURNS
        if not order.waiting:
            order.waiting = NONE_WAITING


def made(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """An order, with the returns that waited for it; a copy changes nothing. Its id is to be known, but for
    one told otherwise, as far as is kept of the first: it is loyalty's dead letter, and may be put right."""
    record, data = tracked.data, event.data
    assert isinstance(data, PurchaseMade)
    known = record.orders.get(data.order_id)
    if known is not None and known.made is not None:
        told = (data.total.amount, data.total.currency, data.channel, len(data.items))
        return (id,) if told == (known.amount, known.currency, known.channel, known.lines) else ()
    if known is None and (day_of(at) < record.floor or forgotten(record.names, data.order_id)):
        return (id,)
    order = _touched(tracked, data.order_id, at, now)
    before = order.counts_at
    order.made, order.channel, order.lines = at, data.channel, len(data.items)
    order.store = data.store_id or ""
    order.amount = order.left = data.total.amount
    order.currency = data.total.currency
    taken = _let_in(record, order) if order.waiting else ()
    share([order])
    tracked.place(before, order, delta)
    tracked.count_order(delta, order)
    answers.moved(tracked, "order", data.order_id, delta)
    outreach.bought(tracked, at, delta)
    return (id, *taken)


def _let_in(record: Customer, order: Order) -> Ids:
    """The returns that waited; of those that take effect the ids."""
    waiting, order.waiting = order.waiting, []
    for one in waiting:
        record.waiting.pop(one.id, None)
    return tuple(one.id for one in waiting if take_back(order, one) and one.id)


def returned(tracked: Tracked, event: Event, at: Micros, now: Micros, delta: Delta, id: int) -> Ids:
    """A return of an order, or of one not heard of yet, for which it waits; a copy changes nothing. The
    id of one that counts nothing, or not yet, is not to be known, since it may be put right."""
    data, name = event.data, name_of(event)
    assert isinstance(data, PurchaseReturned)
    assert name is not None
    known = tracked.data.orders.get(data.order_id)
    if known is None and forgotten(tracked.data.names, data.order_id):
        return (id,)
    order = _touched(tracked, data.order_id, at, now)
    before, account = order.counts_at, int.from_bytes(name.told)
    told = Return(data.return_id, data.refund.amount, data.refund.currency, len(data.items), account)
    if order.made is not None:
        tracked.count_order(delta, order, -1)
        take_back(order, told)
        tracked.count_order(delta, order)
        tracked.place(before, order, delta)
        outreach.bought(tracked, order.made, delta)
        return (id,) if order.returns.get(data.return_id) == account else ()
    if any(replace(one, id=0) == told for one in order.waiting):
        return (id,)
    # Of those of one name the first that can be holds.
    order.waiting = [*order.waiting, replace(told, id=id)]
    if id:
        tracked.data.waiting[id] = data.order_id
    return ()


def take_back(order: Order, told: Return) -> bool:
    """Let a return take effect, in place, if it is new and of no more than what is left."""
    if told.return_id in order.returns or told.currency != order.currency:
        return False
    counted = counted_refund(order.left, told.amount, told.lines or order.lines)
    if counted is None:
        return False
    order.left -= counted
    order.returns = {**order.returns, told.return_id: told.told}
    return True


def _touched(tracked: Tracked, order_id: str, at: Micros, now: Micros) -> Order:
    # A clock that runs ahead must not keep an order longer.
    at = min(at, now)
    order = tracked.data.orders.setdefault(order_id, Order(touched=at))
    order.touched = max(order.touched, at)
    return order


def forgotten(names: bytes, order_id: str) -> bool:
    """Whether the order is one of those that are no longer kept since there are too many."""
    return bool(names) and heard(names, Name("order", order_key(order_id), b"")) is not Heard.NEW
