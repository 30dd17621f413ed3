"""Which KPIs are watched: all but those that are named here, and that say why."""

import pytest

from services.metrics.domain.baseline import Anomalies, judged, left_out, not_restated
from services.metrics.domain.kpis.kpi import FIGURES, Kind, Kpi, Ranked, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.table import definitions
from services.metrics.journal.watching import watched

LIFE = {"retention", "churn", "churn_voluntary", "churn_involuntary", "churn_reasons"}
"""They follow from half a year before a day, and are not told anew."""
BY_NAME = {"root_causes", "outreach_refusals", "churn_reasons"}
"""Nothing is usual of names that come and go."""


@pytest.mark.parametrize("count", [1, 4, 12])
def test_every_kpi_is_watched_by_one_worker_but_for_those_that_are_named(count: int) -> None:
    told = [kpi.name for number in range(count) for kpi in watched(number, count)]
    assert sorted(told) == sorted(KPIS)
    assert {name for name, kpi in KPIS.items() if left_out(kpi)} == BY_NAME
    assert {name for name, kpi in KPIS.items() if not_restated(kpi)} == LIFE


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.name)
def test_a_figure_far_from_what_is_usual_is_judged_but_for_those_that_are_named(kpi: Kpi) -> None:
    def of(amount: float) -> Result:
        name = next(iter(FIGURES.get(kpi.kind, ("EUR",))))
        single = kpi.kind in (Kind.NUMBER, Kind.COUNT)
        ranked = [Ranked(name="x", n=int(amount))] if kpi.kind is Kind.RANKED else None
        return Result(ranked or (amount if single else {name: amount}), 100)

    found = judged(kpi, of(10_000.0), [of(1.0 + n / 10) for n in range(8)], Anomalies())
    assert bool(found) is not bool(left_out(kpi))
    assert ("Not watched" in definitions([kpi])) is bool(left_out(kpi))
    assert ("Not told anew" in definitions([kpi])) is bool(not_restated(kpi))
