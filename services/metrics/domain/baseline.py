"""What is usual for a figure, by weekday, and when it leaves that.

Usual is the median of the same weekday in the weeks before, and the spread their median absolute deviation:
a promotion or an outage among them moves neither. A figure left it where its modified z-score is above 3.5
(Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, which takes 0.6745 of the distance in
spreads, the constant that makes the MAD a standard deviation of normal figures).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Annotated, Literal

from pydantic import Field

from services.metrics.domain.kpis.intervals import Interval
from services.metrics.domain.kpis.kpi import Kind, Kpi, Result
from shared.schemas.base import Strict

WEEK = 7
AGAIN_DAYS = 7
"""Of so many days it is judged anew what late facts make of them, and so many are judged at once."""
BY_NAME = frozenset({Kind.TALLY, Kind.RANKED})
"""Kinds whose names come and go."""
_FOLLOWS = (
    "it follows from purchases and terms of half a year and more before its day, which the watching does not "
    "read, and a late one moves it on days on which nothing was counted"
)
_NAMES = "its names come and go, and one that is not among the most frequent is told as `other`"
_MAD, _MEAN_AD = 1.4826, 1.2533
"""What makes either deviation a standard deviation of normal figures."""


class Anomalies(Strict):
    """When a figure has left what is usual for it: section ``anomalies`` of the policy."""

    weeks: Annotated[int, Field(ge=2, le=52)] = 8
    """So many of the same weekday before are looked at."""
    least_weeks: Annotated[int, Field(ge=2, le=52)] = 4
    """With fewer that have a figure nothing is usual."""
    bound: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.5
    """The modified z-score above which a figure has left it."""
    least_change: Annotated[float, Field(ge=0, le=1)] = 0.05
    """A smaller part of what is usual is no change, however steady the weeks were."""
    least_basis: Annotated[int, Field(ge=1)] = 5
    """A figure that rests on less is not judged, if it is no count."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual."""

    usual: float
    """The median."""
    spread: float
    """The median absolute deviation, not scaled."""
    deviation: float
    """A standard deviation, by that; by the mean absolute deviation where more than half are equal."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure that left what is usual."""

    figure: str
    value: float
    usual: float
    spread: float
    direction: Literal["up", "down"]
    score: float | None
    """The modified z-score; None where the weeks before did not differ at all."""


def weekdays_before(day: int, weeks: int) -> list[int]:
    """The same weekday in the weeks before, the latest first."""
    return [day - WEEK * back for back in range(1, weeks + 1)]


def turns(
    kpis: Iterable[Kpi], judged_to: int | None, last: int | None, moved: Iterable[int]
) -> dict[int, list[Kpi]]:
    """Day -> the KPIs whose figure of it is to be judged, in the days' order: new ones, not too many, and of
    those just before what has moved. Of a KPI that ripens later, so many days before.

    ``judged_to``: the last day that was judged; ``last``: the last that is closed (None: none is).
    """
    found: dict[int, list[Kpi]] = {}
    if last is None:
        return found
    first, end = _begin(judged_to, last), judged_up_to(judged_to, last)
    for kpi in kpis:
        ripe = last - kpi.ripe_days
        new = range(first - kpi.ripe_days, end - kpi.ripe_days + 1)
        again = (day for day in moved if ripe - AGAIN_DAYS < day <= ripe)
        for day in {*new, *again}:
            found.setdefault(day, []).append(kpi)
    return dict(sorted(found.items()))


def judged_up_to(judged_to: int | None, last: int) -> int:
    """The last day that is judged then. Time that goes back takes nothing back."""
    end = min(last, _begin(judged_to, last) + AGAIN_DAYS - 1)
    return end if judged_to is None else max(end, judged_to)


def _begin(judged_to: int | None, last: int) -> int:
    return last - AGAIN_DAYS + 1 if judged_to is None else judged_to + 1


def baseline(values: Iterable[float | None], policy: Anomalies) -> Baseline | None:
    """What is usual by these; None where too few are known."""
    known = [value for value in values if value is not None]
    if len(known) < policy.least_weeks:
        return None
    usual = float(median(known))
    off = [abs(value - usual) for value in known]
    spread = float(median(off))
    return Baseline(usual, spread, _MAD * spread if spread else _MEAN_AD * fmean(off))


def left_out(kpi: Kpi) -> str:
    """Why none of its figures is judged; empty where they are."""
    return _FOLLOWS if kpi.looks_back else _NAMES if kpi.kind in BY_NAME else ""


def judged(kpi: Kpi, day: Result, before: Sequence[Result], policy: Anomalies) -> list[Judged]:
    """Those figures of a day that left what is usual by the same weekday of the weeks before.

    Not a figure that rests on too little, nor one whose 95 % interval reaches as far as what is usual: that
    is chance. Counts vary at least as those of independent events do (Poisson). None of a KPI that is left
    out (``left_out``).
    """
    counted = kpi.kind is Kind.COUNT
    if left_out(kpi) or (day.n < policy.least_basis and not counted):
        return []
    pasts = [kpi.figures(result) for result in before if counted or result.n >= policy.least_basis]
    found = []
    for name, value in kpi.figures(day).items():
        usual = baseline((past.get(name) for past in pasts), policy)
        interval = day.intervals.get(name.removeprefix(f"{kpi.name}."), day.interval)
        if value is None or usual is None or _is_chance(usual.usual, interval):
            continue
        one = _left(name, value, usual, policy, counted=counted)
        if one is not None:
            found.append(one)
    return found


def _is_chance(usual: float, interval: Interval | None) -> bool:
    return interval is not None and interval[0] <= usual <= interval[1]


def _left(name: str, value: float, base: Baseline, policy: Anomalies, *, counted: bool) -> Judged | None:
    least = math.sqrt(max(base.usual, 1.0)) if counted else 0.0
    deviation, off = max(base.deviation, least), abs(value - base.usual)
    if off <= policy.bound * deviation or off <= policy.least_change * abs(base.usual):
        return None
    score = off / deviation if deviation else None
    return Judged(name, value, base.usual, base.spread, "up" if value > base.usual else "down", score)
