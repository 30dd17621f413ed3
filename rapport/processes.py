"""Processes by pid and start time, so that a reused pid is never mistaken for ours."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


def _linux_birth(pid: int) -> str | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The second field, the name, may hold spaces and brackets: count from the last bracket.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}/{started}"


def birth(pid: int) -> str | None:
    """What tells this life of a pid from another (boot and start time); None when nobody lives there."""
    if (_PROC / "self/stat").exists():
        return _linux_birth(pid)
    found = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, started = found.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def identity(pid: int) -> dict[str, Any]:
    """JSON data that ``alive`` recognises this process by."""
    return {"pid": pid, "birth": birth(pid)}


def alive(known: dict[str, Any] | None) -> bool:
    """Whether the very process of ``identity`` still runs: not a stale pid, not another one's."""
    if not known or not isinstance(known.get("pid"), int) or not known.get("birth"):
        return False
    return birth(known["pid"]) == str(known["birth"])


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a process and the group it leads; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end(known: dict[str, Any], *, seconds: float) -> None:
    """Stop a process that is not our child: SIGTERM, and SIGKILL after ``seconds``."""
    if not alive(known):
        return
    os.kill(known["pid"], signal.SIGTERM)
    if not wait_gone(known, seconds=seconds) and alive(known):
        signal_group(known["pid"], signal.SIGKILL)
        wait_gone(known, seconds=5)


def wait_gone(known: dict[str, Any], *, seconds: float) -> bool:
    """Wait until the process has ended; False when it has not in time."""
    deadline = time.monotonic() + seconds
    while alive(known):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
