"""A customer's health, and the segments that follow from it, as the API answers them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import get_args

from services.metrics.domain.health import Health
from services.metrics.domain.health.segments import Segment
from services.metrics.domain.looked import Looked
from services.metrics.domain.merging.course import standing_of
from services.metrics.domain.state import Customer
from shared.schemas.base import Frozen, Money
from shared.schemas.insights import Driver
from shared.schemas.times import date_of, maybe_moment


class Told(Frozen):
    """What events told last: ``segment.changed``, ``health.changed``, ``churn.warned``. Null: nothing yet."""

    segment: str | None
    score: int | None
    warned: bool
    """``churn.warned`` was told, and the probability has not fallen below the bound since."""
    at: datetime | None


class CustomerHealth(Frozen):
    """How well the relationship goes, by all that is known now."""

    customer_id: str
    """The survivor, of an id that was merged into another."""
    merged_from: list[str]
    """The ids that were merged into this customer."""
    score: int
    """0 to 100."""
    drivers: list[Driver]
    """What the score is made of; their points add up to it, rounded."""
    segment: str
    churn_probability: float
    clv: Money | None
    """What the customer is expected to pay within a year; null where no model says."""
    at: datetime
    """As of when."""
    told: Told


class SegmentSize(Frozen):
    segment: str
    customers: int
    share: float | None
    """Of all customers that were looked at; null where there are none."""
    score: float | None
    """The mean of their scores; null where there are none."""


class Segments(Frozen):
    """The customers of each segment, as they were looked at last."""

    customers: int
    segments: list[SegmentSize]
    looked_at: date | None
    """All customers were, as of the beginning of this UTC day or later; null: not all yet."""


def customer_health(customer_id: str, health: Health, record: Customer, at: datetime) -> CustomerHealth:
    told = Looked() if record.looked.silent else record.looked
    standing = standing_of(record)
    return CustomerHealth(
        customer_id=customer_id,
        merged_from=[] if standing is None else [*standing.ids],
        score=health.score,
        drivers=list(health.drivers),
        segment=health.segment,
        churn_probability=health.churn_probability,
        clv=health.clv,
        at=at,
        told=Told(
            segment=told.segment or None,
            score=told.score,
            warned=told.warned,
            at=maybe_moment(told.at),
        ),
    )


def segments(sizes: Mapping[str, tuple[int, int]], nights: Iterable[int | None]) -> Segments:
    """``sizes``: customers and the sum of their scores by segment; ``nights``: of each partition the one as
    of which all its customers were looked at."""
    total = sum(customers for customers, _ in sizes.values())
    names = dict.fromkeys((*get_args(Segment), *sorted(sizes)))
    done = [*nights]
    known = [night for night in done if night is not None]
    return Segments(
        customers=total,
        segments=[_size(name, *sizes.get(name, (0, 0)), total) for name in names],
        looked_at=date_of(min(known)) if known and len(known) == len(done) else None,
    )


def _size(name: str, customers: int, score: int, total: int) -> SegmentSize:
    return SegmentSize(
        segment=name,
        customers=customers,
        share=customers / total if total else None,
        score=score / customers if customers else None,
    )
