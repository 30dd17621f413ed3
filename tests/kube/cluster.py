"""What the tests ask of the cluster, by kubectl and helm."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests import containers
from tests.told import say
from tools.gotools import find

RELEASE, NAMESPACE = "rapport", "rapport-test"
SELECTOR = f"app.kubernetes.io/instance={RELEASE}"
MARGIN = 600.0
"""Seconds in which what must come has come, however busy the machine is."""
KINDS = (
    "deployments,replicasets,pods,services,jobs,configmaps,secrets,serviceaccounts,"
    "networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,ingresses"
)


class RefusedError(Exception):
    """kubectl or helm ended with an error; the text is what it said."""


def run(*words: str | Path, given: str | None = None, check: bool = True) -> str:
    done = subprocess.run([*map(str, words)], input=given, capture_output=True, text=True)
    if check and done.returncode:
        raise RefusedError(f"{' '.join(map(str, words[:3]))}: {(done.stderr + done.stdout).strip()[-3000:]}")
    return done.stdout


def kubectl(*words: str, given: str | None = None, check: bool = True) -> str:
    return run("kubectl", "--namespace", NAMESPACE, *words, given=given, check=check)


def objects(kinds: str) -> list[dict[str, Any]]:
    """Those of the release."""
    found: list[dict[str, Any]] = json.loads(kubectl("get", kinds, "-l", SELECTOR, "-o", "json"))["items"]
    return found


def pods(component: str | None = None) -> list[dict[str, Any]]:
    """Pods of the release that are to stay, those of Jobs left out."""
    return [
        pod
        for pod in objects("pods")
        if "deletionTimestamp" not in pod["metadata"]
        and pod["metadata"]["labels"]["app.kubernetes.io/component"].endswith(("-worker", "-api"))
        and (component is None or pod["metadata"]["labels"]["app.kubernetes.io/component"] == component)
    ]


def ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts() -> dict[str, int]:
    """How often the containers that run now were restarted."""
    return {
        pod["metadata"]["name"]: sum(c["restartCount"] for c in pod["status"].get("containerStatuses", []))
        for pod in pods()
    }


def until(condition: Callable[[], bool], what: str, seconds: float = MARGIN) -> None:
    """Wait for it, and say every ten seconds that it is waited for."""
    began = told = time.monotonic()
    while not condition():
        now = time.monotonic()
        assert now - began < seconds, f"not within {seconds:.0f} s: {what}\n{state()}"
        if now - told >= 10:
            told = now
            say(f"waiting until {what}: {now - began:.0f} s")
        time.sleep(0.5)  # between two questions


def state() -> str:
    """What a person would look at."""
    shown = kubectl("get", "pods", "-o", "wide", check=False)
    return shown + kubectl("get", "events", "--sort-by=.lastTimestamp", check=False)[-3000:]


def all_ready(replicas: int) -> None:
    until(lambda: sum(map(ready, pods())) == replicas == len(pods()), f"{replicas} pods are ready")


def helm(*words: str | Path) -> str:
    return run(find("helm"), "--namespace", NAMESPACE, *words)


def rollout(component: str) -> None:
    """Restart all pods of it, and wait until the new ones have taken over."""
    deployment = f"deployment/{RELEASE}-{component}"
    kubectl("rollout", "restart", deployment)
    kubectl("rollout", "status", deployment, f"--timeout={MARGIN:.0f}s")


def address() -> str:
    """This machine's, as pods reach it: ``KUBE_ADDRESS``, or that in kind's network."""
    if given := os.environ.get("KUBE_ADDRESS"):
        return given
    if shutil.which("docker") and containers.docker("network", "ls", "-q", "--filter", "name=^kind$"):
        return containers.gateway("kind")
    raise RefusedError("Say with KUBE_ADDRESS by which address pods reach this machine.")
