"""Scores customers at the begin of each quarter of recorded events, and looks who falls silent in it.

Each quarter's scores are made of what was known at its begin, the models' parameters too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rapport.simulate.memory import Arrival
from services.metrics.domain.apply import apply
from services.metrics.domain.cells import Delta
from services.metrics.domain.health import HealthPolicy, Models, health
from services.metrics.domain.health.estimating import Sample
from services.metrics.domain.health.history import buying
from services.metrics.domain.health.ranking import Area, area, gain
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.schemas.purchases import PurchaseMade
from shared.schemas.times import Micros, day_of, micros, moment

HISTORY = timedelta(days=80)
"""So much must be known before the first quarter that is looked at."""
SLACK = timedelta(days=7)
"""A quarter counts as recorded whole up to so long before its end."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A customer at a quarter's begin."""

    score: int
    silence: int
    """Days since the last purchase: what recency alone says."""
    segment: str


@dataclass(frozen=True, slots=True)
class Quarter:
    """How well one quarter's silence was told at its begin."""

    begin: datetime
    customers: int
    silent: int
    score: Area | None
    recency: Area | None
    gain: Area | None
    """By how much the score is better than recency alone."""
    segments: Mapping[str, tuple[int, int]]
    """By segment: customers, and those of them who fell silent."""
    fitted: bool
    """The models were estimated from what was known; else their defaults were used."""


@dataclass(slots=True)
class _Open:
    begin: datetime
    end: datetime
    scored: Mapping[str, Scored]
    fitted: bool
    bought: set[str] = field(default_factory=set)

    def ended(self) -> Quarter:
        silent = [one for name, one in self.scored.items() if name not in self.bought]
        others = [one for name, one in self.scored.items() if name in self.bought]
        everyone, gone = (Counter(one.segment for one in some) for some in (self.scored.values(), silent))
        return Quarter(
            begin=self.begin,
            customers=len(self.scored),
            silent=len(silent),
            score=area([one.score for one in silent], [one.score for one in others]),
            recency=area([-one.silence for one in silent], [-one.silence for one in others]),
            gain=gain(_both(silent), _both(others)),
            segments={name: (n, gone[name]) for name, n in everyone.items()},
            fitted=self.fitted,
        )


def _both(some: Iterable[Scored]) -> list[tuple[float, float]]:
    return [(one.score, -one.silence) for one in some]


def calibrate(arrivals: Iterable[Arrival], policy: HealthPolicy) -> list[Quarter]:
    """Each whole calendar quarter of the recording, but for its first ones, of which too little is known
    before. ``arrivals`` go by time."""
    known: dict[str, Tracked] = {}
    quarters: list[Quarter] = []
    current: _Open | None = None
    begin: datetime | None = None
    at = None
    for at, event in arrivals:
        begin = begin or next_quarter(at + HISTORY)
        while at >= begin:
            quarters += [] if current is None else [current.ended()]
            end = next_quarter(begin)
            records = {name: tracked.data for name, tracked in known.items()}
            current = _Open(begin, end, *_scored(records, policy, begin))
            begin = end
        if event is None:
            continue
        apply(known.setdefault(event.subject, Tracked(Customer())), event, micros(at), Delta())
        if current is not None and isinstance(event.data, PurchaseMade) and event.time >= current.begin:
            current.bought.add(event.subject)
    if current is not None and at is not None and at >= current.end - SLACK:
        quarters.append(current.ended())
    return quarters


def calibrate_records(records: Mapping[str, Customer], policy: HealthPolicy) -> list[Quarter]:
    """The same of records that hold everything at once: what happened later is left out of each score."""
    made = {
        name: [o.made for o in one.orders.values() if o.made is not None] for name, one in records.items()
    }
    times = [moment(at) for some in made.values() for at in some]
    quarters: list[Quarter] = []
    if not times:
        return quarters
    begin, last = next_quarter(min(times) + HISTORY), max(times)
    while (end := next_quarter(begin)) <= last + SLACK:
        within = range(micros(begin), micros(end))
        bought = {name for name, some in made.items() if any(at in within for at in some)}
        quarters.append(_Open(begin, end, *_scored(records, policy, begin), bought).ended())
        begin = end
    return quarters


def next_quarter(after: datetime) -> datetime:
    """The first instant of the next calendar quarter (UTC)."""
    month = (after.month - 1) // 3 * 3 + 4
    return datetime(after.year + month // 13, (month - 1) % 12 + 1, 1, tzinfo=UTC)


def _scored(
    records: Mapping[str, Customer], policy: HealthPolicy, begin: datetime
) -> tuple[dict[str, Scored], bool]:
    now = micros(begin)
    models, fitted = _models(records.values(), now)
    found = {}
    for name, record in records.items():
        days = buying(record, now).days
        if days:
            told = health(record, models, policy, now)
            found[name] = Scored(told.score, day_of(now) - days[-1], told.segment)
    return found, fitted


def _models(records: Iterable[Customer], now: Micros) -> tuple[Models, bool]:
    """Estimated from what is known; the defaults without SciPy, or where it is too little."""
    sample = Sample(now)
    for customer in records:
        sample.add(customer)
    try:
        told = {one.model: one.parameters for one in sample.estimates() if one.parameters is not None}
    except ModuleNotFoundError:
        told = {}
    return Models.of(told), bool(told)
