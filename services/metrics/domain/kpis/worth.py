"""What customers are worth, as the nightly estimate tells it (``model.fitted`` of ``clv.<currency>``)."""

from collections.abc import Mapping
from datetime import date

from services.metrics.domain.health.worth import BIN, CUSTOMERS, SPREAD, SUM, quantile
from services.metrics.domain.kpis.kpi import EventCounts, Kind, Kpi, Result
from services.metrics.domain.kpis.window import Window
from shared.schemas.insights import ModelFitted

WORTH, WORTHS, WORTH_SUM = "worth:", "worths:", "worth_sum:"
"""Customers by currency and bin, by currency, and what they will pay."""
LIMIT = 10**15
"""Of one night no more is counted: a sum of cells must fit in 64 bits, whatever comes in."""


def _counted(data: ModelFitted) -> Mapping[str, int]:
    kind, _, currency = data.model.partition(".")
    if kind != SPREAD or not currency.isalnum():
        return {}
    found = {}
    for name, n in data.parameters.items():
        count, place = int(max(0.0, min(n, LIMIT))), name.removeprefix(BIN)
        if name == CUSTOMERS:
            found[WORTHS + currency] = count
        elif name == SUM:
            found[WORTH_SUM + currency] = count
        elif name.startswith(BIN) and place.isdecimal() and len(place) <= 3:
            found[f"{WORTH}{currency}_{place}"] = count
    return found


WORTHS_TOLD = EventCounts(fields=(WORTH, WORTHS, WORTH_SUM), events=(ModelFitted,), count=_counted)


def _clv(w: Window) -> Result:
    currencies = {currency: n for currency, n in w.buckets(WORTHS).items() if n > 0}
    if not currencies:
        return Result({"mean": None, "p50": None, "p90": None}, 0)
    currency = max(currencies, key=lambda one: (currencies[one], one))
    n, bins = currencies[currency], w.buckets(f"{WORTH}{currency}_")
    quantiles = {name: quantile(bins, q) for name, q in (("p50", 0.5), ("p90", 0.9))}
    return Result({"mean": w.total(WORTH_SUM + currency) / n, **quantiles}, n)


CLV = Kpi(
    name="clv",
    title="Lifetime value",
    description="What a customer is expected to pay within a year from now, in the currency that most pay in",
    formula="By BG/NBD (MBG/NBD of who bought once) and gamma-gamma, of the nights in the window together; "
    "the quantiles are within 5 %",
    unit="minor units, mean, p50 and p90",
    source="Fader, Hardie and Lee, Marketing Science 24(2), 2005; Fader and Hardie, gamma-gamma, 2013",
    kind=Kind.SPREAD,
    effective=date(2026, 11, 26),
    counts=(WORTHS_TOLD,),
    compute=_clv,
)
