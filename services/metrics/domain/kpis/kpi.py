"""What a KPI is: one object that says all that the API, the gauges and the README tell of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Generic, TypeAlias, TypedDict, TypeVar

from services.metrics.domain.cells import Change
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.state import Complaint
from shared.schemas.base import Data

D = TypeVar("D", bound=Data)


class Quantiles(TypedDict):
    """In the KPI's unit; None without any."""

    p50: float | None
    p90: float | None


Tally: TypeAlias = Mapping[str, int]
"""Counts by name: a bounded number of names."""
Value: TypeAlias = float | Quantiles | Tally | None


class Kind(Enum):
    """What shape a KPI's value has."""

    NUMBER = "number"
    COUNT = "whole number"
    QUANTILES = "pair of quantiles"
    TALLY = "counts by name"


_SHAPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.NUMBER: (int, float, type(None)),
    Kind.COUNT: (int, type(None)),
    Kind.QUANTILES: (dict,),
    Kind.TALLY: (dict,),
}


@dataclass(frozen=True, slots=True)
class Result:
    """A KPI of a window: its value, what that rests on, and how sure it is."""

    value: Value
    """None where there is nothing to tell."""
    n: int
    """Answers, complaints, customers or points behind it."""
    interval: tuple[float, float] | None = None
    """95 %."""


@dataclass(frozen=True)
class Counts:
    """Fields of cells, and what adds to them. KPIs that count the same share one object, which then is asked
    once per event. By itself it names fields that the record keeps whole (``gaps``).

    A field is named in letters, digits and ``_``; one that ends with a colon stands for all that begin so.
    Whatever comes in, the sum of a cell must stay within 64 bits."""

    fields: tuple[str, ...]


@dataclass(frozen=True)
class EventCounts(Counts, Generic[D]):
    """What an event adds on its own day, by field; for facts that nothing corrects later."""

    events: tuple[type[D], ...]
    count: Callable[[D], Mapping[str, int]]


@dataclass(frozen=True)
class ComplaintCounts(Counts):
    """What a complaint counts as, by all that is known of it; what it counted as before is taken back."""

    count: Callable[[Complaint], Iterable[Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One number, or a few quantiles, of any window."""

    name: str
    """By which the API and the dashboards know it; durations in seconds end with ``_s``."""
    formula: str
    """In words, without a stop."""
    unit: str
    source: str = ""
    """Who says that it is to be computed so: a citation."""
    kind: Kind = Kind.NUMBER
    counts: tuple[Counts, ...]
    """The fields that it needs, and how events count into them."""
    compute: Callable[[Window], Result]
    """Pure. It may raise: then the KPI is null, and the others stand."""

    def of(self, window: Window) -> Result:
        """The KPI of a window. Raises what ``compute`` raises, TypeError where its value is not of the kind,
        ValueError where a number is not finite."""
        result = self.compute(window)
        if not isinstance(result.value, _SHAPES[self.kind]):
            raise TypeError(f"{self.name} is {result.value!r}, which is no {self.kind.value}")
        values = result.value.values() if isinstance(result.value, dict) else (result.value,)
        for number in (*values, *(result.interval or ())):
            if isinstance(number, float) and not isfinite(number):
                raise ValueError(f"{self.name} is {result.value!r}, {result.interval!r}")
        return result

    @property
    def gauge(self) -> str:
        """The name of its Prometheus gauge."""
        return f"rapport_{self.name.removesuffix('_s')}{'_seconds' if self.name.endswith('_s') else ''}"

    @property
    def nothing(self) -> Result:
        """The result without a value and a basis."""
        empty: Mapping[Kind, Value] = {Kind.QUANTILES: Quantiles(p50=None, p90=None), Kind.TALLY: {}}
        return Result(empty.get(self.kind), 0)
