"""``make test`` runs every tier, and each unit test in one of two halves."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import TIERS
from tests.sharing import beside

ROOT = Path(__file__).parents[2]
APART = {"bench", "image", "kube"}
"""Tiers that ``make test`` leaves out: a quiet machine, Docker, a cluster."""


def recipe(target: str) -> str:
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_tier_is_run() -> None:
    """Each is a target; and between them they run every folder of tests but those that need more."""
    found = re.search(r"for tiers in (.*); do", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert found is not None
    names = re.findall(r"[\w-]+", found[1])
    assert len(names) == len(set(names))
    assert names[-1] == "integration-alone"
    run = "\n".join(map(recipe, names))
    assert set(re.findall(r"pytest.* tests/(\w+)", run)) >= set(TIERS) - APART | {"contract"}
    assert {"ruff", "mypy", "bandit"} <= set(re.findall(r"\.venv/bin/(\w+)", run))


def test_unit_tests_are_in_one_of_two_halves() -> None:
    """Whatever is not named for the second is not left out of the first."""
    first, second, whole = map(recipe, ("unit-first", "unit-beside", "unit"))
    files = {str(file.relative_to(ROOT)) for file in beside(ROOT / "tests" / "unit")}
    assert files
    assert set(re.findall(r"--ignore=(\S+)", first)) == files
    assert set(re.findall(r"\S+/test_\S+\.py", second)) == files
    assert re.sub(r" --ignore=\S+", "", first).split() == whole.split()


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("def test_x(now: datetime) -> None: ...", False),
        ("def test_x(api: TestClient) -> None: ...", True),
        ("def test_x(mongo_uri: str) -> None: ...", True),
        ("async def test_x(database: Database) -> None: ...", True),
        ("from hypothesis import given", True),
        ("async def test_x(database: Database) -> None: await asyncio.sleep(1)", False),
        ("def test_x(api: TestClient) -> None: assert monotonic() < then", False),
    ],
)
def test_what_counts_seconds_is_not_beside_others(tmp_path: Path, text: str, apart: bool) -> None:
    file = tmp_path / "loyalty" / "test_some.py"
    file.parent.mkdir()
    file.write_text(text)
    assert list(beside(tmp_path)) == [file] * apart
