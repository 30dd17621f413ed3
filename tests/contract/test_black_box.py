"""The outside contract's own checks, run by another program against the running platform."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import Stack

CHECKS = Path(__file__).parents[3] / "shared" / "checks" / "contract.py"

pytestmark = pytest.mark.integration


@pytest.mark.skipif(not CHECKS.exists(), reason="the checks lie beside the project in its own workplace only")
def test_the_contract_holds_from_outside(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, str(CHECKS)],
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
