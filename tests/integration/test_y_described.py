"""The four APIs are as their OpenAPI documents say: all of schemathesis' checks.

After most other files, since it leaves customers and agents behind whom nobody else wants.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.schemas.services import SERVICES
from tests.integration.described import config
from tests.stack import Stack

ROOT = Path(__file__).parents[2]
PHASES = "DESCRIBED_PHASES"
"""Schemathesis' phases, where not all: ``make integration`` leaves out the longest."""
SECONDS = 540 if config.EXAMPLES not in os.environ else 9000


@pytest.fixture(scope="module")
def runs(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A run for each service, all at once."""
    told = tmp_path_factory.mktemp("described") / "schemathesis.toml"
    told.write_text(config.text(os.environ, random.randrange(2**32)), "utf-8")
    running = {service: _begin(stack, service, told) for service in SERVICES}
    try:
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.communicate()


def _begin(stack: Stack, service: str, told: Path) -> subprocess.Popen[str]:
    url = stack.env[f"RAPPORT_{service.upper()}_URL"] + "/openapi.json"
    key = f"X-API-Key: {stack.env['RAPPORT_API_KEY']}"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(told), "run"]
    phases = ["--phases", os.environ[PHASES]] if os.environ.get(PHASES) else []
    return subprocess.Popen(
        [*command, url, "--header", key, "--no-color", *phases],
        cwd=ROOT,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.integration.described.checks"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_an_api_is_as_it_is_described(runs: dict[str, subprocess.Popen[str]], service: str) -> None:
    said, _ = runs[service].communicate(timeout=SECONDS)
    assert runs[service].returncode == 0, said[-20_000:]
    assert "No issues found" in said
