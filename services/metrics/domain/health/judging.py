"""A customer's health: the score and what it is made of, the probability of churn, the worth, the segment.

Pure: the same record, models, policy and instant give the same. A driver of which nothing is known has no
part, and the others share its weight; so the parts that all can give are 100 together.
"""

from dataclasses import dataclass

from services.metrics.domain.health.drivers import DRIVERS, buys_again
from services.metrics.domain.health.history import History
from services.metrics.domain.health.models import Models
from services.metrics.domain.health.policy import HealthPolicy
from services.metrics.domain.health.segments import Segment, segment_of
from services.metrics.domain.health.worth import worth
from services.metrics.domain.state import Customer
from shared.schemas.base import Money
from shared.schemas.insights import Driver
from shared.schemas.times import Micros


@dataclass(frozen=True, slots=True)
class Health:
    """As of one instant."""

    score: int
    """0 to 100."""
    drivers: tuple[Driver, ...]
    churn_probability: float
    """That the customer does not come back; 0 of who never bought."""
    clv: Money | None
    """What they are expected to pay within a year; None where no model says."""
    segment: Segment


def health(customer: Customer, models: Models, policy: HealthPolicy, now: Micros) -> Health:
    """By what happened before ``now``."""
    history = History(customer, now, policy.half_life)
    drivers = _drivers(history, models, policy)
    score = min(100, max(0, round(sum(driver.points for driver in drivers))))
    return Health(
        score=score,
        drivers=drivers,
        churn_probability=_churn(history, models),
        clv=_worth(history, models),
        segment=segment_of(history, score, buys_again(history, models, policy), policy.segments),
    )


def _drivers(history: History, models: Models, policy: HealthPolicy) -> tuple[Driver, ...]:
    seen = {
        name: (weight, found)
        for name, look in DRIVERS.items()
        if (weight := getattr(policy.weights, name)) and (found := look(history, models, policy))
    }
    whole = sum(weight for weight, _ in seen.values())
    return tuple(
        Driver(
            driver=name,
            points=round(100 * weight / whole * found.value, 4),
            of=round(100 * weight / whole, 4),
            why=found.why,
        )
        for name, (weight, found) in seen.items()
    )


def _churn(history: History, models: Models) -> float:
    if not history.buying.days:
        return 0.0
    return 1 - models.buying(history.buying.repeats).p_alive(*history.bought)


def _worth(history: History, models: Models) -> Money | None:
    buying = history.buying
    if not buying.days:
        return None
    found = worth(models, buying.currency, history.bought, buying.repeat_value)
    return None if found is None else Money(amount=found, currency=buying.currency)
