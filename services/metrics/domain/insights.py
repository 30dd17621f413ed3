"""What is told of a customer's health: only what is another than what was told before. Pure.

Under the stream clock a customer is looked at as of nights (the beginnings of UTC days), by the facts before
each: so it does not matter when that is done, and history that is replayed tells what it told when it was
lived, but for what facts that were heard later than their night would have made of it.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol
from zlib import crc32

from pydantic import Field

from services.metrics.domain.looked import Looked
from services.metrics.domain.state import END, Customer
from shared.schemas.base import Data, Money, Strict
from shared.schemas.insights import ChurnWarned, Driver, HealthChanged, SegmentChanged
from shared.schemas.times import DAY, Micros, day_of

Why = Literal["happened", "night", "first"]
"""Why a customer is looked at: something happened to them; it is night; it is the first night, and they were
there before anybody was looked at."""

WORST_DRIVERS = 3
"""So many drivers say why a customer may leave."""


class InsightsPolicy(Strict):
    """Section ``insights`` of the policy: when something is told."""

    score_step: Annotated[int, Field(ge=1, le=100)] = 5
    """``health.changed`` once the score is so many points away from the one that was told."""
    warn_at: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """``churn.warned`` once the probability of churn is this, again only after it was below."""
    every_nights: Annotated[int, Field(ge=1, le=31)] = 1
    """A customer is looked at each so many nights, some of all customers each night."""


class Health(Protocol):
    """What is told of, as of one instant."""

    @property
    def score(self) -> int: ...
    @property
    def drivers(self) -> tuple[Driver, ...]: ...
    @property
    def churn_probability(self) -> float: ...
    @property
    def clv(self) -> Money | None: ...
    @property
    def segment(self) -> str: ...


def told(
    before: Looked, health: Health, policy: InsightsPolicy, at: Micros, why: Why = "night"
) -> tuple[Looked, tuple[Data, ...]]:
    """What is told from now on, and what is to be told of it; the same object where that is nothing.

    Of those who were there before anybody was looked at nothing is told at first: it is no news. Once it is
    another, or something happens to them, all of it is, but no warning of what was so from the start."""
    after, said = _another(before, health, policy, at)
    if why == "first" and before.at is None:
        return Looked(at, after.segment, after.score, after.warned, silent=True), ()
    if before.silent and (said or why == "happened"):
        after, said = _another(Looked(warned=before.warned), health, policy, at)
    if not said and after.warned == before.warned:
        return before, ()
    if not said and before.silent:
        after = Looked(at, before.segment, before.score, after.warned, silent=True)
    return after, said


def _another(
    before: Looked, health: Health, policy: InsightsPolicy, at: Micros
) -> tuple[Looked, tuple[Data, ...]]:
    """What is told then, and what of it is another than before."""
    said: list[Data] = []
    if health.segment != before.segment:
        known = {"from": before.segment} if before.segment else {}
        said.append(SegmentChanged.model_validate({**known, "to": health.segment}))
    score = before.score
    if score is None or abs(health.score - score) >= policy.score_step:
        score = health.score
        said.append(_health_changed(health))
    warned = health.churn_probability >= policy.warn_at
    if warned and not before.warned:
        said.append(ChurnWarned(probability=health.churn_probability, drivers=_against(health)))
    return Looked(at, health.segment, score, warned), tuple(said)


def cause(data: Data, at: Micros) -> str:
    """Tells an insight from the others of its type and customer, whenever it is decided."""
    match data:
        case SegmentChanged():
            return f"{at} {data.to}"
        case HealthChanged():
            return f"{at} {data.score}"
    return str(at)


def _health_changed(health: Health) -> HealthChanged:
    worth = {} if health.clv is None else {"clv": health.clv}
    return HealthChanged(
        score=health.score, drivers=health.drivers, churn_probability=health.churn_probability, **worth
    )


def _against(health: Health) -> tuple[Driver, ...]:
    """What takes most of the score, the worst first."""
    lost = sorted(health.drivers, key=lambda driver: driver.points - driver.of)
    return tuple(driver for driver in lost if driver.points < driver.of)[:WORST_DRIVERS]


def nights(
    subject: str, customer: Customer, done: int | None, until: int, policy: InsightsPolicy
) -> Iterator[Micros]:
    """The nights, in order, as of which the customer is to be looked at, up to the one that day ``until``
    begins with: those after the first that is known of the customer, and after the last as of which there was
    a look, which for all customers is ``done``."""
    own = None if customer.looked.at is None else day_of(customer.looked.at)
    first = customer.since
    if first == END:  # as an older version wrote it
        first = min((day_of(order.made) for order in customer.orders.values() if order.made), default=until)
    after = max(first if night is None else night for night in (done, own, first))
    every = policy.every_nights
    begin = after + 1 + (turn_of(subject, every) - after - 1) % every
    for night in range(begin, until + 1, every):
        yield night * DAY


def turn_of(subject: str, every: int) -> int:
    """The remainder of the customer's nights."""
    return crc32(subject.encode()) % every
