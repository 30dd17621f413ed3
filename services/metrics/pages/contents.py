"""A whole page: what moved, the figures by section, what each of them means. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.metrics.domain.kpis.intervals import Z95
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.places import ALL, Selection
from services.metrics.pages import wording
from services.metrics.pages.figures import Figure, Marks, Results, figure
from services.metrics.pages.periods import LAST_DAYS, Period, long_day
from services.metrics.pages.units import number

MOVED = 6
"""Clear changes that are told at the top."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page it is."""

    period: Period
    now: datetime
    selected: Selection = ALL


@dataclass(frozen=True, slots=True)
class Moved:
    """A clear change, in a sentence."""

    name: str
    sentence: str
    tone: str


def contents(
    asked: Asked,
    kpis: Sequence[Kpi],
    results: Mapping[str, Results],
    marks: Mapping[str, Marks] | None = None,
) -> dict[str, Any]:
    """What the template needs. ``marks``: by KPI, what stands out."""
    found = [figure(kpi, results[kpi.name], asked.period, (marks or {}).get(kpi.name, ())) for kpi in kpis]
    told = [one for one in found if not one.empty]
    return {
        "asked": asked,
        "period": asked.period,
        "days": str(asked.period.current),
        "before": str(asked.period.before),
        "drawn": str(asked.period.drawn),
        "whom": whom(asked.selected),
        "moved": moved(told),
        "told": len(told),
        "sections": sections(told),
        "nothing": [one.title for one in found if one.empty],
        "definitions": [definition(kpi) for kpi in kpis],
    }


def whom(selected: Selection) -> str:
    """Whose figures they are; empty for everybody's."""
    given = {name: value for name, value in asdict(selected).items() if value is not None}
    return ", ".join(f"{name} {value}" for name, value in given.items())


def moved(figures: Sequence[Figure]) -> list[Moved]:
    """The clear changes, the clearest first."""
    found: list[tuple[float, Moved]] = []
    for one in figures:
        for part in one.parts:
            by = part.change
            if by is not None and by.sure:
                verb = "rose" if by.rose else "fell"
                what = f"{one.title} ({part.label})" if part.label else one.title
                sentence = f"{what} {verb} from {by.before} to {part.text}."
                found.append((by.size, Moved(one.name, sentence, by.tone)))
                break
        found += _named(one)
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])][:MOVED]


def _named(figure: Figure) -> Iterator[tuple[float, Moved]]:
    """The most frequent of counts by name, where chance would hardly do as much: the difference of two counts
    over times that are as long has the variance of their sum (Poisson)."""
    for name, was, now in figure.counts[:1]:
        size = abs(now - was) / (Z95 * math.sqrt(was + now)) if was + now else 0.0
        if size > 1:
            verb = "rose" if now > was else "fell"
            sentence = f"{figure.title}: “{name}” {verb} from {number(was)} to {number(now)}."
            yield size, Moved(figure.name, sentence, "plain")


def sections(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    names = [name for name, _ in wording.SECTIONS]
    by_name: dict[str, list[Figure]] = {name: [] for name in (*names, wording.REST)}
    for one in figures:
        by_name[wording.section(one.name)].append(one)
    return [{"name": name, "figures": found} for name, found in by_name.items() if found]


def definition(kpi: Kpi) -> dict[str, str]:
    return {
        "name": kpi.name,
        "title": kpi.title,
        "formula": kpi.formula,
        "unit": kpi.unit,
        "source": kpi.source,
        "version": f"version {kpi.version}, from {long_day(kpi.effective)}",
    }


def links(days: int) -> list[dict[str, Any]]:
    """Of the live page: to the last days."""
    return [{"days": n, "label": "1 year" if n == 365 else f"{n} days", "here": n == days} for n in LAST_DAYS]


def choices(values: Mapping[str, Sequence[str]], selected: Selection) -> list[dict[str, Any]]:
    """Of the live page: what its figures may be of, by dimension."""
    here = asdict(selected)
    return [
        {
            "dimension": dimension,
            "options": [
                {"value": f"{dimension}:{value}", "label": value, "here": value == here[dimension]}
                for value in known
            ],
        }
        for dimension, known in values.items()
        if known
    ]
