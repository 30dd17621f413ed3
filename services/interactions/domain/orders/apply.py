"""A shop's order, one account after the other: state in, effects out. Pure.

The order's own state decides what changed, so accounts may come in any order and many times; its customer
hears of it by commands."""

from services.interactions.domain.orders.presence import is_deleted, is_told
from services.interactions.domain.orders.rows import OrderRow
from services.interactions.domain.orders.state import Order, rank, with_refunds
from services.interactions.domain.orders.telling import Fact, settled
from services.interactions.domain.rows import ORDERS
from services.interactions.domain.state import altered
from shared.domain import Context, Effects, Emit, Outcome, Put
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderForgetRequested,
    OrderRefundRequested,
    OrderTellRequested,
    PurchaseTellRequested,
    ReturnTellRequested,
    ShopOrder,
)
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import micros, moment


def apply(order: Order, event: Event, context: Context) -> Effects[Order]:
    """The outcome says how many facts it came to."""
    if isinstance(event.data, OrderForgetRequested):
        return _forgotten(order, event.data)
    match event.data:
        case _ if order.forgotten:
            heard = order
        case OrderTellRequested(order=named) if _is_of_gone(order, named, context):
            heard = order
        case OrderTellRequested() as told:
            heard = is_told(_shown(order, told.order), told.order, restored=told.restored)
        case OrderRefundRequested() as told:
            refunds = with_refunds(order.refunds, (told.refund,))
            heard = order if refunds is order.refunds else altered(order, refunds=refunds)
        case OrderDeleteRequested():
            heard = is_deleted(order, micros(event.time))
        case _:
            raise AssertionError(f"nothing of an order: {event.type}")
    told_nothing = Outcome(body={"told": 0})
    rows: tuple[Put, ...]
    if heard.owner in context.gone:  # no eraser has found it, or none has yet
        rows = () if order.listed is None else (_nobodys(order),)
        return Effects(_gone(order), rows=rows, outcome=told_nothing)
    if heard is order:
        return Effects(order, outcome=told_nothing)
    new, facts = settled(heard)
    customer, owner = new.customer_id, new.owner
    assert customer is not None or not facts
    emits = tuple(Emit(_command(order.key, fact), event.time, customer) for fact in facts)
    rows = ()
    if owner is not None and owner != new.listed:
        new = altered(new, listed=owner)
        rows = (Put(ORDERS, OrderRow(order.key, owner, micros(event.time)).document()),)
    return Effects(new, emits, rows=rows, outcome=Outcome(body={"told": len(emits)}))


def _is_of_gone(order: Order, told: ShopOrder, context: Context) -> bool:
    """Whether it is told as an order of somebody who has been erased. One that was told of another customer
    stays theirs."""
    return told.customer_id in context.gone and order.customer_id in (None, told.customer_id)


def _forgotten(order: Order, told: OrderForgetRequested) -> Effects[Order]:
    """It is nobody's for good: of whom a shop says next that it is theirs, it would be told a second time."""
    missed = told.customer_id is None
    if (order.customer_id is None) if missed else (order.owner != told.customer_id):
        return Effects(order)
    # Where the eraser has not seen whose it is its row may have come after it.
    return Effects(_gone(order), rows=(_nobodys(order),) if missed else ())


def _gone(order: Order) -> Order:
    return Order(key=order.key, forgotten=True)


def _nobodys(order: Order) -> Put:
    return Put(ORDERS, OrderRow(order.key, None, None).document())


def _shown(order: Order, told: ShopOrder) -> Order:
    """The later of two accounts is how the order stands; what went back is known from both. Once it was told
    of a customer it is theirs, whomever the shop names."""
    if order.customer_id is not None and told.customer_id != order.customer_id:
        told = altered(told, customer_id=order.customer_id)
    refunds = with_refunds(order.refunds, told.refunds)
    later = order.shown is None or rank(told) > rank(order.shown)
    if not later and refunds is order.refunds:
        return order
    return altered(order, shown=told if later else order.shown, refunds=refunds)


def _command(key: str, fact: Fact) -> PurchaseTellRequested | ReturnTellRequested:
    at = moment(fact.at)
    if isinstance(fact.data, PurchaseMade):
        return PurchaseTellRequested(at=at, purchase=fact.data, order=key)
    return ReturnTellRequested(at=at, returned=fact.data, order=key)
