"""The loyalty program, as its own events tell it."""

from services.interactions.domain.state import Customer, Loyalty
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.times import Micros


def member_enrolled(customer: Customer, told: MemberEnrolled, at: Micros) -> Customer:
    old = _loyalty(customer).enrolled_at
    return _with(customer, enrolled_at=at if old is None else min(at, old))


def points_moved(customer: Customer, told: LedgerEntry, at: Micros) -> Customer:
    return _with(customer, balance=told.balance)


def tier_changed(customer: Customer, told: TierChanged, at: Micros) -> Customer:
    return _with(customer, tier=told.to)


def _loyalty(customer: Customer) -> Loyalty:
    return customer.loyalty or Loyalty()


def _with(customer: Customer, **changed: int | str) -> Customer:
    return customer.model_copy(update={"loyalty": _loyalty(customer).model_copy(update=changed)})
