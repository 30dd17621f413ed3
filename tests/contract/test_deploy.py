"""The files in deploy/ name what exists: modules, variables, metrics, paths."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from rapport.embedded.kafka_jars import KAFKA_VERSION
from rapport.embedded.stack import PARTS
from services.followup.channels.registry import KINDS
from services.followup.settings import FollowupSettings
from shared.runtime.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "rapport"}


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


def test_prometheus_scrapes_every_process() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    scraped = {target for targets in job["static_configs"] for target in targets["targets"]}
    fields = Settings.model_fields
    ports = {kind: fields[f"{kind}_port"].default for kind in ("api", "worker")}
    assert scraped == {f"{name}:{ports[name.rpartition('-')[2]]}" for name in OURS if name != "topics"}


def test_the_image_copies_what_exists() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    sources = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, flags=re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"\n!{source}\n" in ignore
