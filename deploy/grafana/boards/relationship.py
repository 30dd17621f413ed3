"""How customers are with us: the KPIs that are no other board's."""

from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import RELATIONSHIP, rows
from deploy.grafana.promql import NONE
from deploy.grafana.usual import age, counted, figure, latest

BASIS = "rapport_kpi_basis"
UNTOLD = "Customers whose health was not told"
LATEST = "Unusual on the latest day that was judged"
KPI = '{kpi=~"$kpi"}'


def board() -> Board:
    return Board(
        uid="rapport-relationship",
        title="Rapport: relationship",
        meaning="What customers say and do: the KPIs of the last 30 days, and what they rest on.",
        rows=(
            *rows(RELATIONSHIP),
            Row("What is unusual, and what was told anew", _moved()),
            Row("What they rest on", _ground()),
        ),
        choices=(Choice("kpi", BASIS, "KPI"),),
        since="now-24h",
    )


def _moved() -> tuple[Figure, ...]:
    unusual, by = "rapport_kpi_anomaly", "figure, direction"
    day = "rapport_kpi_judged_day_timestamp_seconds"
    ago = (f"time() - max by (kpi) ({day}{KPI})", "kpi")
    now = (f"max by ({by}) ({unusual}) or on () vector(0)", by)
    return (
        figure(LATEST, unusual, "short", now, shape=Shape.BARS, runbook="RapportKpiUnusual"),
        figure("How long ago that day began", day, "s", ago, shape=Shape.BARS),
        counted("Told as unusual", "rapport_kpi_anomalies_total", "kpi", KPI, none=NONE),
        counted("Told anew", "rapport_kpi_restated_total", "kpi", KPI, none=NONE),
        counted("Looks at closed days that failed", "rapport_kpi_watch_failures_total"),
    )


def _ground() -> tuple[Figure, ...]:
    return (
        latest("Basis of each KPI", BASIS, "short", "kpi", KPI, Shape.BARS),
        counted("KPIs that failed", "rapport_kpi_failures_total", "kpi", KPI, runbook="RapportKpiFails"),
        counted(UNTOLD, "rapport_health_failures_total", runbook="RapportHealthFails"),
        age("rapport_kpis_refreshed_timestamp_seconds"),
    )
