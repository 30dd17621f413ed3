"""The demo's own stack: a home of its own, the stream clock, empty at the start, stopped at the end."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rapport import status
from rapport.home import Home, read_env
from rapport.replay.record import rfc3339
from rapport.trouble import TroubleError
from services.metrics.config import POLICIES

_SECONDS_TO_STOP = 90
_MACHINE = frozenset(
    f"RAPPORT_{name}" for name in ("MAVEN_URL", "MONGO_SERVER", "PARTITIONS", "BATCH_SIZE", "LOG_LEVEL")
)
"""Settings that are about this machine, not about a platform that runs on it."""


class DemoStack:
    """Runs ``rapport`` as a user would, in ``root``; nothing else of this user's is touched."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root.resolve())
        # Settings of another platform must not leak in: its broker, its keys, its program.
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _MACHINE or not name.startswith("RAPPORT_")
        }
        own = {"HOME": self.home.root, "CLOCK": "stream", "METRICS_POLICY": POLICIES / "replay.yaml"}
        self.environ = {**kept, **{f"RAPPORT_{name}": str(value) for name, value in own.items()}}

    @property
    def running(self) -> bool:
        return status.supervisor(self.home) is not None

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that name what runs. Raises TroubleError if nothing does."""
        found = read_env(self.home)
        if not found:
            raise TroubleError(f"The demo's stack in {self.home.root} does not run.")
        return found

    def start(self) -> None:
        """Start from nothing: what an earlier run left is stopped and deleted. Raises TroubleError."""
        self.stop()
        shutil.rmtree(self.home.root, ignore_errors=True)
        self._rapport("up", "--detach", because="The demo's stack did not start; its own words are above.")

    def stop(self) -> None:
        """Stop all parts that run in this home, by the ids it has on record."""
        if self.running or status.orphans(self.home):
            self._rapport(
                "down", because="The demo's stack did not stop.", seconds=_SECONDS_TO_STOP, quiet=True
            )

    def advance_clock(self, to: datetime) -> None:
        """Let the stream clock of every partition reach ``to``. Raises TroubleError."""
        self._rapport("clock", "advance", rfc3339(to), because="The clock was not advanced.", quiet=True)

    def export_page(self, customer: str, file: Path) -> None:
        """All that is held of a customer, as a page for people. Raises TroubleError."""
        export = ("customer", "export", customer, "--html", "--out", str(file))
        self._rapport(*export, because="The export was not made.", quiet=True)

    def _rapport(
        self, *arguments: str, because: str, seconds: float | None = None, quiet: bool = False
    ) -> None:
        command = [sys.executable, "-m", "rapport", *arguments]
        # A session of its own: Ctrl-C is for the demo, which then stops the stack in order.
        process = subprocess.Popen(
            command,
            env=self.environ,
            start_new_session=True,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode:
            raise TroubleError(" ".join(filter(None, (because, (output or "").strip()))))
