"""The chart as it renders: by helm where it is there, and as kept in chart/golden in any case."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.debian import MissingProgramError
from tools.gotools import find

ROOT = Path(__file__).parents[1]
CHART = ROOT / "deploy" / "helm" / "rapport"
GOLDEN = Path(__file__).parent / "chart" / "golden"
SETUPS = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*.yaml")))
RELEASE, NAMESPACE = "rapport", "shop"
LONG = 4000
"""A line of more characters is a dashboard: the golden render keeps its SHA-256."""

Thing = Mapping[str, Any]
each_setup = pytest.mark.parametrize("setup", SETUPS)


def program(name: str) -> Path:
    """helm, kubeconform or actionlint; the test is skipped where neither it is there nor Go to build it, but
    never in CI."""
    try:
        return find(name)
    except MissingProgramError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def values(setup: str) -> Path:
    return CHART / "ci" / f"{setup}-values.yaml"


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program("helm"), *arguments], capture_output=True, text=True, timeout=60)


def render(*arguments: str | Path) -> str:
    """What ``helm template`` writes."""
    done = helm("template", RELEASE, CHART, "--namespace", NAMESPACE, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaint(*arguments: str | Path) -> str:
    """What ``helm template`` says on standard error as it refuses these values."""
    done = helm("template", RELEASE, CHART, "--namespace", NAMESPACE, *arguments)
    assert done.returncode != 0, "these values are taken"
    return done.stderr


def kept(text: str) -> str:
    """A render as it is kept: long lines by what they hash to, no trailing space."""
    return "".join(_short(line.rstrip()) + "\n" for line in text.splitlines())


def _short(line: str) -> str:
    if len(line) <= LONG:
        return line
    name, _, value = line.partition(": ")
    return f"{name}: sha256:{sha256(value.encode()).hexdigest()}"


@cache
def golden(setup: str) -> tuple[Thing, ...]:
    """The objects of a set-up as they are kept."""
    return objects((GOLDEN / f"{setup}.yaml").read_text(encoding="utf-8"))


def objects(text: str) -> tuple[Thing, ...]:
    return tuple(thing for thing in yaml.safe_load_all(text) if thing)


def of_kind(things: Sequence[Thing], *kinds: str) -> Iterator[Thing]:
    return (thing for thing in things if thing["kind"] in kinds)


def named(things: Sequence[Thing], kind: str, name: str) -> Thing:
    return next(thing for thing in of_kind(things, kind) if thing["metadata"]["name"] == name)


def pods(things: Sequence[Thing]) -> Iterator[tuple[str, Thing]]:
    """Name of what makes it, and the pod's template."""
    for thing in of_kind(things, "Deployment", "Job", "CronJob"):
        made = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
        yield thing["metadata"]["name"], made["template"]


def process_of(name: str) -> tuple[str, str]:
    """Service and kind of a Deployment."""
    found = re.search(r"(interactions|loyalty|followup|metrics)-(worker|api|mail)$", name)
    assert found, name
    return found[1], found[2]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector (matchLabels, matchExpressions with In) takes these labels."""
    fits = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    among = (labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", ()))
    return fits and all(among)


def write() -> None:
    """``python -m tests.rendered_chart``: keep what the chart renders now."""
    GOLDEN.mkdir(exist_ok=True)
    for setup in SETUPS:
        (GOLDEN / f"{setup}.yaml").write_text(kept(render("--values", values(setup))), encoding="utf-8")
    for path in GOLDEN.glob("*.yaml"):
        if path.stem not in SETUPS:
            path.unlink()


if __name__ == "__main__":
    write()
