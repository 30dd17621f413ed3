"""Programs that tests need and pip does not have: found on PATH, or Debian's package is installed by name."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class MissingProgramError(Exception):
    """There is none, and none can be installed; the text says what to do."""


def find(names: Sequence[str], packages: Sequence[str], missing: str) -> Path:
    """The first of these programs that is on PATH; where none is, and this is root, after apt-get has
    installed the packages. Raises ``MissingProgramError`` with ``missing``."""
    found = _on_path(names)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(packages, missing)
        found = _on_path(names)
    if found is None:
        raise MissingProgramError(missing)
    return found


def _on_path(names: Sequence[str]) -> Path | None:
    found = next((path for name in names if (path := shutil.which(name))), None)
    return None if found is None else Path(found)


def _install(packages: Sequence[str], missing: str) -> None:
    print(f"Installing Debian's {packages[0]} for the tests.", file=sys.stderr)
    # What a package would start as a service of the machine stays stopped, under systemd and without.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "SYSTEMD_OFFLINE": "1"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True)
        if done.returncode:
            why = done.stderr.strip()[-500:]
            raise MissingProgramError(f"apt-get could not install {packages[0]}: {why}\n{missing}")
