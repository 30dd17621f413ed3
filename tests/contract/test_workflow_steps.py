"""What the workflow on GitHub runs is told what it needs, and what asks for another cluster says so."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.described import config
from tests.kube import loading

ROOT = Path(__file__).parents[2]


def steps() -> Iterator[Mapping[str, Any]]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text("utf-8"))
    for job in workflow["jobs"].values():
        yield from job["steps"]


def test_the_tests_on_a_cluster_are_told_the_one_that_is_made() -> None:
    made = [step for step in steps() if "kind create cluster" in step.get("run", "")]
    used = [step for step in steps() if "make kube-test" in step.get("run", "")]
    assert made
    assert used
    assert {step.get("env", {}).get("KUBECONFIG", "") for step in made + used} == {
        "${{ runner.temp }}/kind.yaml"
    }


def test_without_a_cluster_nothing_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the step would have met: the cluster of somebody's default file is none for tests."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert loading.main() == 2
    assert "KUBECONFIG" in "".join(capsys.readouterr())


def test_each_week_the_apis_meet_other_cases() -> None:
    (examples,) = (
        step["env"][config.EXAMPLES] for step in steps() if "make described" in step.get("run", "")
    )
    week, next_week = (config.text({config.EXAMPLES: examples}, seed) for seed in (1, 2))
    assert "max-examples = 100\n" in week
    assert "seed = 1\n" in week
    assert "seed = 2\n" in next_week
    assert config.text({}, 1) == config.KEPT.read_text("utf-8")
