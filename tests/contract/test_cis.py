"""docs/cis.md: each point names a test that there is; and those points that the Dockerfile itself shows."""

import re
from pathlib import Path

import pytest

from tests.contract.test_security import named_tests
from tests.rendered_chart import each_setup, golden, pods

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cis.md").read_text(encoding="utf-8")
POINTS = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
STEPS = [
    line.partition(" ")
    for line in re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    if line
]
"""A step of the Dockerfile each, its continued lines joined: (instruction, "", what it is told)."""


def told(instruction: str) -> list[str]:
    return [rest for name, _, rest in STEPS if name == instruction]


@pytest.mark.parametrize("point", POINTS, ids=[point.split("|")[1].strip()[:30] for point in POINTS])
def test_a_point_is_shown_by_a_test(point: str) -> None:
    assert named_tests(point), "no test is named"


def test_there_is_one_base_and_it_is_python_s() -> None:
    stages = {words[2] for base in told("FROM") if len(words := base.split()) == 3}
    assert {base.split()[0] for base in told("FROM")} - stages == {"python:${PYTHON}-slim", "${RUNTIME}"}
    assert "RUNTIME=runtime" in told("ARG")


@each_setup
def test_each_process_is_asked_for_its_health(setup: str) -> None:
    assert "HEALTHCHECK" not in {name for name, _, _ in STEPS}
    for name, pod in pods(golden(setup)):
        if "job" not in name.lower() and pod["spec"].get("restartPolicy", "Always") == "Always":
            for container in pod["spec"]["containers"]:
                assert {"livenessProbe", "readinessProbe"} <= container.keys(), name


def test_packages_are_listed_where_they_are_installed() -> None:
    listing = [step for step in told("RUN") if "apt-get update" in step]
    assert listing
    assert all("apt-get install -y --no-install-recommends" in step for step in listing)


def test_nothing_is_fetched_by_add() -> None:
    assert told("COPY")
    assert not told("ADD")


def test_a_build_is_told_no_secret() -> None:
    assert {argument.partition("=")[0] for argument in told("ARG")} == {
        "PYTHON",
        "RUNTIME",
        "COMPILE",
        "VERSION",
        "REVISION",
    }
    assert not re.search(r"secret|password|token", DOCKERFILE, flags=re.IGNORECASE)
    assert not [step for step in told("COPY") if step.split()[0] in (".", "./", "*")]


def test_each_package_comes_by_its_hash() -> None:
    fetching = [
        command
        for step in told("RUN")
        for command in re.split(r"&&|;", step)
        if re.search(r"/pip( --python \S+)? (install|wheel|download)\b", command)
    ]
    assert len(fetching) == 4
    for command in fetching:
        assert "--require-hashes" in command or "--no-index" in command, command
