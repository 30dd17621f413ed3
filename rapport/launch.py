"""Starts and stops a whole stack as a daemon. It prints nothing: `up`, the demo and tests share it."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from signal import SIGTERM
from typing import Any

from rapport.embedded import jars, java, mongo
from rapport.embedded.part import tail
from rapport.embedded.stack import PARTS, plan
from rapport.home import Home, read_env
from rapport.processes import alive, end
from rapport.status import Failure, Status, orphans, read, supervisor
from rapport.trouble import TroubleError

STOP_SECONDS = 60.0

_detached: list[subprocess.Popen[bytes]] = []
"""Supervisors that are meant to outlive us: dropped, each would warn that it still runs."""


class StartFailedError(Exception):
    """A part did not come up; everything has been stopped again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.part} did not start: {failure.message}")
        self.failure = failure


def fetch(parts: Sequence[str], report: jars.Report = lambda _: None) -> None:
    """Get what the parts need onto this machine: Java is there, the jars are fetched. Raises TroubleError."""
    if "kafka" in parts:
        java.find()
        jars.ensure(report)
    if "mongo" in parts:
        mongo.choose(os.environ)


def launch(
    home: Home,
    parts: Sequence[str] = PARTS,
    options: Mapping[str, str] | None = None,
    on_status: Callable[[Status], None] = lambda _: None,
) -> bool:
    """Start the supervisor and return when all parts are ready; call ``fetch`` first for its progress.

    ``options``: variables that differ from this process's environment, e.g. ``RAPPORT_CLOCK``.
    False when a stack runs here already, whatever its parts. Raises StartFailedError or TroubleError.
    """
    home.create()
    with open(home.root / "launch.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second `up` waits, and finds the first one's stack
        return _launch(home, parts, options or {}, on_status)


def _launch(
    home: Home, parts: Sequence[str], options: Mapping[str, str], on_status: Callable[[Status], None]
) -> bool:
    if supervisor(home):
        return False
    end_orphans(home)
    environ = {**os.environ, **options, "RAPPORT_HOME": str(home.root)}
    plan(home, parts, environ)  # complains here, where someone reads it
    for stale in (home.status_file, home.env_file, home.pid_file):
        stale.unlink(missing_ok=True)
    with open(home.log("supervisor"), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rapport.supervisor", *parts],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _detached.append(process)
    try:
        return _follow(home, process, on_status)
    except BaseException:
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)
        raise


def _follow(home: Home, process: subprocess.Popen[bytes], on_status: Callable[[Status], None]) -> bool:
    while True:
        ended = process.poll()
        status = read(home)
        if status is not None:
            on_status(status)
            if status.phase == "running" and home.env_file.exists():
                return True
            if status.failure is not None and ended is not None:
                raise StartFailedError(status.failure)
        if ended is not None:
            if ended == 0 and supervisor(home):  # another `up` was faster
                return False
            last = tail(home.log("supervisor"), 1)
            raise TroubleError(last[0] if last else f"The supervisor ended with exit code {ended}.")
        time.sleep(0.1)


def stop(home: Home, on_status: Callable[[Status], None] = lambda _: None) -> bool:
    """Stop what runs in this home, wait for it, and remove its env and pid files.

    False when nothing ran. A supervisor that does not end in a minute is killed, then its parts are.
    """
    known = supervisor(home)
    ran = known is not None
    if known is not None:
        _end_supervisor(home, known, on_status)
    ran = end_orphans(home) or ran
    for left in (home.env_file, home.pid_file):
        left.unlink(missing_ok=True)
    _detached[:] = [process for process in _detached if process.poll() is None]
    return ran


def _end_supervisor(home: Home, known: dict[str, Any], on_status: Callable[[Status], None]) -> None:
    os.kill(known["pid"], SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while alive(known) and time.monotonic() < deadline:
        if (status := read(home)) is not None:
            on_status(status)
        time.sleep(0.1)
    end(known, seconds=0)


def end_orphans(home: Home) -> bool:
    """Stop parts whose supervisor was killed; False when there are none."""
    left = orphans(home)
    for known in left:
        end(known, seconds=10)
    return bool(left)


def running_env(home: Home) -> dict[str, str]:
    """The variables of the stack that runs in this home. Raises TroubleError when none does."""
    env = read_env(home) if supervisor(home) else {}
    if not env:
        raise TroubleError(f"Nothing runs in {home.root}: start it with `rapport up --detach`.")
    return env
