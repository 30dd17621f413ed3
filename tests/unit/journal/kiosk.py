"""A service with what customers share: a stock of gifts, sums by day; and returns that wait for their
purchase and may turn out bad."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.domain import (
    Append,
    CancelTimer,
    Context,
    Effects,
    Emit,
    Handler,
    Increment,
    RefusedError,
    Retract,
    SetTimer,
    Take,
)
from shared.kafka.publisher import Record
from shared.schemas.base import Money
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsEarned
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.timer import TimerFired
from shared.worker.processing import Message, Origin
from tests.unit.journal.driver import START, purchase

GIFTS = 4
WAIT = timedelta(hours=20)
Step = tuple[str, int, int, int, int]
"""``buy`` or ``return``, a customer, an order, the hours since the step before, an amount."""


class Waiting(BaseModel):
    """A return whose purchase has not come."""

    model_config = ConfigDict(frozen=True)

    id: str
    at: datetime
    order: str
    refund: int
    origin: str


class Visits(BaseModel):
    """A customer's orders (with their cost), those with a gift, returns done and returns that wait."""

    model_config = ConfigDict(frozen=True)

    customer: str
    orders: tuple[tuple[str, int], ...] = ()
    gifts: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def apply(state: Visits, event: Event, context: Context) -> Effects[Visits]:
    match event.data:
        case PurchaseMade(order_id=order, total=total):
            return _buy(state, event, context, order, total.amount)
        case PurchaseReturned(order_id=order, refund=refund):
            return _return(state, event, context, order, refund.amount)
        case TimerFired(name=name):
            (late,) = [w for w in state.waiting if f"wait-{w.id}" == name]
            left = tuple(w for w in state.waiting if w is not late)
            retract = Retract(late_event(state, late), late.origin, "no_order", "the purchase never came")
            return Effects(state.model_copy(update={"waiting": left}), retracts=(retract,))
    raise AssertionError(event.type)


def _buy(state: Visits, event: Event, context: Context, order: str, cost: int) -> Effects[Visits]:
    if order in dict(state.orders):
        raise RefusedError("again", "the order is known")  # a redelivery must never get here
    gift = context.used("gifts") < GIFTS
    rows: list[Append | Increment] = [
        Append("ledger", {"_id": context.new_id("row"), "gift": gift}),
        Increment("days", f"{event.time:%d}", {"sales": cost, "gifts": int(gift)}),
    ]
    takes = [Take("gifts", 1, GIFTS)] if gift else []
    returned, retracts = list(state.returned), []
    gifts = (*state.gifts, order) if gift else state.gifts
    asked = [w for w in state.waiting if w.order == order]
    for wait in asked:
        if wait.refund > cost:
            retracts.append(Retract(late_event(state, wait), wait.origin, "too_much", "more than was paid"))
            continue
        returned.append(wait.id)
        rows.append(Increment("days", f"{event.time:%d}", {"sales": -wait.refund}))
        if order in gifts:
            gifts = tuple(g for g in gifts if g != order)
            takes.append(Take("gifts", -1))
    update = {
        "orders": (*state.orders, (order, cost)),
        "gifts": gifts,
        "returned": tuple(returned),
        "waiting": tuple(w for w in state.waiting if w not in asked),
    }
    return Effects(
        state.model_copy(update=update),
        emits=(_points(cost, event, context),),
        timers=tuple(CancelTimer(f"wait-{w.id}") for w in asked),
        rows=tuple(rows),
        takes=tuple(takes),
        retracts=tuple(retracts),
    )


def _return(state: Visits, event: Event, context: Context, order: str, refund: int) -> Effects[Visits]:
    if event.id in state.returned or event.id in [w.id for w in state.waiting]:
        raise RefusedError("again", "the return is known")  # a redelivery must never get here
    cost = dict(state.orders).get(order)
    if cost is None:
        until = event.time + WAIT
        if until <= context.now:
            raise RefusedError("no_order", "the purchase never came")
        wait = Waiting(id=event.id, at=event.time, order=order, refund=refund, origin=context.origin)
        waiting = state.model_copy(update={"waiting": (*state.waiting, wait)})
        # What a return that waits emits must come out even if it is rejected later.
        note = (_points(1, event, context),)
        return Effects(waiting, emits=note, timers=(SetTimer(f"wait-{wait.id}", until),))
    if refund > cost:
        raise RefusedError("too_much", "more than was paid")
    gifts = tuple(g for g in state.gifts if g != order)
    return Effects(
        state.model_copy(update={"returned": (*state.returned, event.id), "gifts": gifts}),
        rows=(Increment("days", f"{event.time:%d}", {"sales": -refund}),),
        takes=(Take("gifts", -1),) if order in state.gifts else (),
    )


def _points(points: int, event: Event, context: Context) -> Emit:
    cause = {"source": event.source, "id": event.id}
    data = PointsEarned.model_validate(
        {"entry_id": context.new_id("e"), "points": points, "balance": points, "reason": "r", "cause": cause}
    )
    return Emit(data, event.time)


def late_event(state: Visits, wait: Waiting) -> Event:
    return give_back(wait.id, state.customer, wait.at, wait.order, wait.refund)


def give_back(id: str, customer: str, at: datetime, order: str, refund: int) -> Event:
    money = Money(amount=refund, currency="EUR")
    return Event(id, "/till", customer, at, PurchaseReturned(order_id=order, return_id=id, refund=money))


def log_of(steps: Sequence[Step]) -> list[Message]:
    """One record per step. Steps of one kind, customer and order share their id: a later one is a duplicate,
    or, if the first was rejected, its correction."""
    messages, at = [], START
    for offset, (kind, customer, order, hours, amount) in enumerate(steps):
        at += timedelta(hours=hours)
        if kind == "buy":
            event = purchase(100 * customer + order, f"c{customer}", at, amount)
        else:
            name = f"{100 * customer + order}"
            event = give_back(f"r{name}", f"c{customer}", at, f"o{name}", amount)
        value, headers = encode(event)
        raw = Record("purchases", event.subject.encode(), value, tuple(headers))
        messages.append(Message(0, at, event, Origin("purchases", 0, offset), raw))
    return messages


KIOSK: Handler[Visits] = Handler(
    service="kiosk",
    consumes=(PurchaseMade, PurchaseReturned),
    state=Visits,
    initial=lambda customer: Visits(customer=customer),
    apply=apply,
)
