"""Finds Prometheus for the tests, or installs Debian's: ``python -m tools.prometheus promtool test rules
FILE...`` runs promtool, ``python -m tools.prometheus prometheus`` prints where the server is."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.debian import MissingProgramError, find

MISSING = (
    "The tests of the Prometheus rules and of the dashboards need Prometheus and found none on PATH: install "
    "it (Debian and Ubuntu: sudo apt-get install prometheus), with promtool beside it."
)


def prometheus() -> Path:
    """The server. Raises ``MissingProgramError``."""
    return find(("prometheus",), ("prometheus",), MISSING)


def promtool() -> Path:
    """The checker. Raises ``MissingProgramError``."""
    return find(("promtool",), ("prometheus",), MISSING)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    try:
        if list(arguments) == ["prometheus"]:
            print(prometheus())
            return 0
        if arguments[:1] == ["promtool"]:
            return subprocess.run([promtool(), *arguments[1:]]).returncode
    except MissingProgramError as error:
        print(error, file=sys.stderr)
        return 1
    print("usage: python -m tools.prometheus prometheus | promtool ARGUMENTS", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
