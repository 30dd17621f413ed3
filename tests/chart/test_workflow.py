"""The workflow on GitHub is well formed: actionlint says so, as far as a file tells."""

import subprocess
from pathlib import Path

import pytest

from tests.rendered_chart import program

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """Without shellcheck and pyflakes, which are on some machines and not on others."""
    command = [str(program("actionlint")), "-no-color", "-shellcheck=", "-pyflakes=", str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_wrong_with_it(path: Path) -> None:
    done = lint(path)
    assert done.returncode == 0, done.stdout


def test_what_is_wrong_would_be_found(tmp_path: Path) -> None:
    broken = tmp_path / "ci.yaml"
    broken.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs-onn:", 1))
    assert "runs-on" in lint(broken).stdout
