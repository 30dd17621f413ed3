"""What was promised, and how much of each budget of errors is left; the alerts, and their runbooks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.grafana.figures import DOCS, Board, Figure, Row, Shape
from deploy.prometheus.objectives import OBJECTIVES, SPEEDS, Objective, document

RULES = Path(__file__).parents[2] / "prometheus" / "rules.yaml"
FIRING = 'ALERTS{alertstate="firing", alertname=~"Rapport.*"}'


def board() -> Board:
    return Board(
        uid="rapport-slo",
        title="Rapport: SLO",
        meaning="Five promises, each with a budget of errors of 30 days, and how fast it burns.",
        rows=(_now(), *(_promise(one) for one in OBJECTIVES)),
        since="now-3d",
        refresh="1m",
        marks={"Alerts": FIRING},
    )


def _now() -> Row:
    return Row(
        "Alerts",
        (
            Figure(
                title="Firing now",
                meaning="Alerts that fire, by name; 0 where none does.",
                unit="suffix: firing",
                queries=((f"count by (alertname) ({FIRING}) or on () vector(0)", "{{alertname}}"),),
                shape=Shape.BARS,
            ),
            Figure(
                title="Every alert, and what to do",
                meaning="All alerts that there are, each with its runbook.",
                shape=Shape.WORDS,
                words=_listed(),
            ),
        ),
    )


def _promise(one: Objective) -> Row:
    runbook = f"runbooks.md#rapport{one.name}burnsfast"
    long = one.recorded("1h")
    (fast, *_), (steady, *_) = SPEEDS[0].pairs
    return Row(
        f"{one.title}: {100 * one.promise:g}% in 30 days",
        (
            Figure(
                title="Budget left of three days",
                meaning=f"{one.meaning}. 100%: nothing went wrong in three days; below 0%: more than may.",
                unit="percentunit",
                queries=((f"1 - {one.recorded('3d')} / {one.budget:g}", f"{{{{{one.by}}}}}"),),
                shape=Shape.NUMBER,
                document=runbook,
            ),
            Figure(
                title="What went wrong",
                meaning=f"The share of the hour before that is not: {one.meaning}.",
                unit="percentunit",
                queries=((long, f"{{{{{one.by}}}}}"),),
                document=runbook,
            ),
            Figure(
                title="How fast the budget burns",
                meaning="1: it lasts 30 days. "
                f"Somebody is woken above {fast:g} in an hour, or {steady:g} in six.",
                unit="suffix: times",
                queries=(
                    (f"{long} / {one.budget:g}", f"{{{{{one.by}}}}} 1h"),
                    (f"{one.recorded('6h')} / {one.budget:g}", f"{{{{{one.by}}}}} 6h"),
                ),
                document=runbook,
            ),
        ),
    )


def alerts() -> Iterator[dict[str, Any]]:
    """Every alert that there is, those of the promises last."""
    for file in (yaml.safe_load(RULES.read_text(encoding="utf-8")), document()):
        for group in file["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def _listed() -> str:
    rows = [
        f"| [{one['alert']}]({DOCS}/runbooks.md#{one['alert'].lower()}) | {one['labels']['severity']} |"
        for one in alerts()
    ]
    return "\n".join(["| alert | severity |", "|---|---|", *rows])
