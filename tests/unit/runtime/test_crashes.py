"""A process that ends by an error, and one that warns, say so in their log and without what was sent."""

import json
import subprocess
import sys
from typing import Any

import pytest

SETTING_UP = """
import threading, warnings
from shared.runtime.crashes import tell_in_the_log
from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging
configure_logging(Settings(kafka="k:1", mongo="mongodb://h", secret_key="0" * 16), "tally")
tell_in_the_log()
def fail():
    raise ValueError("zo\\xeb@example.com")
class Broken:
    def __del__(self):
        fail()
"""


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        ("fail()", "ended by an error"),
        (
            "thread = threading.Thread(target=fail); thread.start(); thread.join()",
            "a thread ended by an error",
        ),
        ("Broken()", "an error that nobody can catch"),
        ("warnings.warn('zo\\xeb@example.com', stacklevel=1)", "a warning"),
    ],
)
def test_it_is_said_in_the_log_alone(happens: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SETTING_UP + happens], capture_output=True, text=True, timeout=60, check=False
    )
    assert "example.com" not in done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    assert told["event"] == said
    if "warning" not in said:
        assert "ValueError" in told["exception"]
