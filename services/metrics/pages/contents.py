"""A whole page: what moved, the figures by section, what each of them means. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from services.metrics.domain.baseline import Lives, ripe_days
from services.metrics.domain.kpis.intervals import Z95
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.restating import last_told
from services.metrics.pages import wording
from services.metrics.pages.figures import Figure, Marks, Results, figure
from services.metrics.pages.periods import LAST_DAYS, Period, long_day
from services.metrics.pages.stacks import Stacks
from services.metrics.pages.triangle import Triangle
from services.metrics.pages.units import number
from shared.schemas.times import micros

AT_ONCE = Lives()
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


@dataclass(frozen=True, slots=True)
class Found:
    """What a page is made of, beside the registry."""

    results: Mapping[str, Results]
    """By KPI."""
    marks: Mapping[str, Marks] = field(default_factory=dict)
    """By KPI, days that stand out."""
    before: Mapping[str, Result] = field(default_factory=dict)
    """By KPI, what was told of the period when it was over, where that is known."""
    triangle: Triangle | None = None
    stacks: Stacks | None = None


def contents(asked: Asked, kpis: Sequence[Kpi], found: Found, lives: Lives = AT_ONCE) -> dict[str, Any]:
    """What the template needs. ``lives``: when those are ripe that look back."""
    closed = last_told(micros(asked.now))
    figures = [
        figure(
            kpi,
            found.results[kpi.name],
            asked.period,
            found.marks.get(kpi.name, ()),
            found.before.get(kpi.name),
            closed=closed,
            ripe_days=ripe_days(kpi, lives),
        )
        for kpi in kpis
    ]
    told = [one for one in figures if not one.empty]
    return {
        "asked": asked,
        "period": asked.period,
        "days": str(asked.period.current),
        "before": str(asked.period.before),
        "whom": whom(asked.selected),
        "moved": moved(told),
        "outliers": outliers(told, found.marks),
        "told": len(told),
        "sections": sections(told, customers=bool(found.triangle or found.stacks)),
        "triangle": found.triangle,
        "stacks": found.stacks,
        "nothing": [one.title for one in figures if one.empty],
        "definitions": [definition(kpi) for kpi in kpis],
    }


def outliers(figures: Sequence[Figure], marks: Mapping[str, Marks]) -> list[Moved]:
    """Days of the period on which a figure left what is usual, the newest first."""
    found = [
        (mark.day, Moved(one.name, f"{one.title}: {mark.why[:1].lower()}{mark.why[1:]}", "plain"))
        for one in figures
        for mark in marks.get(one.name, ())
        if mark.now
    ]
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])][:MOVED]


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


def sections(figures: Sequence[Figure], *, customers: bool) -> list[dict[str, Any]]:
    """Those that have anything; ``customers``: whether cohorts or phases are told, which have no card."""
    names = [name for name, _ in wording.SECTIONS]
    by_name: dict[str, list[Figure]] = {name: [] for name in (*names, wording.REST)}
    for one in figures:
        by_name[wording.section(one.name)].append(one)
    return [
        {"name": name, "figures": found, "customers": customers and name == wording.CUSTOMERS}
        for name, found in by_name.items()
        if found or (customers and name == wording.CUSTOMERS)
    ]


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
