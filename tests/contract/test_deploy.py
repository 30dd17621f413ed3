"""The files in deploy/ name what exists: modules, variables, metrics, paths."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from rapport.embedded.kafka_jars import KAFKA_VERSION
from rapport.embedded.stack import PARTS
from services.followup import telemetry as followup_telemetry
from services.followup.channels.registry import KINDS
from services.followup.settings import FollowupSettings
from services.loyalty import telemetry as loyalty_telemetry
from shared.runtime import telemetry
from shared.runtime.settings import PREFIX

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "rapport"}
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text(encoding="utf-8"))


def test_compose_has_every_part() -> None:
    services = {part for part in PARTS if part.endswith(("-worker", "-api"))}
    assert set(OURS) == services | {"topics"}


@pytest.mark.parametrize("name", sorted(set(OURS) - {"topics"}))
def test_a_service_runs_its_module(name: str) -> None:
    python, flag, module = OURS[name]["command"]
    assert (python, flag) == ("python", "-m")
    assert module == "services." + name.replace("-", ".")
    assert find_spec(module) is not None


@pytest.mark.parametrize("name", sorted(OURS))
def test_variables_are_settings(name: str) -> None:
    fields = [field for settings in (FollowupSettings, *KINDS) for field in settings.model_fields]
    known = {PREFIX + field.upper() for field in fields}
    assert set(OURS[name]["environment"]) <= known


def test_compose_runs_the_broker_that_is_tested() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def alerts() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def declared() -> set[str]:
    assert telemetry.EVENTS
    assert followup_telemetry.DELIVERIES
    assert loyalty_telemetry.POINTS
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return {
        family.name + suffix
        for family in REGISTRY.collect()
        if family.name.startswith("rapport_")
        for suffix in suffixes.get(family.type, ("",))
    }


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_uses_metrics_that_exist(alert: dict[str, Any]) -> None:
    used = set(re.findall(r"\brapport_[a-z_]+", alert["expr"]))
    assert used
    assert used <= declared()


def test_every_alert_has_a_test() -> None:
    file = yaml.safe_load((DEPLOY / "prometheus" / "rules.test.yaml").read_text(encoding="utf-8"))
    checks = [check for test in file["tests"] for check in test["alert_rule_test"]]
    firing = {check["alertname"] for check in checks if check["exp_alerts"]}
    assert firing == {alert["alert"] for alert in alerts()}


def test_the_image_copies_what_exists() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    sources = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, flags=re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"\n!{source}\n" in ignore
