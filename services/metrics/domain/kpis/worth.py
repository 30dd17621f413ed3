"""What customers are worth, as the nightly estimate tells it (``model.fitted`` of ``clv.<currency>``)."""

import math
from collections.abc import Mapping
from datetime import date

from services.metrics.domain.health.worth import BIN, CUSTOMERS, SPREAD, SUM, at_place, deviation, quantile
from services.metrics.domain.kpis.intervals import Interval, quantile_ranks, t95
from services.metrics.domain.kpis.kpi import EventCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.window import Window
from shared.schemas.insights import ModelFitted

WORTH, WORTHS, WORTH_SUM, ESTIMATES = "worth:", "worths:", "worth_sum:", "worth_estimates:"
"""Customers by currency and bin, by currency, what they will pay, and how often that was estimated."""
QUANTILES = {"p50": 0.5, "p90": 0.9}
LIMIT = 10**15
"""Of one night no more is counted: a sum of cells must fit in 64 bits, whatever comes in."""


def _counted(data: ModelFitted) -> Mapping[str, int]:
    kind, _, currency = data.model.partition(".")
    if kind != SPREAD or not currency.isalnum():
        return {}
    found: dict[str, int] = {}
    for name, n in data.parameters.items():
        count, place = int(max(0.0, min(n, LIMIT))), name.removeprefix(BIN)
        if name == CUSTOMERS:
            found |= {WORTHS + currency: count, ESTIMATES + currency: 1}
        elif name == SUM:
            found[WORTH_SUM + currency] = count
        elif name.startswith(BIN) and place.isdecimal() and len(place) <= 3:
            found[f"{WORTH}{currency}_{place}"] = count
    return found


WORTHS_TOLD = EventCounts(fields=(WORTH, WORTHS, WORTH_SUM, ESTIMATES), events=(ModelFitted,), count=_counted)


def _clv(w: Window) -> Result:
    night = Window(w.latest(WORTHS), customers=0, repeat_customers=0)
    currencies = {currency: n for currency, n in night.buckets(WORTHS).items() if n > 0}
    if not currencies:
        return Result({"mean": None, "p50": None, "p90": None}, 0)
    currency = max(currencies, key=lambda one: (currencies[one], one))
    told, bins = currencies[currency], night.buckets(f"{WORTH}{currency}_")
    quantiles = {name: quantile(bins, q) for name, q in QUANTILES.items()}
    customers = round(told / max(1, night.total(ESTIMATES + currency)))  # one before the field was counted
    mean = night.total(WORTH_SUM + currency) / told
    figures = {"mean": mean, **quantiles}
    return Result(figures, customers, intervals=_intervals(bins, mean, customers), currency=currency)


def _intervals(bins: Mapping[str, int], mean: float, customers: int) -> dict[str, Interval]:
    """Of customers as a sample of all who might be. ``bins`` may hold each of them several times."""
    found: dict[str, Interval] = {}
    if customers > 1:
        half = t95(customers - 1) * deviation(bins) / math.sqrt(customers - 1)
        found["mean"] = max(0.0, mean - half), mean + half
    times = sum(bins.values()) / customers if customers else 0.0
    for name, q in QUANTILES.items():
        ranks = quantile_ranks(customers, q)
        ends = [at_place(bins, rank * times) for rank in ranks or ()]
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            found[name] = ends[0], ends[1]
    return found


CLV = Kpi(
    name="clv",
    title="Lifetime value",
    description="What a customer is expected to pay within a year from now, in the currency that most pay in",
    formula="By BG/NBD (MBG/NBD of who bought once) and gamma-gamma, as of the last night in the window that "
    "has an estimate: `n` is its customers; the quantiles are within 5 %; 95 % interval: Student's t of the "
    "mean, by place of the quantiles; what the models may be wrong in is not in it",
    unit="minor units, mean, p50 and p90",
    source="Fader, Hardie and Lee, Marketing Science 24(2), 2005; Fader and Hardie, gamma-gamma, 2013",
    kind=Kind.SPREAD,
    version=2,
    effective=date(2026, 11, 27),
    before="all nights of the window counted together, and `n` was customers times nights. Figures of older "
    "days are by this definition too; of a day that was estimated twice before, `n` is of both",
    counts=(WORTHS_TOLD,),
    compute=_clv,
)
