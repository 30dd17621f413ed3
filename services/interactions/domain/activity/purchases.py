"""What the customer bought and gave back, in sums."""

from services.interactions.domain.state import Customer, Spend, found, placed
from services.interactions.errors import TOTAL_TOO_LARGE
from shared.schemas.base import Money
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from shared.schemas.times import Micros

MAX_TOTAL = 2**62
"""Minor units; a BSON integer holds twice that."""


def purchase_made(customer: Customer, told: PurchaseMade, at: Micros) -> Customer:
    """Raises ``total_too_large``."""
    old = customer.purchases
    new = {
        "count": old.count + 1,
        "first_at": at if old.first_at is None else min(at, old.first_at),
        "last_at": at if old.last_at is None else max(at, old.last_at),
        "spend": _spent(old.spend, told.total, refund=False),
    }
    return customer.model_copy(update={"purchases": old.model_copy(update=new)})


def purchase_returned(customer: Customer, told: PurchaseReturned, at: Micros) -> Customer:
    """Raises ``total_too_large``."""
    old = customer.purchases
    new = {"returns": old.returns + 1, "spend": _spent(old.spend, told.refund, refund=True)}
    return customer.model_copy(update={"purchases": old.model_copy(update=new)})


def _spent(spend: tuple[Spend, ...], money: Money, *, refund: bool) -> tuple[Spend, ...]:
    old = found(spend, money.currency, _key) or Spend(currency=money.currency)
    grown = (
        {"refunded": old.refunded + money.amount} if refund else {"purchased": old.purchased + money.amount}
    )
    new = old.model_copy(update=grown)
    if max(new.purchased, new.refunded) > MAX_TOTAL:
        raise TOTAL_TOO_LARGE(currency=money.currency)
    return placed(spend, new, _key)


def _key(spend: Spend) -> str:
    return spend.currency
