"""The folder that holds all data of one embedded stack: ``RAPPORT_HOME``, or ``.rapport`` here."""

import json
import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapport.trouble import TroubleError

MINIMUM_FREE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below ``root``; nothing is created until something is written."""

    root: Path

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> "Home":
        """From ``RAPPORT_HOME``, else ``.rapport`` in the working directory."""
        environ = os.environ if environ is None else environ
        return cls(Path(environ.get("RAPPORT_HOME") or ".rapport").expanduser().resolve())

    @property
    def env_file(self) -> Path:
        return self.root / "env"

    @property
    def status_file(self) -> Path:
        return self.root / "status.json"

    @property
    def pid_file(self) -> Path:
        return self.root / "supervisor.pid"

    @property
    def lock_file(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def ports_file(self) -> Path:
        return self.root / "ports.json"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def mailbox(self) -> Path:
        """The maildir that the embedded SMTP server writes."""
        return self.root / "mailbox"

    @property
    def refusals(self) -> Path:
        """The rules of what the embedded SMTP server refuses (see rapport.embedded.smtp)."""
        return self.root / "smtp.refuse"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def data(self, part: str) -> Path:
        return self.root / "data" / part

    def create(self) -> None:
        """Make the folder. Raises TroubleError when its disk is nearly full."""
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.root / "data").mkdir(exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        free = shutil.disk_usage(self.root).free
        if free < MINIMUM_FREE_BYTES:
            raise TroubleError(
                f"The disk that holds {self.root} has {free // 2**20} MB left and the embedded stack needs "
                f"{MINIMUM_FREE_BYTES // 2**20} MB: free some space, or set RAPPORT_HOME to another disk."
            )

    def keep_secrets(self, environ: Mapping[str, str]) -> dict[str, str]:
        """``RAPPORT_API_KEY`` and ``RAPPORT_SECRET_KEY``: from the environment, else random, kept here."""
        kept = read_json(self.secrets_file) or {}
        found = {
            name: environ.get(name) or kept.get(name) or secrets.token_urlsafe(32)
            for name in ("RAPPORT_API_KEY", "RAPPORT_SECRET_KEY")
        }
        if found != kept:
            write_atomically(self.secrets_file, json.dumps(found, indent=1), private=True)
        return found


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Replace the file in one step; ``private``: readable by its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def format_env(values: Mapping[str, str]) -> str:
    """Shell lines ``NAME=value``, quoted, for ``set -a; . .rapport/env``."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def parse_env(text: str) -> dict[str, str]:
    """What ``format_env`` wrote; comments, blank lines and ``export`` are allowed."""
    values: dict[str, str] = {}
    for word in shlex.split(text, comments=True):
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            values[name] = value
    return values


def read_env(home: Home) -> dict[str, str]:
    """The variables of the stack that runs in this home; empty when none does."""
    try:
        return parse_env(home.env_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
