"""A shop's order, one account after the other: state in, effects out. Pure.

The order's own state decides what changed, so accounts may come in any order and many times; its customer
hears of it by commands."""

from services.interactions.domain.orders.state import Order, rank, with_refunds
from services.interactions.domain.orders.telling import Fact, settled
from services.interactions.domain.state import altered
from shared.domain import Context, Effects, Emit, Outcome
from shared.schemas.commands.orders import (
    OrderDeleteRequested,
    OrderRefundRequested,
    OrderTellRequested,
    PurchaseTellRequested,
    ReturnTellRequested,
    ShopOrder,
)
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import moment


def apply(order: Order, event: Event, context: Context) -> Effects[Order]:
    """The outcome says how many facts it came to."""
    match event.data:
        case OrderTellRequested() as told:
            heard = _shown(order, told.order)
            heard = altered(heard, deleted=False) if told.restored and heard.deleted else heard
        case OrderRefundRequested() as told:
            refunds = with_refunds(order.refunds, (told.refund,))
            heard = order if refunds is order.refunds else altered(order, refunds=refunds)
        case OrderDeleteRequested():
            heard = order if order.deleted else altered(order, deleted=True)
        case _:
            raise AssertionError(f"nothing of an order: {event.type}")
    if heard is order:
        return Effects(order, outcome=Outcome(body={"told": 0}))
    new, facts = settled(heard)
    customer = new.customer_id
    assert customer is not None or not facts
    emits = tuple(Emit(_command(fact), event.time, customer) for fact in facts)
    return Effects(new, emits, outcome=Outcome(body={"told": len(emits)}))


def _shown(order: Order, told: ShopOrder) -> Order:
    """The later of two accounts is how the order stands; what went back is known from both."""
    refunds = with_refunds(order.refunds, told.refunds)
    later = order.shown is None or rank(told) > rank(order.shown)
    if not later and refunds is order.refunds:
        return order
    return altered(order, shown=told if later else order.shown, refunds=refunds)


def _command(fact: Fact) -> PurchaseTellRequested | ReturnTellRequested:
    at = moment(fact.at)
    if isinstance(fact.data, PurchaseMade):
        return PurchaseTellRequested(at=at, purchase=fact.data)
    return ReturnTellRequested(at=at, returned=fact.data)
