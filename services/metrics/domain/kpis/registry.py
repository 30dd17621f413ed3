"""The KPIs: from the fields of a window to numbers, one function a KPI."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.metrics.domain import gaps as purchases
from services.metrics.domain.apply import EARNED, REDEEMED
from services.metrics.domain.complaints import FIRST_RESPONSE, OPEN, RESOLUTION
from services.metrics.domain.histogram import quantile
from services.metrics.domain.kpis import surveys as scores
from services.metrics.domain.kpis.surveys import (
    CES_ANSWERS,
    CES_SUM,
    CSAT_REST,
    CSAT_TOP,
    DETRACTORS,
    PASSIVES,
    PROMOTERS,
)

Value: TypeAlias = float | int | dict[str, float | None] | None


@dataclass(frozen=True, slots=True)
class Window:
    """What happened in a window, summed."""

    fields: Mapping[str, int]
    open_complaints: int
    """Open at its end."""
    customers: int
    """With at least one purchase in it."""
    repeat_customers: int
    """With two or more."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """A number, what it rests on, and how sure it is."""

    value: Value
    """None where there is nothing to tell."""
    n: int
    """Answers, complaints, customers or points behind it."""
    interval: tuple[float, float] | None = None
    """95 %."""


Days: TypeAlias = Mapping[int, Mapping[str, int]]
"""Day -> field -> count."""


def window(days: Days, open_now: int, *, first: int, last: int | None, one_channel: bool) -> Window:
    """The window from day ``first`` to ``last``, both included; without ``last``, until now.

    With ``last``, ``days`` must reach until now and hold the fields of ``purchases.is_gap``.
    """
    fields: dict[str, int] = {}
    opened_since = 0
    for day, counts in days.items():
        if last is not None and day > last:
            opened_since += counts.get(OPEN, 0)
        elif day >= first:
            for field, n in counts.items():
                fields[field] = fields.get(field, 0) + n
    chain = purchases.BY_CHANNEL if one_channel else purchases.ANY
    found, repeat = purchases.customers(days, chain, first, last)
    return Window(fields, open_now - opened_since, found, repeat)


def _nps(w: Window) -> Kpi:
    answers = tuple(w.fields.get(f, 0) for f in (PROMOTERS, PASSIVES, DETRACTORS))
    return Kpi(scores.nps(*answers), sum(answers), scores.nps_interval(*answers))


def _csat(w: Window) -> Kpi:
    top, rest = w.fields.get(CSAT_TOP, 0), w.fields.get(CSAT_REST, 0)
    return _share(top, top + rest)


def _ces(w: Window) -> Kpi:
    n = w.fields.get(CES_ANSWERS, 0)
    return Kpi(scores.share(w.fields.get(CES_SUM, 0), n), n)


def _durations(name: str) -> Callable[[Window], Kpi]:
    prefix = f"{name}:"

    def durations(w: Window) -> Kpi:
        counts = {f.removeprefix(prefix): n for f, n in w.fields.items() if f.startswith(prefix) and n}
        return Kpi({"p50": quantile(counts, 0.5), "p90": quantile(counts, 0.9)}, sum(counts.values()))

    return durations


def _open_complaints(w: Window) -> Kpi:
    return Kpi(w.open_complaints, w.open_complaints)


def _repeat_purchase_rate(w: Window) -> Kpi:
    return _share(w.repeat_customers, w.customers)


def _redemption_rate(w: Window) -> Kpi:
    earned = w.fields.get(EARNED, 0)
    return Kpi(scores.share(w.fields.get(REDEEMED, 0), earned), max(0, earned))


def _share(part: int, whole: int) -> Kpi:
    return Kpi(scores.share(part, whole), whole, scores.share_interval(part, whole))


KPIS: Mapping[str, Callable[[Window], Kpi]] = {
    "nps": _nps,
    "csat": _csat,
    "ces": _ces,
    "first_response_s": _durations(FIRST_RESPONSE),
    "resolution_s": _durations(RESOLUTION),
    "open_complaints": _open_complaints,
    "repeat_purchase_rate": _repeat_purchase_rate,
    "redemption_rate": _redemption_rate,
}
"""By the name the API and the dashboards know them by."""
