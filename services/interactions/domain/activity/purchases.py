"""What the customer bought and gave back, in sums."""

from typing import Any

from services.interactions.domain.state import Customer, Purchases, Spend, found, placed
from shared.domain import Refused
from shared.schemas.base import Money
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import micros

MAX_TOTAL = 2**62
"""Minor units; a BSON integer holds twice that."""


def purchase_made(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, PurchaseMade)
    at, old = micros(event.time), state.purchases
    new = Purchases(
        count=old.count + 1,
        returns=old.returns,
        first_at=at if old.first_at is None else min(at, old.first_at),
        last_at=at if old.last_at is None else max(at, old.last_at),
        spend=_spent(old.spend, data.total, refund=False),
    )
    return {"purchases": new}


def purchase_returned(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, PurchaseReturned)
    old = state.purchases
    spend = _spent(old.spend, data.refund, refund=True)
    return {"purchases": old.model_copy(update={"returns": old.returns + 1, "spend": spend})}


def _spent(spend: tuple[Spend, ...], money: Money, *, refund: bool) -> tuple[Spend, ...]:
    old = found(spend, money.currency, _currency) or Spend(currency=money.currency)
    new = Spend(
        currency=old.currency,
        purchased=old.purchased + (0 if refund else money.amount),
        refunded=old.refunded + (money.amount if refund else 0),
    )
    if max(new.purchased, new.refunded) > MAX_TOTAL:
        raise Refused("total_too_large", f"the total in {money.currency} would be beyond all bounds")
    return placed(spend, new, _currency)


def _currency(spend: Spend) -> str:
    return spend.currency
