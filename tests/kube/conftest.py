"""Servers that pods reach, a namespace where nothing privileged runs, the values of the tests' release."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.embedded.stack import INFRASTRUCTURE
from rapport.home import Home, read_env
from rapport.launch import fetch, launch, stop
from tests.faults.platform import Platform
from tests.image_build import NAME, ROOT
from tests.kube import cluster
from tests.kube.cluster import NAMESPACE, kubectl
from tests.kube.till import Till
from tests.told import Ticking, say

PARTITIONS = 2
CHART = ROOT / "deploy" / "helm" / "rapport"


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Kafka, MongoDB and SMTP of `rapport up`, at the address by which pods reach this machine."""
    home = Home(tmp_path_factory.mktemp("kube"))
    told = {"RAPPORT_UP_BIND": cluster.address(), "RAPPORT_PARTITIONS": str(PARTITIONS)}
    with Ticking(f"starting Kafka, MongoDB and an SMTP server at {cluster.address()}"):
        fetch(INFRASTRUCTURE)
        launch(home, INFRASTRUCTURE, told)
    found = Platform(read_env(home), home)
    try:
        yield found
    finally:
        found.close()
        stop(home)


@pytest.fixture(scope="session")
def namespace(platform: Platform) -> Iterator[str]:
    """New, under Pod Security `restricted`, with the one Secret that the chart asks for."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    env = platform.env
    keys = {
        "mongo": env["RAPPORT_MONGO"],
        "secret-key": env["RAPPORT_SECRET_KEY"],
        "api-key": env["RAPPORT_API_KEY"],
    }
    literals = [f"--from-literal={name}={value}" for name, value in keys.items()]
    kubectl("create", "secret", "generic", "rapport", *literals)
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


@pytest.fixture(scope="session")
def values(platform: Platform, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of values: small, as many loyalty workers as partitions, one of each other process."""
    env = platform.env
    repository, _, tag = os.environ.get("RAPPORT_IMAGE", NAME).rpartition(":")
    told: dict[str, Any] = {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "partitions": PARTITIONS,
        "settings": {
            "RAPPORT_KAFKA": env["RAPPORT_KAFKA"],
            "RAPPORT_SMTP_HOST": env["RAPPORT_SMTP_HOST"],
            "RAPPORT_SMTP_PORT": int(env["RAPPORT_SMTP_PORT"]),
        },
        "workers": {"replicas": 1},
        "apis": {"replicas": 1},
        "services": {"loyalty": {"worker": {"replicas": PARTITIONS}}},
        "networkPolicy": {"mongo": {"ports": [int(env["RAPPORT_MONGO"].split(":")[2].split("/")[0])]}},
        "check": {"seconds": 300},
    }
    file = tmp_path_factory.mktemp("values") / "values.yaml"
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def chart_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as it was before the last commit that changed it; the same where there is none."""
    place = str(CHART.relative_to(ROOT))
    git = ["git", "-C", str(ROOT)]
    log = subprocess.run([*git, "log", "-2", "--format=%H", "--", place], capture_output=True, text=True)
    commits = log.stdout.split()
    if len(commits) < 2:
        say("the chart has no earlier version here: it is upgraded to itself")
        return CHART
    packed = subprocess.run([*git, "archive", commits[1], place], capture_output=True, check=True)
    folder = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    say(f"the chart before is that of {commits[1][:8]}")
    return folder / place


@pytest.fixture(scope="session")
def till(platform: Platform) -> Till:
    return Till(platform)
