"""Short recordings and programs for simulations; days count from 2025-01-01."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.simulate.memory import Arrival
from rapport.simulate.run import Simulated, simulate
from rapport.simulate.tally import Result
from services.loyalty.domain.program.program import Program, Programs
from shared.schemas.base import Data, Money
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

START = datetime(2025, 1, 1, tzinfo=UTC)
BASE: dict[str, Any] = {
    "name": "base",
    "currency": "EUR",
    "rates": {"EUR": 1},
    "tiers": [{"name": "low", "spend": 0}, {"name": "high", "spend": 50_000, "multiplier": 2}],
}


def day(days: float) -> datetime:
    return START + timedelta(days=days)


def program(**changes: Any) -> Programs:
    """A point per euro, two tiers, expiry after 365 days, no gifts; with these changes."""
    return Programs([Program.model_validate(BASE | changes)])


def campaign(**changes: Any) -> dict[str, Any]:
    """Double points from day 31 until day 59, which is February; with these changes."""
    made = {"id": "double", "name": "Double", "from": day(31), "until": day(59), "effect": {"multiplier": 2}}
    return made | changes


def event(at: float, customer: str, data: Data) -> Arrival:
    """Its id is made of time, customer and type."""
    return day(at), Event(f"{at}-{customer}-{data.event_type}", "/till", customer, day(at), data)


def buy(at: float, cents: int, customer: str = "c-1", order: str = "", currency: str = "EUR") -> Arrival:
    data = PurchaseMade(
        order_id=order or f"o-{at}-{customer}",
        channel="web",
        total=Money(amount=cents, currency=currency),
        items=(),
    )
    return event(at, customer, data)


def give_back(at: float, order: str, cents: int, customer: str = "c-1") -> Arrival:
    data = PurchaseReturned(
        order_id=order, return_id=f"r-{at}", refund=Money(amount=cents, currency="EUR"), items=()
    )
    return event(at, customer, data)


def refer(at: float, referrer: str, friend: str) -> Arrival:
    return event(at, referrer, ReferralMade(referred_customer=friend))


def both(
    arrivals: list[Arrival], baseline: Programs, draft: Programs, until: float | None = None
) -> Simulated:
    end = None if until is None else day(until)
    done = simulate(arrivals, (baseline, draft), until=end)
    assert done is not None
    return done


def one(
    arrivals: list[Arrival], programs: Programs, until: float | None = None, join: bool = False
) -> Result:
    end = None if until is None else day(until)
    done = simulate(arrivals, (programs,), until=end, join=join)
    assert done is not None
    return done.results[0]
