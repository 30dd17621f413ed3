"""A KPI as a card: its number in words, how sure it is, what changed, its line, its definition. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.metrics.domain.kpis.kpi import FIGURES, Kind, Kpi, Result
from services.metrics.pages import wording
from services.metrics.pages.changes import Change, Told, change
from services.metrics.pages.charts import Chart, Point, Track, chart
from services.metrics.pages.outliers import Mark
from services.metrics.pages.periods import Period, Span, Steps, long_day
from services.metrics.pages.units import DURATION, NONE, Unit, number, unit_in
from shared.pages.drawing import Pair, pairs
from shared.schemas.times import date_of

Results = Mapping[Span, Result]
Marks = Sequence[Mark]
SAID = 3
"""So many days that stand out are told in words."""

NAMES = 8
"""Of counts by name, so many are shown."""
FOR_EVER = 2**31
FEW = 10
"""What rests on less than so many is marked."""


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a figure."""

    label: str
    """Empty for the only one."""
    text: str
    """``NONE`` without a value."""
    between: str
    """Its 95 % interval; empty without."""
    change: Change | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table under a chart."""

    days: str
    cells: tuple[str, ...]
    n: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI of a period, as its template shows it."""

    name: str
    title: str
    about: str
    parts: Sequence[Part]
    n: int
    chart: Chart | None
    step: str
    """What a point of the chart is: ``a week``."""
    unit: str
    """Of its axis, where the numbers there do not say it."""
    counts: Sequence[tuple[str, int, int]]
    """By name: before, and now."""
    left: int
    """How many names are not among them."""
    columns: Sequence[str]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    """What stands out, in words."""
    ripe_on: int | None = None
    """The day until which what belongs to it comes in; None where all is in."""
    sampled: bool = False
    """Whether its numbers have intervals wherever enough is known."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell of the period."""
        return not self.counts and all(part.text == NONE for part in self.parts)

    @property
    def bars(self) -> list[Pair]:
        """Of the counts by name."""
        return pairs(self.counts)

    @property
    def few(self) -> bool:
        return 0 < self.n < FEW and (self.sampled or any(part.between for part in self.parts))

    @property
    def unripe(self) -> str:
        """That it is not ripe, in words; empty where it is."""
        if self.ripe_on is None:
            return ""
        day = long_day(date_of(self.ripe_on))
        return f"Not ripe yet: what belongs to these days comes in until {day}. It may read too low or high."

    @property
    def basis(self) -> str:
        return number(self.n)


def figure(
    kpi: Kpi,
    results: Results,
    period: Period,
    marks: Marks = (),
    told_before: Result | None = None,
    *,
    closed: int = FOR_EVER,
    ripe_days: int = 0,
) -> Figure:
    """``results``: of each span of the period; ``told_before``: what was told of it when it was over;
    ``closed``: the last day that is over and told; ``ripe_days``: so many later all is in that belongs to a
    day."""
    if not any(result.n for result in results.values()):  # of nothing at all, 0 would say too much
        results = dict.fromkeys(results, _without_value(kpi))
    now, before = results[period.current], results[period.before]
    counts = counts_of(kpi, now)
    told = {} if counts is not None else numbers(kpi, now)
    units = {name: unit_in(kpi, name, currency_of(results)) for name in told}
    shown = [name for name in told if name not in wording.SELDOM]
    steps = period.fine if wording.level(kpi) else period.coarse
    ripe = [span for span in results if is_ripe(span, closed, ripe_days)]
    return Figure(
        name=kpi.name,
        title=kpi.title,
        about=kpi.description,
        parts=[
            _part(kpi, name, units[name], now, before, ripe={period.current, period.before} <= {*ripe})
            for name in shown
        ],
        n=now.n,
        chart=_chart(kpi, {name: units[name] for name in shown}, results, steps, period, marks, ripe),
        step=steps.noun,
        unit=next((unit.name for unit in units.values()), ""),
        counts=_counts(counts or {}, counts_of(kpi, before) or {}),
        left=max(0, len(counts or {}) - NAMES),
        columns=[wording.part(name, times=unit is DURATION) or "value" for name, unit in units.items()],
        rows=[
            _row(kpi, units, span, results[span], ripe=span in ripe) for span in reversed(period.coarse.spans)
        ]
        if told
        else [],
        notes=[
            *[mark.why for mark in marks if mark.now][:SAID],
            *(() if told_before is None else _restated(kpi, units, period, now, told_before)),
        ],
        ripe_on=None if period.current in ripe else period.current.last + ripe_days,
        sampled=kpi.kind in FIGURES,
    )


def is_ripe(span: Span, closed: int, ripe_days: int) -> bool:
    """Whether all is in that belongs to it, where that takes days; of what happens at once it always is."""
    return not ripe_days or span.last + ripe_days <= closed


def _without_value(kpi: Kpi) -> Result:
    return Result(None, 0) if kpi.kind is Kind.COUNT else kpi.nothing


def numbers(kpi: Kpi, result: Result) -> dict[str, Told]:
    """The numbers of a result by their names, the only one's being empty."""
    value: Any = result.value
    if not isinstance(value, Mapping):
        return {"": Told(value, result.interval)}
    return {name: Told(one, result.intervals.get(name)) for name, one in value.items()}


def counts_of(kpi: Kpi, result: Result) -> dict[str, int] | None:
    """Counts by name, the most frequent first; None of what is no such thing."""
    value: Any = result.value
    if kpi.kind is Kind.RANKED:
        return {one["name"]: one["n"] for one in value}
    return dict(sorted(value.items(), key=lambda one: -one[1])) if kpi.kind is Kind.TALLY else None


def currency_of(results: Results) -> str:
    """Which the amounts of a KPI are of, in the newest span that says it."""
    told = ((span.last, one.currency) for span, one in results.items() if one.currency)
    return max(told, default=(0, ""))[1]


def _part(kpi: Kpi, name: str, unit: Unit, now: Result, before: Result, *, ripe: bool) -> Part:
    told, was = numbers(kpi, now)[name], numbers(kpi, before).get(name, Told(None))
    return Part(
        label=wording.beside(kpi, name, times=unit is DURATION),
        text=_text(told, unit),
        between=_between(told, unit),
        change=change(told, was, unit, wording.better(kpi.name), ripe=ripe),
    )


def _restated(
    kpi: Kpi, units: Mapping[str, Unit], period: Period, now: Result, before: Result
) -> Iterator[str]:
    """Each number that reads otherwise than it did when the period was over."""
    then = numbers(kpi, before) if units else {}
    for name, unit in units.items():
        told = then.get(name, Told(None))
        was = _text(told, unit)
        if told.value is None or name in wording.SELDOM or was == _text(numbers(kpi, now)[name], unit):
            continue
        beside = wording.beside(kpi, name, times=unit is DURATION)
        part = f" ({beside})" if beside else ""
        yield f"When the {period.noun} was over it was told as {was}{part}; late facts have moved it since."


def _text(told: Told, unit: Unit) -> str:
    return NONE if told.value is None else unit.show(told.value)


def _between(told: Told, unit: Unit) -> str:
    if told.value is None or told.interval is None:
        return ""
    low, high = map(unit.show, told.interval)
    return f"{low} to {high}"


def _chart(
    kpi: Kpi,
    units: Mapping[str, Unit],
    results: Results,
    steps: Steps,
    period: Period,
    marks: Marks,
    ripe: Collection[Span],
) -> Chart | None:
    if not units:
        return None
    tracks = []
    for name, unit in units.items():
        label = wording.part(name, times=unit is DURATION) if name else ""
        points = [
            _point(span, numbers(kpi, results[span]).get(name, Told(None)), ripe=span in ripe)
            for span in steps.spans
        ]
        tracks.append(Track(label, points))
    return chart(tracks, period, next(iter(units.values())), [(mark.day, mark.why) for mark in marks])


def _point(span: Span, told: Told, *, ripe: bool) -> Point:
    low, high = told.interval or (None, None)
    return Point(span, told.value, low, high, ripe)


def _row(kpi: Kpi, units: Mapping[str, Unit], span: Span, result: Result, *, ripe: bool) -> Row:
    told = numbers(kpi, result)
    cells = []
    for name, unit in units.items():
        one = told.get(name, Told(None))
        between = _between(one, unit)
        shown = _text(one, unit)
        cells.append(f"{shown} ({between})" if between else shown)
    return Row(f"{span}{'' if ripe else ' (not ripe)'}", tuple(cells), number(result.n))


def _counts(now: Mapping[str, int], before: Mapping[str, int]) -> list[tuple[str, int, int]]:
    return [(name, before.get(name, 0), n) for name, n in list(now.items())[:NAMES]]
