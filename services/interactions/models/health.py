"""A customer's health, as the 360 shows it."""

from datetime import datetime

from services.interactions.domain.activity.kept import Health
from shared.schemas.base import Frozen, Money
from shared.schemas.times import maybe_moment


class DriverView(Frozen):
    """One of the things that health is made of: its ``points``, of so many that it could give, and why."""

    driver: str
    points: float
    of: float
    why: str


class HealthView(Frozen):
    """How well the relationship goes, as metrics told it last; what it did not tell is null.
    ``churn_probability``: that the customer does not come back; ``clv``: what they are expected to bring
    within a year; ``at``: of score, drivers, probability and value; ``warned_at``: when it was told last that
    the customer may leave."""

    score: int | None
    drivers: list[DriverView]
    segment: str | None
    churn_probability: float | None
    clv: Money | None
    at: datetime | None
    warned_at: datetime | None


def health_view(told: Health) -> HealthView:
    return HealthView(
        score=told.score,
        drivers=[DriverView(driver=d.driver, points=d.points, of=d.of, why=d.why) for d in told.drivers],
        segment=told.segment,
        churn_probability=told.churn_probability,
        clv=None if told.clv is None else Money(amount=told.clv[0], currency=told.clv[1]),
        at=maybe_moment(told.at),
        warned_at=maybe_moment(told.warned_at),
    )
