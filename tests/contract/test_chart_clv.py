"""`rapport clv fit` in the chart and its image: each night, told what it needs and no more."""

import re
import subprocess
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deploy.helm.files import rights
from deploy.mongo.users import roles
from deploy.variables import variables
from rapport import connections
from rapport.clv.records import DATABASE
from shared.schemas.insights import ModelFitted
from tests import containers, image_build
from tests.rendered_chart import ROOT, SETUPS, Thing, golden, named, of_kind, values

FITS = {"certificates": "crm", "gitops": "rapport", "ingress": "rapport"}
fitted = pytest.mark.parametrize("setup", FITS)


def job(setup: str) -> Thing:
    return named(golden(setup), "CronJob", f"{FITS[setup]}-clv")


def container(thing: Thing) -> Any:
    (found,) = thing["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return found


def deployed(setup: str, name: str) -> Any:
    deployment = named(golden(setup), "Deployment", f"{FITS[setup]}-{name}")
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return found


def env(found: Any) -> dict[str, Any]:
    return {one["name"]: one for one in found["env"]}


def pins(file: str) -> dict[str, set[str]]:
    text = (ROOT / "requirements" / f"{file}.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_it_is_there_where_it_was_asked_for() -> None:
    assert {setup for setup in SETUPS if list(of_kind(golden(setup), "CronJob"))} == FITS.keys()


@fitted
def test_one_night_never_meets_another(setup: str) -> None:
    spec = job(setup)["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    bounded = spec["jobTemplate"]["spec"]
    assert bounded["activeDeadlineSeconds"] + spec["startingDeadlineSeconds"] < 24 * 3600
    assert bounded["template"]["spec"]["restartPolicy"] == "Never"


@fitted
def test_it_runs_in_its_own_image(setup: str) -> None:
    found = container(job(setup))
    assert found["command"] == ["rapport", "clv", "fit"]
    assert re.search(r"(^|/)rapport-fit[:@]", found["image"])
    assert not re.search(r"rapport-fit", deployed(setup, "metrics-worker")["image"])


def test_its_image_is_where_the_other_is_unless_told() -> None:
    """A name without a registry would be pulled from Docker Hub, whosever it is there."""
    assert "repository" not in yaml.safe_load(values("gitops").read_text(encoding="utf-8"))["clv"]["image"]
    other = deployed("gitops", "metrics-worker")["image"].partition("@")[0].rpartition("/")[0]
    assert container(job("gitops"))["image"].startswith(f"{other}/rapport-fit@")


def test_its_image_is_of_the_same_version_unless_told() -> None:
    _, _, version = container(job("certificates"))["image"].rpartition(":")
    assert deployed("certificates", "metrics-worker")["image"].endswith(f":{version}")


@fitted
def test_what_it_is_told_is_enough_and_no_more(setup: str) -> None:
    told = env(container(job(setup)))
    others = {"RAPPORT_KAFKA_", "RAPPORT_MONGO_"}
    assert {"RAPPORT_KAFKA", "RAPPORT_MONGO"} <= told.keys()
    assert all(name in ("RAPPORT_KAFKA", "RAPPORT_MONGO") or name[:14] in others for name in told)
    environ = {name: one.get("value", "mongodb://mongo") for name, one in told.items()}
    files = {name for name, variable in variables().items() if variable.file}
    plain = {name: value for name, value in environ.items() if name not in files}
    assert connections.store(plain).mongo == "mongodb://mongo"
    if not files & told.keys():
        assert connections.brokers(plain).servers == environ["RAPPORT_KAFKA"]


@fitted
def test_it_is_of_metrics_as_its_api_is(setup: str) -> None:
    """It reads the database of metrics, and speaks to Kafka as metrics does."""
    told, api = env(container(job(setup))), env(deployed(setup, "metrics-api"))
    assert told == {name: api[name] for name in told}


def test_it_may_read_and_publish() -> None:
    assert ModelFitted.topic in rights()["metrics"]["writes"]
    (role,) = (one for one in roles() if one.name == f"{DATABASE}_api")
    read = {one["resource"]["collection"] for one in role.privileges if "find" in one["actions"]}
    assert {"customers", "partitions"} <= read


def test_its_image_has_the_extra_by_hash_and_the_others_do_not() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["dependency-groups"]["fit"] == project["project"]["optional-dependencies"]["fit"]
    fit, dev = pins("fit"), pins("dev")
    assert fit.keys() == {"numpy", "scipy"}
    assert fit == {name: dev[name] for name in fit}
    assert not fit.keys() & pins("runtime").keys()


def test_the_image_without_a_target_is_the_small_one() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, flags=re.MULTILINE)
    assert stages[-1] == ("runtime", "")
    assert ("${RUNTIME}", "fit") in stages
    assert re.search(r"^ARG RUNTIME=runtime$", dockerfile[: dockerfile.index("FROM ")], flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "below"),
    [({}, []), ({"RAPPORT_IMAGE": "there:1"}, ["RUNTIME=there:1"])],
    ids=["built", "given"],
)
def test_the_image_that_fits_is_built_upon_the_one_that_is_tested(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], below: list[str]
) -> None:
    """Else its layers are not those of the image that ``RAPPORT_IMAGE`` names."""
    ran: list[list[str]] = []

    def run(command: list[Any], **_: Any) -> Any:
        ran.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, 0, stdout="3.13")

    for name in ("RAPPORT_IMAGE", "RAPPORT_FIT_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(containers, "answers", lambda: True)
    monkeypatch.setattr(subprocess, "run", run)
    assert image_build.built_to_fit() == image_build.FIT
    assert [word for word in ran[-1] if word.startswith("RUNTIME=")] == below
    monkeypatch.setenv("RAPPORT_FIT_IMAGE", "fits:1")
    assert image_build.built_to_fit() == "fits:1"
