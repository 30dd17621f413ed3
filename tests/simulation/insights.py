"""What metrics tells of customers' health in a run, and what it should have told."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.metrics.domain import insights
from services.metrics.domain.fits import Parameters
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.domain.looked import Looked
from services.metrics.domain.state import Customer
from services.metrics.journal.looking import Looking
from shared.kafka.clients import KafkaRecord
from shared.schemas.base import Money
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.insights import ChurnWarned, Driver, HealthChanged, SegmentChanged
from shared.schemas.times import DAY, Micros, day_of, micros
from tests.simulation.logs import END

NIGHTS = InsightsPolicy(score_step=10, warn_at=0.6, every_nights=14)
"""Seldom: each look costs the simulation some of its time."""


@dataclass(frozen=True)
class Judged:
    """A health that can be worked out by hand."""

    score: int
    churn_probability: float
    segment: str
    drivers: tuple[Driver, ...] = ()
    clv: Money | None = None


def by_silence(customer: Customer, parameters: Parameters, at: Micros) -> Judged:
    """100 on the day of the last order, a point less with each day after it."""
    made = [o.made for o in customer.orders.values() if o.made is not None and o.made < at]
    days = min(100, (at - max(made)) // DAY) if made else 50
    return Judged(100 - days, days / 100, "champions" if days < 30 else "at_risk" if days < 60 else "lost")


LOOKING = Looking(by_silence, NIGHTS)


def told_nightly(subject: str, customer: Customer) -> list[str]:
    """By a plain model: each night, all facts in hand."""
    looked, said = Looked(), list[str]()
    for night in insights.nights(subject, customer, None, day_of(micros(END)), NIGHTS):
        looked, told = insights.told(looked, by_silence(customer, {}, night), NIGHTS, night)
        said += [f"{night} {data!r}" for data in told]
    return said


def heard(log: Iterable[KafkaRecord]) -> tuple[dict[str, list[Event]], list[str]]:
    """The insights of each customer, each once, in the order in which they were first told; and those that
    came twice as something else."""
    found: dict[str, list[Event]] = {}
    values: dict[str, bytes | None] = {}
    problems = []
    for record in sorted(log, key=lambda r: (r.stamp, r.partition, r.offset)):
        event = decode(open_envelope(record.key, record.value, record.headers), wall_now=END)
        if event.id not in values:
            found.setdefault(event.subject, []).append(event)
        elif values[event.id] != record.value:
            problems.append(f"insight {event.id} of {event.subject}: told twice, and not the same")
        values[event.id] = record.value
    return found, problems


def chain(subject: str, told: Iterable[Event], known: Looked) -> list[str]:
    """Whether what went out says, one after another, what the record says in the end."""
    segment, score = None, None
    for event in told:
        match event.data:
            case SegmentChanged():
                if event.data.from_ != segment:
                    return [f"insights of {subject}: from {event.data.from_}, and it was {segment}"]
                segment = event.data.to
            case HealthChanged():
                score = event.data.score
            case ChurnWarned():
                pass
    if known.silent or (segment or "", score) != (known.segment, known.score):
        return [f"insights of {subject}: {segment} {score} in the end, and its record has {known}"]
    return []
