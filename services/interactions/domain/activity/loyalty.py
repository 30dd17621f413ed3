"""The loyalty program, as its own events tell it."""

from services.interactions.domain.state import Customer, Loyalty, altered
from services.interactions.domain.telling import COPY, Change, Told
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.times import Micros

LOYALTY = "/rapport/loyalty"
"""The source of what the program itself decided."""


def member_enrolled(customer: Customer, told: Told) -> Change:
    """A customer joins once: what the program says of it holds, and until then when others say it was. The
    tier is the program's alone."""
    data, old = told.event.data, customer.loyalty or Loyalty()
    assert isinstance(data, MemberEnrolled)
    known, own = old.enrolled_at is not None, told.event.source == LOYALTY
    if known and not own:
        return Change(customer, 0, COPY)
    tier = data.tier if own and data.tier is not None else old.tier
    new = _with(customer, altered(old, enrolled_at=told.at, tier=tier))
    return Change(new, 0, COPY) if known else Change(new)


def points_moved(customer: Customer, told: LedgerEntry, at: Micros) -> Customer:
    """Any entry of the ledger says the balance after it."""
    old = customer.loyalty or Loyalty()
    return _with(customer, altered(old, balance=told.balance))


def tier_changed(customer: Customer, told: TierChanged, at: Micros) -> Customer:
    """Up or down, the tier is the one told last."""
    old = customer.loyalty or Loyalty()
    return _with(customer, altered(old, tier=told.to))


def _with(customer: Customer, loyalty: Loyalty) -> Customer:
    return altered(customer, loyalty=loyalty)
