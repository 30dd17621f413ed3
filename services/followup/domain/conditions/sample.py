"""A customer of whom all is known, on whom each expression is tried when the rules are read."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from services.followup.domain.complaints import Complaint
from services.followup.domain.conditions.views import Scope
from services.followup.domain.history.purchases import MOST_ORDERS
from services.followup.domain.history.state import (
    Bought,
    Contacts,
    Health,
    History,
    Loyalty,
    Product,
    Purchases,
    Review,
    Score,
    Segment,
    Spend,
    Subscription,
)
from services.followup.domain.state import Customer, Send
from shared.expressions.kinds import FRACTION, TEXT, TIME, TRUTH, WHOLE, Kind, Many, Table
from shared.facts.complaints import OPENED, RESOLVED, ToldStep
from shared.facts.profile import profile_told
from shared.schemas.customers import CustomerUpdated
from shared.schemas.feedback import SCORES
from shared.schemas.times import DAY, Micros, micros

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_FEW = 5


def sample(trigger: dict[str, Any]) -> Scope:
    """The customer at an instant, with such a trigger."""
    return Scope(_customer(), micros(NOW), ZoneInfo("Europe/Berlin"), trigger)


def sample_trigger(kind: Kind) -> Any:
    """Made-up values of a kind, as JSON has them."""
    match kind:
        case Table(fields=fields):
            values = {name: sample_trigger(field.kind) for name, field in fields.items()}
            return {name: value for name, value in values.items() if value is not None}
        case Many(of=of):
            return [sample_trigger(of)] * _FEW
    day_before = (NOW - timedelta(days=1)).isoformat()
    plain: dict[Kind, Any] = {TRUTH: True, WHOLE: 1, FRACTION: 0.5, TEXT: "text", TIME: day_before}
    return plain.get(kind)


@cache
def _customer() -> Customer:
    now, past = micros(NOW), [micros(NOW) - day * DAY for day in range(MOST_ORDERS)]
    few = past[:_FEW]
    profile = CustomerUpdated(
        name="Ada Byron",
        email="ada@example.org",
        phone="+49301234567",
        locale="en-GB",
        timezone="Europe/Berlin",
        birthday="1990-12-10",
        preferred_channel="email",
        preferences={},
        tags=("one", "two", "three"),
        segment="regular",
    )
    steps = (ToldStep(now - DAY, OPENED), ToldStep(now, RESOLVED))
    return Customer(
        customer_id="customer",
        profile=profile_told({}, profile, now),
        complaints=tuple(Complaint(complaint_id=f"k-{at}", steps=steps, heard=now) for at in few),
        sends=tuple(Send(rule="rule", purpose="marketing", at=at) for at in few),
        history=History(
            purchases=Purchases(
                count=MOST_ORDERS,
                first_at=past[-1],
                last_at=past[0],
                spend=(Spend("EUR", 1000, 10),),
                latest=tuple(map(_order, past)),
            ),
            loyalty=Loyalty(tier="gold", balance=100, enrolled_at=now - DAY),
            subscriptions=tuple(_subscription(at) for at in few),
            products=tuple(
                Product(product_id=f"p-{at}", sku="sku", purchased_at=at, maintenance_every_days=180)
                for at in few
            ),
            contacts=tuple(
                Contacts(kind="question", direction="inbound", sku=f"sku-{at}", times=tuple(few))
                for at in few
            ),
            scores=tuple(Score(survey, 1, now) for survey in SCORES),
            reviews=tuple(Review(f"sku-{at}", 5, at) for at in few),
            segment=Segment("regular", now),
            health=Health(
                at=now, score=50, churn_probability=0.5, churn_at=now, clv=(100, "EUR"), warned_at=now
            ),
        ),
    )


_SKUS = tuple(f"sku-{number}" for number in range(_FEW))


def _order(at: Micros) -> Bought:
    return Bought(order_id=f"o-{at}", at=at, currency="EUR", amount=100, skus=_SKUS, categories=_SKUS)


def _subscription(at: Micros) -> Subscription:
    return Subscription(
        subscription_id=f"s-{at}",
        heard_of=at,
        started_at=at,
        term_at=at,
        plan="plan",
        expires_at=at + 400 * DAY,
        cancelled_at=at,
        ends_at=at + 400 * DAY,
    )
