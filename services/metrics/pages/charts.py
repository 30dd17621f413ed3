"""Lines as their drawings need them: numbers to places on a plane of 600 by 180. It is stretched to the room
that there is, so only shapes stand in it, and every word is HTML. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.metrics.pages.periods import Period, Span, short_day
from services.metrics.pages.units import Unit, minus, nice_step
from shared.schemas.times import date_of

WIDTH, HEIGHT = 600.0, 180.0
STEPS = 4
"""About so many lines across."""
MANY = 40
"""Points beyond which no dot is drawn for each."""


@dataclass(frozen=True, slots=True)
class Point:
    """A number of some days, with its 95 % interval where it has one."""

    span: Span
    value: float | None
    low: float | None = None
    high: float | None = None
    ripe: bool = True
    """Whether all is in that belongs to it."""


@dataclass(frozen=True, slots=True)
class Track:
    """Points in order of time that are one line."""

    label: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A track: paths."""

    label: str
    line: str
    dots: str
    band: str
    """Its intervals; empty without."""
    last: str
    """The newest point."""
    unripe: str = ""
    """Those that are not ripe."""


@dataclass(frozen=True, slots=True)
class Chart:
    """All that its template needs."""

    tracks: Sequence[Drawn]
    ticks: Sequence[str]
    """From the top."""
    lines: Sequence[float]
    """Where they lie."""
    dates: Sequence[str]
    """At the left, in the middle and at the right end."""
    window: tuple[float, float]
    """Where the page's own days begin, and how wide they are."""
    marks: Sequence[tuple[float, str]] = ()
    """What stands out: where, and why."""


def chart(
    tracks: Sequence[Track], period: Period, unit: Unit, marks: Iterable[tuple[int, str]] = ()
) -> Chart | None:
    """None where no point has a value. ``marks``: days, and what is said of each."""
    values = [v for track in tracks for p in track.points for v in (p.value, p.low, p.high) if v is not None]
    if not values:
        return None
    low, high, step = axis(min(values), max(values), unit)
    plane = Plane(period.drawn, low, high)
    places, labels = ticks(low, high, step, unit)
    return Chart(
        tracks=[_drawn(track, plane) for track in tracks],
        ticks=labels,
        lines=[plane.y(place) for place in places],
        dates=_dates(period.drawn),
        window=(plane.left(period.current.first), plane.width(period.current)),
        marks=[(plane.left(day) + plane.width(Span(day, day)) / 2, why) for day, why in marks],
    )


def axis(low: float, high: float, unit: Unit) -> tuple[float, float, float]:
    """Its ends and its step: round numbers that hold all there is to draw."""
    if unit.from_zero:
        low = min(low, 0.0)
    if high - low < 1e-9:
        room = abs(high) / 2 or 1.0
        low, high = (0.0 if unit.from_zero else low - room), high + room
        if unit.within:
            low, high = max(low, unit.within[0]), min(high, unit.within[1])
    factor, _ = unit.scale(max(abs(low), abs(high)))
    step = nice_step((high - low) / factor, STEPS, _bases(factor)) * factor
    if unit.whole:
        step = max(step, 1.0)
    first, last = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if unit.within:
        first, last = max(first, unit.within[0]), min(last, unit.within[1])
        last = first + math.ceil((last - first) / step - 1e-9) * step
    return first, last, step


def ticks(low: float, high: float, step: float, unit: Unit) -> tuple[list[float], list[str]]:
    """The places of an axis from the top, and what stands at each."""
    places = [low + step * n for n in range(round((high - low) / step) + 1)][::-1]
    factor, suffix = unit.scale(max(abs(low), abs(high)))
    return places, [_tick(place, factor, step) + suffix for place in places]


def _bases(factor: float) -> tuple[float, ...]:
    return (1, 2, 3, 6, 10) if factor in (60.0, 3_600.0) else (1, 2, 2.5, 5, 10)


def _tick(place: float, factor: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step / factor) + 1e-9))
    if digits == 0 and not math.isclose(step / factor, round(step / factor)):
        digits = 1
    shown = place / factor
    return minus(f"{0.0 if abs(shown) < 1e-9 else shown:,.{digits}f}")


@dataclass(frozen=True, slots=True)
class Plane:
    """Days and values to places."""

    reach: Span
    low: float
    high: float

    def left(self, day: int) -> float:
        return round(WIDTH * (day - self.reach.first) / self.reach.days, 1)

    def width(self, span: Span) -> float:
        return round(WIDTH * span.days / self.reach.days, 1)

    def x(self, span: Span) -> float:
        return round(self.left(span.first) + self.width(span) / 2, 1)

    def y(self, value: float) -> float:
        held = min(max(value, self.low), self.high)
        return round(HEIGHT * (self.high - held) / (self.high - self.low), 1)


def _drawn(track: Track, plane: Plane) -> Drawn:
    runs = list(_runs(track.points))
    line, band, dots = [], [], []
    few = sum(len(run) for run in runs) <= MANY
    for run in runs:
        places = [f"{plane.x(p.span)} {plane.y(p.value or 0.0)}" for p in run]
        line.append("M" + "L".join(places))
        if few or len(run) == 1:
            dots += [f"M{place}h0" for place in places]
        band += [_band(part, plane) for part in _sure(run)]
    known = [p for p in track.points if p.value is not None]
    last = f"M{plane.x(known[-1].span)} {plane.y(known[-1].value or 0.0)}h0" if known else ""
    open_ends = "".join(f"M{plane.x(p.span)} {plane.y(p.value or 0.0)}h0" for p in known if not p.ripe)
    return Drawn(track.label, "".join(line), "".join(dots), "".join(band), last, open_ends)


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points that stand side by side: where nothing is known, a line ends."""
    run: list[Point] = []
    for point in points:
        if point.value is None:
            if run:
                yield run
            run = []
        else:
            run.append(point)
    if run:
        yield run


def _sure(run: Sequence[Point]) -> Iterator[list[Point]]:
    """Those side by side that have an interval."""
    part: list[Point] = []
    for point in run:
        if point.low is None or point.high is None:
            if part:
                yield part
            part = []
        else:
            part.append(point)
    if part:
        yield part


def _band(run: Sequence[Point], plane: Plane) -> str:
    upper = [(plane.x(p.span), plane.y(p.high or 0.0)) for p in run]
    lower = [(plane.x(p.span), plane.y(p.low or 0.0)) for p in reversed(run)]
    if len(run) == 1:
        (x, top), (_, bottom) = upper[0], lower[0]
        upper, lower = [(x - 2, top), (x + 2, top)], [(x + 2, bottom), (x - 2, bottom)]
    return "M" + "L".join(f"{x} {y}" for x, y in (*upper, *lower)) + "Z"


def _dates(reach: Span) -> list[str]:
    ends = [date_of(day) for day in (reach.first, (reach.first + reach.last) // 2, reach.last)]
    year = ends[0].year != ends[-1].year
    return [short_day(end, year=year) for end in ends]
