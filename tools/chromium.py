"""Finds the system's Chromium for the browser tests, or installs Debian's: ``python tools/chromium.py``
prints where it is. A browser build is never downloaded from anywhere else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGE = "chromium"
MISSING = (
    "The browser tests need Chromium and found none on PATH: install it (Debian and Ubuntu: sudo apt-get "
    "install chromium), or name one with RAPPORT_CHROMIUM=/path/to/chromium."
)


class NoBrowserError(Exception):
    """There is none, and none can be installed; the text says what to do."""


def chromium() -> Path:
    """Where it is; installed by apt-get where there is none and this is root. Raises ``NoBrowserError``."""
    named = os.environ.get("RAPPORT_CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise NoBrowserError(f"RAPPORT_CHROMIUM={named} is no program: correct it, or unset it.")
        return Path(named)
    found = _on_path()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _on_path()
    if found is None:
        raise NoBrowserError(MISSING)
    return found


def _on_path() -> Path | None:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return None if found is None else Path(found)


def _install() -> None:
    print(f"Installing Debian's {PACKAGE} for the browser tests.", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", PACKAGE, "fonts-dejavu-core"]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True)
        if done.returncode:
            why = done.stderr.strip()[-500:]
            raise NoBrowserError(f"apt-get could not install {PACKAGE}: {why}\n{MISSING}")


if __name__ == "__main__":
    try:
        print(chromium())
    except NoBrowserError as error:
        sys.exit(str(error))
