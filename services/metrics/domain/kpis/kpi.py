"""What a KPI is: one object that says all that the API, the gauges, panels and documents tell of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from math import isfinite
from typing import Generic, TypeAlias, TypedDict, TypeVar

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.intervals import Interval
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Agent, Complaint, Order, Talk, Turn
from shared.schemas.base import CUSTOMER, Data

D = TypeVar("D", bound=Data)

Figures: TypeAlias = Mapping[str, float | None]
"""Numbers by name: quantiles, or amounts by currency."""
Tally: TypeAlias = Mapping[str, int]
"""Counts by name: a bounded number of names."""


class Ranked(TypedDict):
    """A name and how often it counted."""

    name: str
    n: int


Value: TypeAlias = float | Figures | Tally | Sequence[Ranked] | None


class Kind(Enum):
    """What shape a KPI's value has."""

    NUMBER = "number"
    COUNT = "whole number"
    QUANTILES = "quantiles"
    SPREAD = "mean and quantiles"
    TALLY = "counts by name"
    RANKED = "names and counts, the most frequent first"
    MONEY = "amounts by currency"


FIGURES: Mapping[Kind, tuple[str, ...]] = {
    Kind.QUANTILES: ("p50", "p90", "p99"),
    Kind.SPREAD: ("mean", "p50", "p90"),
}
"""The names of figures that a kind always has, null each where there is nothing to tell."""

_SHAPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.NUMBER: (int, float, type(None)),
    Kind.COUNT: (int, type(None)),
    Kind.QUANTILES: (dict,),
    Kind.SPREAD: (dict,),
    Kind.TALLY: (dict,),
    Kind.RANKED: (list,),
    Kind.MONEY: (dict,),
}


@dataclass(frozen=True, slots=True)
class Result:
    """A KPI of a window: its value, what that rests on, and how sure it is."""

    value: Value
    """None where there is nothing to tell."""
    n: int
    """Answers, complaints, customers or points behind it."""
    interval: Interval | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """Of the figures that have one, by their names."""
    currency: str = ""
    """Which its amounts are of, where their names do not say it."""


@dataclass(frozen=True)
class Counts:
    """Fields of cells, and what adds to them. KPIs that count the same share one object, which then is asked
    once per event. By itself it names fields that the record keeps whole (``gaps``).

    A field is named in letters, digits and ``_``; one that ends with a colon stands for all that begin so.
    Whatever comes in, the sum of a cell must stay within 64 bits."""

    fields: tuple[str, ...]
    events: tuple[type[Data], ...]
    """The facts that it is counted from."""
    signed: tuple[str, ...] = field(default=(), kw_only=True)
    """Those of the fields whose sum over a day may be below 0: it tells more than how often something was."""
    looks_back: bool = field(default=False, kw_only=True)
    """What a window comes to follows from days before it too (``window.life``)."""


@dataclass(frozen=True)
class EventCounts(Counts, Generic[D]):
    """What an event adds on its own day, by field; for facts that nothing corrects later."""

    events: tuple[type[D], ...]
    count: Callable[[D], Mapping[str, int]]


@dataclass(frozen=True)
class ComplaintCounts(Counts):
    """What a complaint counts as, by all that is known of it; what it counted as before is taken back."""

    count: Callable[[Complaint, Sequence[Turn]], Iterable[Change]]
    """Given what was said in its conversation, by time."""


@dataclass(frozen=True)
class OrderCounts(Counts):
    """What an order counts as, by all that is known of it and of its returns."""

    count: Callable[[Order], Iterable[Change]]


@dataclass(frozen=True)
class TalkCounts(Counts):
    """What a conversation counts as, by all that is known of it."""

    count: Callable[[Talk], Iterable[Change]]


@dataclass(frozen=True)
class AgentCounts(Counts):
    """What an agent counts as, by all that is known of when they are at work."""

    count: Callable[[Agent], Iterable[Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One number, or a few figures, of any window."""

    name: str
    """By which the API and the dashboards know it; durations in seconds end with ``_s``."""
    title: str
    """What people call it."""
    description: str
    """One line: what it tells, for who reads it on a dashboard; without a stop."""
    formula: str
    """In words, without a stop."""
    unit: str
    source: str = ""
    """Who says that it is to be computed so: a citation."""
    kind: Kind = Kind.NUMBER
    version: int = 1
    """Of its definition: another one has other numbers."""
    effective: date
    """The day from which the definition counts."""
    before: str = ""
    """Of a later version than the first: what the one before it said, and what becomes of older figures."""
    ripe_days: int = 0
    """So many days later what is heard of a day is in: until then its figure is not compared with others'."""
    counts: tuple[Counts, ...]
    """The fields that it needs, and how events count into them."""
    compute: Callable[[Window], Result]
    """Pure. It may raise: then the KPI is null, and the others stand."""

    def of(self, window: Window) -> Result:
        """The KPI of a window. Raises what ``compute`` raises, TypeError where its value is not of the kind,
        ValueError where a number is not finite."""
        result = self.compute(window)
        if not isinstance(result.value, _SHAPES[self.kind]) or not self._named(result.value):
            raise TypeError(f"{self.name} is {result.value!r}, which is no {self.kind.value}")
        values = result.value.values() if isinstance(result.value, dict) else (result.value,)
        ends = [end for interval in (result.interval, *result.intervals.values()) for end in interval or ()]
        for number in (*values, *ends):
            if isinstance(number, float) and not isfinite(number):
                raise ValueError(f"{self.name} is {result!r}")
        return result

    def _named(self, value: Value) -> bool:
        return self.kind not in FIGURES or (isinstance(value, dict) and (*value,) == FIGURES[self.kind])

    def figures(self, result: Result) -> Figures:
        """The numbers of a result by the names under which they are told one by one: that of the KPI, or
        with that of the figure, ``first_response_s.p50``."""
        value = result.value
        if isinstance(value, Mapping):
            return {f"{self.name}.{name}": number for name, number in value.items()}
        if isinstance(value, Sequence):
            return {f"{self.name}.{one['name']}": one["n"] for one in value}
        return {self.name: value}

    @property
    def by_minutes(self) -> bool:
        """Whether it can be told of minutes; fields that the record keeps whole count by days alone."""
        return not any(type(counts) is Counts for counts in self.counts)

    @property
    def looks_back(self) -> bool:
        """Whether it follows from days before the window too: then it cannot be told of one day's fields."""
        return any(counts.looks_back for counts in self.counts)

    @property
    def is_share(self) -> bool:
        """Whether it is so many of ``n``."""
        return self.kind is Kind.NUMBER and self.unit == "0 to 1"

    @property
    def text(self) -> str:
        """Its meaning and formula in one text, as the API, the gauges and the panels show it."""
        ripe = f" A day's figure is ripe {self.ripe_days} days later." if self.ripe_days else ""
        return f"{self.description}. {self.formula}. Unit: {self.unit}.{ripe}"

    @property
    def events(self) -> tuple[type[Data], ...]:
        """The facts that it is counted from."""
        return tuple(dict.fromkeys(event for counts in self.counts for event in counts.events))

    @property
    def told_of_customers(self) -> tuple[type[Data], ...]:
        """Those of them that are about a customer, whose timeline has them."""
        return tuple(event for event in self.events if event.entity == CUSTOMER)

    @property
    def gauge(self) -> str:
        """The name of its Prometheus gauge."""
        return f"rapport_{self.name.removesuffix('_s')}{'_seconds' if self.name.endswith('_s') else ''}"

    @property
    def nothing(self) -> Result:
        """The result without a value and a basis."""
        if self.kind in FIGURES:
            return Result(dict.fromkeys(FIGURES[self.kind]), 0)
        empty: Mapping[Kind, Value] = {Kind.TALLY: {}, Kind.MONEY: {}, Kind.RANKED: []}
        return Result(empty.get(self.kind), 0)
