"""Processes that answer nothing, as behind a broken network."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 10.0


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """From the first line within until the last, nothing of these runs; then they go on, whatever happened.

    A signal is not a stop: one of the process's threads has to take it first, which on a busy machine is
    milliseconds later. Until then the others go on, and answer.
    """
    stopped: list[int] = []
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        for pid in pids:
            _wait_stopped(pid)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def _wait_stopped(pid: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not all(state.startswith("T") for state in _states(pid)):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.002)


def _states(pid: int) -> Sequence[str]:
    """Of its threads; where the system does not tell, of the process."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.is_dir():
        asked = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True)
        return asked.stdout.split()
    try:
        return [stat.read_text().rpartition(")")[2].strip() for stat in tasks.glob("*/stat")]
    except OSError:  # one has ended meanwhile
        return ["?"]
