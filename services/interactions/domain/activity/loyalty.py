"""The loyalty program, as its own events tell it."""

from typing import Any

from services.interactions.domain.state import Customer, Loyalty
from shared.schemas.event import Event
from shared.schemas.loyalty import LedgerEntry, MemberEnrolled, TierChanged
from shared.schemas.times import micros


def member_enrolled(state: Customer, event: Event) -> dict[str, Any]:
    assert isinstance(event.data, MemberEnrolled)
    old = state.loyalty or Loyalty()
    at = micros(event.time)
    enrolled_at = at if old.enrolled_at is None else min(at, old.enrolled_at)
    return {"loyalty": old.model_copy(update={"enrolled_at": enrolled_at})}


def points_moved(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, LedgerEntry)
    return {"loyalty": (state.loyalty or Loyalty()).model_copy(update={"balance": data.balance})}


def tier_changed(state: Customer, event: Event) -> dict[str, Any]:
    data = event.data
    assert isinstance(data, TierChanged)
    return {"loyalty": (state.loyalty or Loyalty()).model_copy(update={"tier": data.to})}
