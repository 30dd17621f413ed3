"""The chart under helm and kubeconform: it renders what is kept, and each object is what its kind allows."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from rapport.topics import Retention
from tests.rendered_chart import (
    CHART,
    GOLDEN,
    SETUPS,
    each_setup,
    golden,
    helm,
    kept,
    named,
    objects,
    of_kind,
    program,
    render,
    values,
)

KUBERNETES = "1.34.0"
DEFINITIONS = "_definitions.json"
CRDS = Path(__file__).parent / "crds"


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kubernetes' own kinds, strict. As they come, references lead to the net; here, to the file beside."""
    folder = tmp_path_factory.mktemp("schemas")
    found = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{KUBERNETES}-local-strict"
    kinds = {
        f"{thing['kind'].lower()}{_suffix(thing['apiVersion'])}.json"
        for path in GOLDEN.glob("*.yaml")
        for thing in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }
    for name in sorted({DEFINITIONS, *kinds}):
        if (source := found / name).is_file():
            schema = json.loads(
                source.read_text(encoding="utf-8").replace(f"/api/{DEFINITIONS}", DEFINITIONS)
            )
            schema.pop("$id", None)
            (folder / name).write_text(json.dumps(schema), encoding="utf-8")
    return folder


def _suffix(version: str) -> str:
    group, _, number = version.rpartition("/")
    return f"-{group.partition('.')[0]}-{number}" if group else f"-{number}"


@each_setup
def test_the_linter_says_nothing(setup: str) -> None:
    done = helm("lint", "--strict", CHART, "--values", values(setup))
    assert done.returncode == 0, done.stdout + done.stderr


@each_setup
def test_it_renders_what_is_kept(setup: str) -> None:
    now = kept(render("--values", values(setup)))
    assert now == (GOLDEN / f"{setup}.yaml").read_text(encoding="utf-8"), (
        "look at what has changed, then keep it: python -m tests.rendered_chart"
    )


@each_setup
def test_every_object_is_what_its_kind_allows(setup: str, schemas: Path) -> None:
    pattern = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
    done = subprocess.run(
        [
            *(
                program("kubeconform"),
                "-strict",
                "-summary",
                "-output",
                "json",
                "-kubernetes-version",
                KUBERNETES,
            ),
            *("-schema-location", f"{schemas}/{pattern}", "-schema-location", f"{CRDS}/{pattern}"),
            GOLDEN / f"{setup}.yaml",
        ],
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    assert said["resources"] == [], done.stdout
    assert said["summary"]["valid"] > 20
    assert done.returncode == 0


def test_a_wrong_field_would_be_found(schemas: Path, tmp_path: Path) -> None:
    """The schemas are closed: without this, a schema that takes everything would pass all."""
    thing = tmp_path / "wrong.yaml"
    thing.write_text(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\n"
        "spec: {scaleTargetRef: {name: a}, triggers: [], maxReplicas: 3}\n"
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 80}\n",
        encoding="utf-8",
    )
    pattern = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
    locations = ("-schema-location", f"{schemas}/{pattern}", "-schema-location", f"{CRDS}/{pattern}")
    done = subprocess.run(
        [program("kubeconform"), "-strict", "-summary", *locations, thing], capture_output=True, text=True
    )
    assert "Invalid: 2" in done.stdout


@pytest.mark.parametrize(
    ("servers", "ports"),
    [("kafka", [9092]), ("10.0.0.5", [9092]), ("kafka-1,kafka-2:9093", [9092, 9093]), ("[::1]:9094", [9094])],
)
def test_the_way_to_kafka_is_open_where_it_is(servers: str, ports: list[int], tmp_path: Path) -> None:
    """At 9092 where no port is told, as the clients have it: never at what a name happens to end in."""
    given = tmp_path / "values.yaml"
    given.write_text(json.dumps({"settings": {"RAPPORT_KAFKA": servers}}), encoding="utf-8")
    policy = named(objects(render("--values", given)), "NetworkPolicy", "rapport-kafka")
    (way,) = policy["spec"]["egress"]
    assert [one["port"] for one in way["ports"]] == ports


def test_the_job_before_the_install_has_the_files_that_it_needs(tmp_path: Path) -> None:
    """A service's ConfigMap is not there yet: without one of its own the Job would trust the system's CAs."""
    given = tmp_path / "values.yaml"
    settings = {"RAPPORT_KAFKA": "kafka:9093", "RAPPORT_KAFKA_SECURITY": "ssl"}
    texts = {"RAPPORT_KAFKA_CA": {"text": "PEM"}, "RAPPORT_SLA": {"text": "-"}}
    given.write_text(json.dumps({"settings": settings, "files": texts}), encoding="utf-8")
    things = objects(render("--values", given))
    job = named(things, "Job", "rapport-topics")
    (volume,) = job["spec"]["template"]["spec"]["volumes"]
    mounted = named(things, "ConfigMap", volume["configMap"]["name"])
    assert mounted["data"] == {"RAPPORT_KAFKA_CA": "PEM"}
    first, then = (int(one["metadata"]["annotations"]["helm.sh/hook-weight"]) for one in (mounted, job))
    assert first < then


def test_the_job_that_makes_topics_is_told_how_long_they_are_kept(tmp_path: Path) -> None:
    """Every variable that ``Retention.of`` reads: else topics would be kept by the defaults, unsaid."""
    read: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read.add(name)
            return default

    Retention.of(Asked())
    assert read
    given = tmp_path / "values.yaml"
    settings = {"RAPPORT_KAFKA": "kafka:9092", **dict.fromkeys(read, 7)}
    given.write_text(json.dumps({"settings": settings}), encoding="utf-8")
    job = named(objects(render("--values", given)), "Job", "rapport-topics")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert {name: told.get(name) for name in read} == dict.fromkeys(read, "7")


def test_no_series_is_not_read_as_no_lag() -> None:
    """KEDA takes an empty answer for 0 unless told otherwise, and would shrink to the minimum."""
    lags = [
        trigger
        for setup in SETUPS
        for scaled in of_kind(golden(setup), "ScaledObject")
        for trigger in scaled["spec"]["triggers"]
        if trigger["name"] == "lag"
    ]
    assert lags
    assert {lag["metadata"].get("ignoreNullValues") for lag in lags} == {"false"}


@each_setup
def test_what_failed_can_be_read(setup: str) -> None:
    """Where a Job restarts its container in place, its pod goes at the end, and the log with it."""
    for job in of_kind(golden(setup), "Job"):
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_package_has_what_the_chart_reads(tmp_path: Path) -> None:
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("*.tgz")
    again = helm("template", "rapport", package, "--namespace", "shop", "--values", values("strimzi"))
    assert kept(again.stdout) == (GOLDEN / "strimzi.yaml").read_text(encoding="utf-8")


def test_a_release_fits_into_a_secret(tmp_path: Path) -> None:
    """Chart and render are kept in one Secret, packed, as base64: a MiB at most."""
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("*.tgz")
    assert package.stat().st_size < 300 * 1024


def test_what_to_do_next_is_said_at_the_end() -> None:
    done = helm("install", "rapport", CHART, "--dry-run=client", "--values", values("small"))
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert "rapport.purchase.made.v1" in notes
    assert "links in messages lead nowhere" in notes
    assert "clv.enabled is false" in notes


def test_scaling_by_what_nothing_gathers_is_said_at_the_end() -> None:
    scaled = ("--set", "workers.autoscaling.enabled=true", "--set", "workers.autoscaling.prometheus=http://p")
    done = helm("install", "rapport", CHART, "--dry-run=client", "--values", values("small"), *scaled)
    assert done.returncode == 0, done.stderr
    assert "workers.autoscaling goes by what Prometheus has" in done.stdout.partition("NOTES:")[2]
