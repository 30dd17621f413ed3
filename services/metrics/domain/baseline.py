"""What is usual for a figure, by weekday, and when it leaves that.

Usual is the median of the same weekday in the weeks before, and the spread their median absolute deviation:
a promotion or an outage among them moves neither. A figure left it where its modified z-score is above 3.5
(Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, which takes 0.6745 of the distance in
spreads, the constant that makes the MAD a standard deviation of normal figures).
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    "a purchase or a term that is heard late moves it a little on each of the days on which its customer "
    "could have left, half a year of them"
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


@dataclass(frozen=True, slots=True)
class Lives:
    """What holds of KPIs that look back alone."""

    decides: Sequence[int] = (0,)
    """What happens on a day decides figures of so many days later."""
    ripe_days: int = 0
    """They ripen so much later than others."""
    loading: bool = False
    """While history is loaded they are not judged: whose next purchase is not heard yet would have left,"""
    loaded: bool = False
    """and once it is, the last days are judged by all of it."""


def turns(
    kpis: Iterable[Kpi],
    judged_to: int | None,
    last: int | None,
    moved: Collection[int],
    lives: Lives = Lives(),
) -> dict[int, list[Kpi]]:
    """Day -> the KPIs whose figure of it is to be judged, in the days' order: new ones, not too many, and of
    those just before what has moved. Of a KPI that ripens later, so many days before.

    ``judged_to``: the last day that was judged; ``last``: the last that is closed (None: none is).
    """
    found: dict[int, list[Kpi]] = {}
    if last is None:
        return found
    first, end = _begin(judged_to, last), judged_up_to(judged_to, last)
    moved_lives = {day + later for day in moved for later in lives.decides}
    for kpi in kpis:
        if kpi.looks_back and lives.loading:
            continue
        later = ripe_days(kpi, lives)
        ripe = last - later
        new = range(first - later, end - later + 1)
        recent = range(ripe - AGAIN_DAYS + 1, ripe + 1)
        again = {*recent} & (moved_lives if kpi.looks_back else {*moved})
        for day in {*new, *(recent if kpi.looks_back and lives.loaded else again)}:
            found.setdefault(day, []).append(kpi)
    return dict(sorted(found.items()))


def ripe_days(kpi: Kpi, lives: Lives) -> int:
    """So many days later all is in that belongs to a day's figure."""
    return kpi.ripe_days + (lives.ripe_days if kpi.looks_back else 0)


def judged_up_to(judged_to: int | None, last: int) -> int:
    """The last day that is judged then. Time that goes back takes nothing back."""
    end = min(last, _begin(judged_to, last) + AGAIN_DAYS - 1)
    return end if judged_to is None else max(end, judged_to)


def known_latest(
    known: Mapping[str, int], kpis: Iterable[Kpi], judged_to: int | None, lives: Lives
) -> dict[str, int]:
    """By KPI's name the latest day that was judged: as it was kept, or as it follows from ``judged_to``, of
    what the version before has judged, or of a KPI that is new."""
    if judged_to is None:
        return dict(known)
    judged = (kpi for kpi in kpis if not (kpi.looks_back and lives.loading))
    return {kpi.name: judged_to - ripe_days(kpi, lives) for kpi in judged} | dict(known)


def latest(known: Mapping[str, int], judging: Mapping[int, Iterable[Kpi]]) -> dict[str, int]:
    """By KPI's name the latest day that was judged, once these are. ``judging``: as ``turns`` gives it."""
    found = {kpi.name: day for day, kpis in sorted(judging.items()) for kpi in kpis}
    return {**known, **{name: max(day, known.get(name, day)) for name, day in found.items()}}


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
    return _NAMES if kpi.kind in BY_NAME else ""


def not_restated(kpi: Kpi) -> str:
    """Why none of its figures is told anew; empty where they are."""
    return _FOLLOWS if kpi.looks_back else ""


def judged(kpi: Kpi, day: Result, before: Sequence[Result], policy: Anomalies) -> list[Judged]:
    """Those figures of a day that left what is usual by the same weekday of the weeks before.

    Not a figure that rests on too little, nor one whose 95 % interval reaches as far as what is usual: that
    is chance. Counts vary at least as those of independent events do (Poisson), and shares as those of
    independent members (binomial; the interval of one of ten thousand does not reach 0). None of a KPI that
    is left out (``left_out``).
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
        one = _left(name, value, usual, _least(kpi, usual.usual, day.n), policy)
        if one is not None:
            found.append(one)
    return found


def _is_chance(usual: float, interval: Interval | None) -> bool:
    return interval is not None and interval[0] <= usual <= interval[1]


def _least(kpi: Kpi, usual: float, n: int) -> float:
    """What a figure varies by at least, were the weeks before ever so steady; as if of one, where of none."""
    if kpi.kind is Kind.COUNT:
        return math.sqrt(max(usual, 1.0))
    return math.sqrt(max(usual * (1 - usual) * n, 1.0)) / n if kpi.is_share else 0.0


def _left(name: str, value: float, base: Baseline, least: float, policy: Anomalies) -> Judged | None:
    deviation, off = max(base.deviation, least), abs(value - base.usual)
    if off <= policy.bound * deviation or off <= policy.least_change * abs(base.usual):
        return None
    score = off / deviation if deviation else None
    return Judged(name, value, base.usual, base.spread, "up" if value > base.usual else "down", score)
