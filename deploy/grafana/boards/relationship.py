"""How customers are with us: the KPIs that are no other board's."""

from deploy.grafana.declared import meaning
from deploy.grafana.figures import Board, Figure, Row, Shape
from deploy.grafana.kpis import RELATIONSHIP, rows

BASIS = "rapport_kpi_basis"
REFRESHED = "rapport_kpis_refreshed_timestamp_seconds"
FAILURES = "rapport_kpi_failures_total"


def board() -> Board:
    return Board(
        uid="rapport-relationship",
        title="Rapport: relationship",
        meaning="What customers say and do: the KPIs of the last 30 days, and what they rest on.",
        rows=(*rows(RELATIONSHIP), _ground()),
        since="now-24h",
    )


def _ground() -> Row:
    return Row(
        "What they rest on",
        (
            Figure(
                title="Basis of each KPI",
                meaning=meaning(BASIS),
                unit="short",
                queries=((f"max by (kpi) ({BASIS})", "{{kpi}}"),),
                shape=Shape.BARS,
            ),
            Figure(
                title="Age of these figures",
                meaning=f"Now less: {meaning(REFRESHED)}",
                unit="s",
                queries=((f"time() - max({REFRESHED})", "age"),),
                document="runbooks.md#rapportgaugesold",
            ),
            Figure(
                title="KPIs that failed",
                meaning=meaning(FAILURES),
                unit="short",
                queries=((f"sum(increase({FAILURES}[$__rate_interval])) or vector(0)", "windows"),),
                document="runbooks.md#rapportkpifails",
            ),
        ),
    )
