"""The loyalty program, as its own events tell it."""

from services.interactions.domain.state import Customer, Loyalty
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.times import Micros


def member_enrolled(customer: Customer, told: MemberEnrolled, at: Micros) -> Customer:
    """Told twice, the first time counts."""
    old = customer.loyalty or Loyalty()
    first = at if old.enrolled_at is None else min(at, old.enrolled_at)
    return _with(customer, old.model_copy(update={"enrolled_at": first}))


def points_moved(customer: Customer, told: LedgerEntry, at: Micros) -> Customer:
    """Any entry of the ledger says the balance after it."""
    old = customer.loyalty or Loyalty()
    return _with(customer, old.model_copy(update={"balance": told.balance}))


def tier_changed(customer: Customer, told: TierChanged, at: Micros) -> Customer:
    """Up or down, the tier is the one told last."""
    old = customer.loyalty or Loyalty()
    return _with(customer, old.model_copy(update={"tier": told.to}))


def _with(customer: Customer, loyalty: Loyalty) -> Customer:
    return customer.model_copy(update={"loyalty": loyalty})
