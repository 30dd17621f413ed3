"""docs/security.md says which test shows each mitigation: they are there. And what bandit passes over."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "what could happen" not in line]
CODE = [
    path
    for folder in ("deploy", "rapport", "services", "shared", "tools")
    for path in (ROOT / folder).rglob("*.py")
]
PASSED_OVER = re.compile(r"# nosec( B[0-9]{3})+$")


def named_tests(row: str) -> list[str]:
    """The tests that the last cell of a table's row names; each must be there."""
    named = re.findall(r"`(tests/[^`]+)`", row.split("|")[-2])
    for name in named:
        path, _, function = name.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {function or 'test_'}", text, re.MULTILINE), name
    return named


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[2].strip()[:40] for row in ROWS])
def test_a_mitigation_is_shown_by_a_test(row: str) -> None:
    assert named_tests(row), "no test is named"


def test_every_kind_of_threat_is_looked_at() -> None:
    kinds = [kind for row in ROWS if (kind := row.split("|")[1].strip())]
    assert kinds == [f"**{letter}**" for letter in "STRIDE"]


def test_what_the_checker_is_told_to_pass_over_is_said() -> None:
    """Each by its name, under a line that says why, and none for whole files."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["bandit"]
    assert "skips" not in settings
    assert len(CODE) > 500
    for path in CODE:
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line in pairwise(["", *lines]):
            if "# nosec" in line:
                assert PASSED_OVER.search(line), f"{path}: {line}"
                assert before.strip().startswith("#"), f"{path}: {line}"
