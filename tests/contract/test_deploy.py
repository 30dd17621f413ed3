"""The files in deploy/ name what exists: modules, variables, metrics, paths."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from deploy.variables import variables
from rapport.__main__ import COMMANDS
from rapport.embedded.kafka_jars import KAFKA_VERSION
from rapport.embedded.stack import PARTS
from shared.runtime.settings import Settings
from shared.runtime.version import VERSION
from tests.rendered_chart import golden, named

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
IMAGES = ("rapport", "rapport-fit")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] in IMAGES}
PROCESSES = sorted(name for name in OURS if name.endswith(("-worker", "-api", "-mail")))


def test_compose_has_every_part() -> None:
    services = {part for part in PARTS if part.endswith(("-worker", "-api", "-mail"))}
    assert set(OURS) == services | {"topics", "check", "clv"}
    assert {"kafka", "mongo", "mail", "prometheus", "grafana"} <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_runs_its_process(name: str) -> None:
    assert OURS[name]["command"] == ["rapport", "run", *name.split("-")]


@pytest.mark.parametrize("name", sorted(set(OURS) - set(PROCESSES)))
def test_a_job_runs_a_command_that_there_is(name: str) -> None:
    program, command, *_ = OURS[name]["command"]
    assert program == "rapport"
    assert command in COMMANDS


@pytest.mark.parametrize("name", sorted(OURS))
def test_variables_are_settings(name: str) -> None:
    known = variables()
    told = set(OURS[name]["environment"])
    assert told <= known.keys()
    assert {one for one, variable in known.items() if variable.required} <= told


def test_compose_and_the_chart_tell_the_same() -> None:
    """One list of variables for both: what the chart tells a process in its least set-up, Compose tells too,
    and the other way round, but for what only one must: the image listens everywhere, and Compose leaves the
    memory at its default."""
    bound = {"RAPPORT_HOST", "RAPPORT_MEMORY_MIB"}
    ours_alone = {"RAPPORT_CLOCK", "RAPPORT_SMTP_HOST", "RAPPORT_SMTP_PORT"}
    ours_alone |= {"RAPPORT_SECRET_KEYS", "RAPPORT_ERASURE_KEY"}
    hooks = {f"RAPPORT_{name}_SECRET" for name in ("CHAT", "SHOPIFY", "WOOCOMMERCE")}
    ours_alone |= hooks  # handed on where they are set
    for name in PROCESSES:
        if name.endswith("-mail"):
            continue  # off in the least set-up; told as the API is
        deployment = named(golden("small"), "Deployment", f"rapport-{name}")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        chart = {one["name"] for one in container["env"]} - bound
        compose = set(OURS[name]["environment"])
        assert chart <= compose, name
        unread = {"RAPPORT_API_KEY"} if name.endswith("-worker") else set()
        assert compose - chart <= ours_alone | unread, name


def test_topics_are_kept_as_long_as_the_settings_say() -> None:
    told = OURS["topics"]["environment"]
    for name in ("retention_personal_days", "retention_amounts_days"):
        variable = f"RAPPORT_{name.upper()}"
        assert told[variable] == f"${{{variable}:-{Settings.model_fields[name].default}}}"


def test_memory_is_bounded_as_in_the_chart() -> None:
    """A worker's container has its budget and 256 MiB, as a pod does."""
    budget = Settings.model_fields["memory_mib"].default
    for name in PROCESSES:
        if name.endswith("-worker"):
            assert OURS[name]["mem_limit"] == f"{budget + 256}m"


def test_prometheus_and_grafana_are_given_what_is_here() -> None:
    here = DEPLOY / "compose"
    for name in ("prometheus", "grafana"):
        mounts = [mount.split(":") for mount in COMPOSE["services"][name]["volumes"]]
        for source, *_ in mounts:
            if source.startswith("."):
                assert (here / source).resolve().exists(), source
    told = dict(m.split(":")[:2] for m in COMPOSE["services"]["prometheus"]["volumes"])
    inside = {path.rpartition("/")[2] for path in told.values()}
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    assert set(config["rule_files"]) <= inside
    (label,) = re.findall(r"\$\{(\w+)\}", config["global"]["external_labels"]["docs"])
    assert COMPOSE["services"]["prometheus"]["environment"] == {label: f"${{{label}:-}}"}
    folder = COMPOSE["services"]["grafana"]["volumes"][1].split(":")[1]
    provisioned = DEPLOY / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioned / "dashboards" / "rapport.yaml").read_text())["providers"]
    assert provider["options"]["path"] == folder
    (source,) = yaml.safe_load((provisioned / "datasources" / "rapport.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_images_are_of_a_version() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["image"] in IMAGES or ":" in service["image"], name


def test_nothing_is_reached_from_other_machines() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_docker_reads_it() -> None:
    """Where Docker has Compose: no daemon is needed for that."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose here")
    env = {**os.environ, "RAPPORT_SECRET_KEY": "0" * 32, "RAPPORT_API_KEY": "0" * 32}
    file = DEPLOY / "compose" / "compose.yaml"
    done = subprocess.run(
        [docker, "compose", "--file", file, "config", "--quiet"], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr


def test_compose_runs_the_broker_that_is_tested() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_prometheus_scrapes_every_process() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    scraped = {target for targets in job["static_configs"] for target in targets["targets"]}
    fields = Settings.model_fields
    ports = {kind: fields[f"{kind}_port"].default for kind in ("api", "worker")}
    usual = [name for name in PROCESSES if "profiles" not in OURS[name]]
    assert scraped == {f"{name}:{ports[name.rpartition('-')[2]]}" for name in usual}


def test_the_image_copies_what_exists() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    sources = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, flags=re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"\n!{source}\n" in ignore


def test_all_that_is_released_has_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((DEPLOY / "helm" / "rapport" / "Chart.yaml").read_text(encoding="utf-8"))
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert project["version"] == chart["appVersion"] == VERSION
    assert f"\nARG VERSION={VERSION}\n" in dockerfile
