"""Days on which a figure left what is usual on their weekday, in words and as marks on its line. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.pages import wording
from services.metrics.pages.periods import Period, long_day
from services.metrics.pages.units import DURATION, unit_in
from shared.schemas.times import date_of


@dataclass(frozen=True, slots=True)
class Outlier:
    """A figure of a day, as it was found."""

    kpi: str
    figure: str
    """The KPI's name, or with that of one of its figures: ``resolution_s.p90``."""
    day: int
    value: float
    usual: float
    moved_by: Mapping[str, str]
    """Of segment, channel and the other dimensions the value that moved it most."""


@dataclass(frozen=True, slots=True)
class Mark:
    """On a line."""

    day: int
    why: str
    """A sentence."""
    now: bool
    """Whether the day is one of those that the page tells of."""


def marks(
    found: Iterable[Outlier], kpis: Iterable[Kpi], period: Period, currencies: Mapping[str, str]
) -> dict[str, list[Mark]]:
    """By KPI, of the days that are drawn, the newest first; of one day one mark. ``currencies``: by KPI that
    of amounts whose names do not say it."""
    known = {kpi.name: kpi for kpi in kpis}
    told: dict[str, dict[int, Mark]] = {}
    for one in found:
        kpi = known.get(one.kpi)
        if kpi is None or not period.drawn.first <= one.day <= period.drawn.last:
            continue
        mark = Mark(
            one.day, sentence(kpi, one, currencies.get(kpi.name, "")), one.day >= period.current.first
        )
        told.setdefault(one.kpi, {}).setdefault(one.day, mark)
    return {name: sorted(days.values(), key=lambda mark: -mark.day) for name, days in told.items()}


def sentence(kpi: Kpi, one: Outlier, currency: str = "") -> str:
    """``On 20 November 2026 it was 9, usually 2; most in the segment gold.``"""
    part = one.figure.removeprefix(kpi.name).removeprefix(".")
    unit = unit_in(kpi, part, currency)
    beside = wording.beside(kpi, part, times=unit is DURATION)
    named = f" ({beside})" if beside else ""
    where = ", ".join(f"{dimension} {value}" for dimension, value in one.moved_by.items())
    most = f"; most by {where}" if where else ""
    day = long_day(date_of(one.day))
    return f"On {day} it was {unit.show(one.value)}{named}, usually {unit.show(one.usual)}{most}."
