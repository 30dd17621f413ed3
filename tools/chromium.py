"""Finds the system's Chromium for the browser tests, or installs Debian's: ``python -m tools.chromium``
prints where it is. A browser build is never downloaded from anywhere else."""

import os
import sys
from pathlib import Path

from tools.debian import MissingProgramError, find

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")
MISSING = (
    "The browser tests need Chromium and found none on PATH: install it (Debian and Ubuntu: sudo apt-get "
    "install chromium), or name one with RAPPORT_CHROMIUM=/path/to/chromium."
)


def chromium() -> Path:
    """Where it is; installed by apt-get where there is none and this is root. Raises
    ``MissingProgramError``."""
    named = os.environ.get("RAPPORT_CHROMIUM")
    if not named:
        return find(NAMES, PACKAGES, MISSING)
    if not os.access(named, os.X_OK):
        raise MissingProgramError(f"RAPPORT_CHROMIUM={named} is no program: correct it, or unset it.")
    return Path(named)


if __name__ == "__main__":
    try:
        print(chromium())
    except MissingProgramError as error:
        sys.exit(str(error))
