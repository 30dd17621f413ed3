"""What becomes of customers from one window to the next: stacked columns, the lost below the line. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.metrics.pages.charts import WIDTH, Plane, axis, ticks
from services.metrics.pages.periods import Span, short_day
from services.metrics.pages.units import COUNT, number
from shared.schemas.times import date_of

ABOVE, BELOW = ("returning", "resurrected", "new"), ("dormant",)
"""From the line on."""
GAP = 0.24
"""Of a column's room, so much is empty."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a column."""

    phase: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A window."""

    days: str
    blocks: Sequence[Block]
    said: str
    counts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stacks:
    """All that the template needs."""

    columns: Sequence[Column]
    ticks: Sequence[str]
    lines: Sequence[float]
    zero: float
    dates: Sequence[str]
    phases: Sequence[str]


def stacks(steps: Sequence[tuple[Span, Mapping[str, int]]]) -> Stacks | None:
    """``steps``: of each window, the oldest first, the customers in each phase. None where there are none."""
    tops = [sum(counts.get(phase, 0) for phase in ABOVE) for _, counts in steps]
    bottoms = [sum(counts.get(phase, 0) for phase in BELOW) for _, counts in steps]
    if not any(tops) and not any(bottoms):
        return None
    low, high, step = axis(-float(max(bottoms)), float(max(tops)), COUNT)
    plane = Plane(Span(steps[0][0].first, steps[-1][0].last), low, high)
    places, labels = ticks(low, high, step, COUNT)
    year = date_of(plane.reach.first).year != date_of(plane.reach.last).year
    ends = (plane.reach.first, (plane.reach.first + plane.reach.last) // 2, plane.reach.last)
    return Stacks(
        columns=[_column(span, counts, at, len(steps), plane) for at, (span, counts) in enumerate(steps)],
        ticks=[label.lstrip("−") for label in labels],
        lines=[plane.y(place) for place in places],
        zero=plane.y(0.0),
        dates=[short_day(date_of(day), year=year) for day in ends],
        phases=(*reversed(ABOVE), *BELOW),
    )


def _column(span: Span, counts: Mapping[str, int], at: int, of: int, plane: Plane) -> Column:
    room = WIDTH / of
    x, width = round(room * (at + GAP / 2), 1), round(room * (1 - GAP), 1)
    blocks = []
    for phases, sign in ((ABOVE, 1), (BELOW, -1)):
        reached = 0
        for phase in phases:
            n = max(0, counts.get(phase, 0))
            ends = plane.y(float(sign * reached)), plane.y(float(sign * (reached + n)))
            reached += n
            if n:
                blocks.append(Block(phase, x, min(ends), width, round(abs(ends[0] - ends[1]), 1)))
    told = {phase: number(counts.get(phase, 0)) for phase in (*ABOVE, *BELOW)}
    said = f"{span}: " + ", ".join(f"{n} {phase}" for phase, n in told.items())
    return Column(str(span), blocks, said, told)
