"""The dashboards say what the services declare, of what there is, and are the files that are committed."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.generate import DASHBOARDS, HERE, generated, stale
from deploy.grafana.boards import boards
from deploy.grafana.boards.slo import alerts
from deploy.grafana.declared import DECLARED, REGISTERED
from deploy.grafana.figures import Board, Figure, Shape
from deploy.grafana.kpis import ELSEWHERE, FILES, unit
from services.metrics.domain.kpis.registry import KPIS
from tests.prometheus import asked, compared, rules

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = [(board, figure) for board in boards() for row in board.rows for figure in row.figures]
each_figure = pytest.mark.parametrize(
    ("board", "figure"), FIGURES, ids=[f"{board.uid}-{figure.title}" for board, figure in FIGURES]
)
PROMETHEUS_OWN = {"up", "ALERTS", "process_cpu_seconds_total"}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
SELECTOR = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?")
GROUPED = re.compile(r"\b(?:by|on|group_left|without|ignoring)\s*\(([^)]*)\)")
STRING = re.compile(r'"[^"]*"')
OF_PROMETHEUS = {"instance", "job", "le", "alertname", "alertstate", "severity", "objective"}


def test_what_is_committed_is_what_the_code_says() -> None:
    assert stale() == [], "run python -m deploy.generate"


def test_there_are_six() -> None:
    names = {path.stem for path in generated() if path.parent == DASHBOARDS}
    assert names == {"relationship", "loyalty", "outreach", "desk", "platform", "slo"}
    assert {path.stem for path in DASHBOARDS.glob("*.json")} == names


@each_figure
def test_a_panel_has_a_unit_and_one_line_of_meaning(board: Board, figure: Figure) -> None:
    assert figure.meaning
    assert "\n" not in figure.meaning
    assert figure.meaning.endswith(".")
    assert ".." not in figure.meaning
    if figure.shape is Shape.WORDS:
        assert figure.words
    else:
        assert figure.unit
        assert figure.queries


@each_figure
def test_a_panel_asks_for_what_is_declared(board: Board, figure: Figure) -> None:
    for expr, legend in figure.queries:
        check(asked(expr))
        labels = re.findall(r"\{\{(\w+)\}\}", legend)
        grouped = set(chain(*(names.split(", ") for names in GROUPED.findall(expr))))
        assert all(f"by ({label}" in expr or label in grouped or ":" in expr for label in labels), legend


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule.get("record"))
def test_a_rule_asks_for_what_is_declared(rule: dict[str, Any]) -> None:
    check(rule["expr"])


def check(expr: str) -> None:
    """Each metric is declared, recorded or Prometheus's own, and has the labels that it is asked by."""
    plain = STRING.sub('""', expr)
    named = [(name, labels) for name, labels in SELECTOR.findall(plain) if is_metric(name)]
    assert named or plain == "vector(0)", expr
    known = set(OF_PROMETHEUS)
    for name, labels in named:
        if name.startswith("rapport_"):
            assert name in DECLARED, f"{name} in {expr}"
            own = DECLARED[name].labels | ({"le"} if name.endswith("_bucket") else set())
            known |= own
            assert set(re.findall(r"(\w+)\s*[=!]", labels)) <= own, f"{name}{labels}"
        elif ":" in name:
            assert name in RECORDED, f"{name} in {expr}"
            known.add(name.partition(":")[0])
    asked_by = set(chain(*(names.split(",") for names in GROUPED.findall(plain))))
    assert {name.strip() for name in asked_by} - {""} <= known, expr


def is_metric(name: str) -> bool:
    return name.startswith("rapport_") or ":" in name or name in PROMETHEUS_OWN


def test_all_that_is_declared_is_known_here() -> None:
    assert {name.removesuffix("_total") for name in REGISTERED} <= {
        one.name.removesuffix("_total") for one in DECLARED.values()
    }


def test_all_that_is_declared_is_shown() -> None:
    named = set(chain(*(metrics_of(figure) for _, figure in FIGURES)))
    shown = {DECLARED[name].name for name in named if name in DECLARED}
    assert sorted({one.name for one in DECLARED.values()} - shown) == []


def test_every_kpi_is_on_one_dashboard_and_says_where_it_is_defined() -> None:
    assert FILES.keys() == KPIS.keys()
    for kpi in KPIS.values():
        shown = [figure for _, figure in FIGURES if kpi.gauge in metrics_of(figure)]
        assert [figure.title for figure in shown] == [kpi.title]
        assert kpi.description in shown[0].meaning
        assert shown[0].document == f"metrics.md#{kpi.name}"


def metrics_of(figure: Figure) -> set[str]:
    return {name for expr, _ in figure.queries for name in re.findall(r"\w+", expr)}


def test_the_boards_of_kpis_are_boards() -> None:
    assert {f"rapport-{name}" for name in ELSEWHERE.values()} <= {board.uid for board in boards()}


@pytest.mark.parametrize(
    ("said", "grafana"),
    [
        ("seconds, p50, p90 and p99", "s"),
        ("0 to 1", "percentunit"),
        ("-100 to 100", "none"),
        ("complaints by root cause", "suffix: complaints"),
        ("points redeemed for each point earned", "suffix: points redeemed"),
    ],
)
def test_units(said: str, grafana: str) -> None:
    assert unit(said) == grafana


@each_figure
def test_a_link_leads_to_a_heading_that_exists(board: Board, figure: Figure) -> None:
    links = [figure.document] if figure.document else []
    links += re.findall(r"\(\$\{docs\}/([^)]*)\)", figure.words)
    for link in links:
        page, _, anchor = link.partition("#")
        assert anchor in anchors(DOCS / page), link


def test_every_panel_has_a_place_of_its_own() -> None:
    for path, text in generated().items():
        if path.parent == DASHBOARDS:
            panels = json.loads(text)["panels"]
            ids = [panel["id"] for panel in panels]
            assert len(set(ids)) == len(ids)
            taken = [
                (x, y)
                for panel in panels
                for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
                for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
            ]
            assert len(set(taken)) == len(taken), path.name
            assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize("alert", [*alerts()], ids=lambda alert: alert["alert"])
def test_an_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook_url"].rpartition("#")
    assert page == "{{ with $externalLabels.docs }}{{ . }}{{ else }}docs{{ end }}/runbooks.md"
    assert anchor == alert["alert"].lower()
    assert anchor in anchors(DOCS / "runbooks.md")


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in HERE.glob("prometheus/*.test.yaml")]
    checks = [check for file in files for test in file["tests"] for check in test["alert_rule_test"]]
    names = sorted(alert["alert"] for alert in alerts())
    assert sorted({check["alertname"] for check in checks if check["exp_alerts"]}) == names
    quiet = {check["alertname"] for check in checks if not check["exp_alerts"]}
    assert sorted(set(names) - quiet) == []


def test_every_runbook_is_an_alert_s_and_says_what_to_do() -> None:
    text = (DOCS / "runbooks.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    headings = [part.partition("\n")[0] for part in parts]
    assert sorted(headings) == sorted(alert["alert"] for alert in alerts())
    for part in parts:
        assert re.search(r"^- \*\*(Do|Look)\*\*", part, flags=re.MULTILINE), part[:40]


def test_the_rules_that_ship_are_those_of_the_folder() -> None:
    folder = HERE / "prometheus"
    named = {path.name for path in folder.glob("*.yaml")} - {"prometheus.yaml"}
    assert named == {"rules.yaml", "rules.test.yaml", "objectives.yaml", "objectives.test.yaml"}


def test_what_an_alert_looks_at_is_found_without_its_bounds() -> None:
    assert compared("a > 0.072 and b > 6 or c == 0") == "a and b or c"
    assert compared('max(x{y!="1"}) > 5m') == 'max(x{y!="1"}) > 5m'
    assert compared("x >= bool 0 < 3") == "x >= bool 0"


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
