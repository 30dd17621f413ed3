"""What metrics make of the customer: of each word on it the later by event time holds."""

from services.interactions.domain.activity.kept import Driver, Health
from services.interactions.domain.state import Customer, altered
from shared.schemas.insights import ChurnWarned, HealthChanged, SegmentChanged
from shared.schemas.times import Micros


def health_changed(customer: Customer, told: HealthChanged, at: Micros) -> Customer:
    old = customer.health or Health()
    if old.at is not None and at < old.at:
        return customer
    drivers = tuple(Driver(driver=d.driver, points=d.points, of=d.of, why=d.why) for d in told.drivers)
    clv = None if told.clv is None else (told.clv.amount, told.clv.currency)
    new = altered(
        old, at=at, score=told.score, drivers=drivers, churn_probability=told.churn_probability, clv=clv
    )
    return altered(customer, health=new)


def segment_changed(customer: Customer, told: SegmentChanged, at: Micros) -> Customer:
    old = customer.health or Health()
    if old.segment_at is not None and at < old.segment_at:
        return customer
    return altered(customer, health=altered(old, segment_at=at, segment=told.to))


def churn_warned(customer: Customer, told: ChurnWarned, at: Micros) -> Customer:
    old = customer.health or Health()
    warned_at = at if old.warned_at is None else max(at, old.warned_at)
    return altered(customer, health=altered(old, warned_at=warned_at))


def health_joined(one: Health | None, other: Health | None) -> Health | None:
    """What was told of one id in two places: of each word the later; at a draw ``one``'s."""
    if one is None or other is None:
        return one or other
    scored = max(one, other, key=lambda health: _or_never(health.at))
    placed = max(one, other, key=lambda health: _or_never(health.segment_at))
    warned = max(one, other, key=lambda health: _or_never(health.warned_at))
    return altered(scored, segment=placed.segment, segment_at=placed.segment_at, warned_at=warned.warned_at)


def _or_never(at: Micros | None) -> Micros:
    return -1 if at is None else at
