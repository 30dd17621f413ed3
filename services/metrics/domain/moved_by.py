"""Which segment, channel, tier, store, rule or team moved a figure most."""

from collections.abc import Iterable, Mapping, Sequence

from services.metrics.domain.cells import LEVELS
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.window import window
from services.metrics.domain.places import values_of

Fields = Mapping[str, int]
ByValue = dict[str, dict[str, dict[str, int]]]
"""Dimension -> value -> field -> count."""


def by_value(places: Mapping[str, Fields]) -> ByValue:
    """What counts in each value of each dimension."""
    found: ByValue = {}
    for place, counts in places.items():
        for dimension, value in values_of(place):
            fields = found.setdefault(dimension, {}).setdefault(value, {})
            for name, n in counts.items():
                fields[name] = fields.get(name, 0) + n
    return found


def moved_by(
    kpi: Kpi,
    figure: str,
    usual: float,
    day: int,
    places: Mapping[str, Fields],
    before: Sequence[Mapping[str, Fields]],
    levels: Mapping[str, int],
    policy: ChurnPolicy,
) -> dict[str, str]:
    """Of each dimension the value that takes a figure of a day farthest back to what is usual, if it counts
    there what it counted on the same weekdays before (``before``, by place), in the mean; none that takes it
    no nearer. ``levels``: as they stood at the day's end. A KPI's errors pass through."""
    total = _sum(counts for place, counts in places.items() if "|" in place)
    parts, pasts = by_value(places), [by_value(one) for one in before]
    signed = {name for counts in kpi.counts for name in counts.signed}
    found: dict[str, str] = {}
    for dimension in sorted({*parts, *(name for past in pasts for name in past)}):
        values = {*parts.get(dimension, {}), *(v for past in pasts for v in past.get(dimension, {}))}
        best = _distance(kpi, figure, usual, day, total, levels, policy)
        if best is None:
            return {}
        for value in sorted(values):
            own = parts.get(dimension, {}).get(value, {})
            mean = _mean([past.get(dimension, {}).get(value, {}) for past in pasts])
            other = {n: mean.get(n, 0) - own.get(n, 0) for n in {*own, *mean}}
            sums = {n: total.get(n, 0) + other.get(n, 0) for n in {*total, *other}}
            fields = {n: of_it if n in signed else max(0, of_it) for n, of_it in sums.items()}
            then = {level: levels.get(level, 0) + other.get(level, 0) for level in LEVELS}
            off = _distance(kpi, figure, usual, day, fields, then, policy)
            if off is not None and off < best:
                best, found[dimension] = off, value
    return found


def _distance(
    kpi: Kpi,
    figure: str,
    usual: float,
    day: int,
    fields: Fields,
    levels: Mapping[str, int],
    policy: ChurnPolicy,
) -> float | None:
    then = window({day: fields}, levels, first=day, last=day, one_channel=False, policy=policy)
    value = kpi.figures(kpi.of(then)).get(figure)
    return None if value is None else abs(value - usual)


def _sum(parts: Iterable[Fields]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in parts:
        for name, n in counts.items():
            total[name] = total.get(name, 0) + n
    return total


def _mean(pasts: Sequence[Fields]) -> dict[str, int]:
    return {name: round(n / len(pasts)) for name, n in _sum(pasts).items()} if pasts else {}
