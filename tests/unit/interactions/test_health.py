"""What metrics tell of a customer's health stands in the 360; the later word holds, in whatever order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.interactions.domain.activity.health import churn_warned, health_changed, segment_changed
from services.interactions.domain.state import Customer
from services.interactions.models.customers import customer_view
from shared.schemas.base import Data, Money
from shared.schemas.insights import ChurnWarned, Driver, HealthChanged, SegmentChanged
from shared.schemas.times import micros, moment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def health(score: int, churn: float = 0.25, **more: Any) -> HealthChanged:
    drivers = (Driver(driver="recency", points=20.5, of=30, why="bought 3 days ago"),)
    return HealthChanged(score=score, drivers=drivers, churn_probability=churn, **more)


def told(customer: Customer, data: Data, at: datetime) -> Customer:
    match data:
        case HealthChanged():
            return health_changed(customer, data, micros(at))
        case SegmentChanged():
            return segment_changed(customer, data, micros(at))
        case ChurnWarned():
            return churn_warned(customer, data, micros(at))
    raise TypeError(data)


WORDS: list[tuple[Data, datetime]] = [
    (health(80), NOW - 3 * DAY),
    (health(40, 0.75, clv=Money(amount=1200, currency="EUR")), NOW - DAY),
    (SegmentChanged(to="loyal"), NOW - 3 * DAY),
    (SegmentChanged.model_validate({"from": "loyal", "to": "at_risk"}), NOW - DAY),
    (ChurnWarned(probability=0.75), NOW - DAY),
]


@pytest.mark.parametrize("words", [*permutations(WORDS)], ids=range(120))
def test_the_later_word_holds(words: tuple[tuple[Data, datetime], ...]) -> None:
    customer = Customer(customer_id="c-1")
    for data, at in words:
        customer = told(customer, data, at)
    shown = customer_view(Customer.model_validate_json(customer.model_dump_json()), NOW).health
    assert shown is not None
    assert shown.model_dump() == {
        "score": 40,
        "drivers": [{"driver": "recency", "points": 20.5, "of": 30.0, "why": "bought 3 days ago"}],
        "segment": "at_risk",
        "churn_probability": 0.75,
        "clv": {"amount": 1200, "currency": "EUR"},
        "at": NOW - DAY,
        "warned_at": NOW - DAY,
    }


def test_of_whom_nothing_was_told_there_is_none() -> None:
    assert customer_view(Customer(customer_id="c-1"), NOW).health is None


def test_without_a_model_there_is_no_lifetime_value() -> None:
    shown = customer_view(told(Customer(customer_id="c-1"), health(70), NOW), NOW).health
    assert shown is not None
    assert (shown.score, shown.clv, shown.segment, shown.warned_at) == (70, None, None, None)
    assert moment(micros(NOW)) == shown.at
