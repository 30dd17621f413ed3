"""How customers are with us: the KPIs that are no other board's."""

from deploy.grafana.figures import Board, Choice, Figure, Row, Shape
from deploy.grafana.kpis import RELATIONSHIP, rows
from deploy.grafana.usual import age, counted, latest

BASIS = "rapport_kpi_basis"
KPI = '{kpi=~"$kpi"}'


def board() -> Board:
    return Board(
        uid="rapport-relationship",
        title="Rapport: relationship",
        meaning="What customers say and do: the KPIs of the last 30 days, and what they rest on.",
        rows=(*rows(RELATIONSHIP), Row("What they rest on", _ground())),
        choices=(Choice("kpi", BASIS, "KPI"),),
        since="now-24h",
    )


def _ground() -> tuple[Figure, ...]:
    return (
        latest("Basis of each KPI", BASIS, "short", "kpi", KPI, Shape.BARS),
        counted("KPIs that failed", "rapport_kpi_failures_total", "kpi", KPI, runbook="RapportKpiFails"),
        age("rapport_kpis_refreshed_timestamp_seconds"),
        counted("Figures told anew", "rapport_kpi_restated_total", "kpi", KPI),
        counted("Figures that left what is usual", "rapport_kpi_anomalies_total", "kpi", KPI),
        latest(
            "Unusual on the latest closed day",
            "rapport_kpi_anomaly",
            "short",
            "figure",
            runbook="RapportKpiUnusual",
        ),
        counted("Customers whose health was not told", "rapport_health_failures_total"),
        counted("Events ahead of the clock", "rapport_events_ahead_total", "service"),
    )
