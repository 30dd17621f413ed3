"""SecantusDB, a MongoDB-wire server, as its own process: never imported, its licence is GPL-2.0."""

import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rapport.embedded import probes
from rapport.embedded.part import Spec
from rapport.embedded.ports import HOST, Where
from rapport.home import Home
from rapport.trouble import TroubleError

SERVERS = ("secantusd-rs", "secantusd-py")
"""The Rust server is several times faster; it is optional, as building it takes long."""


def locate(name: str, environ: Mapping[str, str]) -> Path | None:
    """A server's program: beside this Python, else on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name, path=environ.get("PATH"))
    return Path(found) if found else None


def choose(environ: Mapping[str, str]) -> tuple[str, Path]:
    """The server by ``RAPPORT_MONGO_SERVER`` (auto, secantusd-py or secantusd-rs). Raises TroubleError."""
    wanted = environ.get("RAPPORT_MONGO_SERVER") or "auto"
    if wanted not in ("auto", *SERVERS):
        raise TroubleError(f"RAPPORT_MONGO_SERVER is {wanted!r}: use auto, {' or '.join(SERVERS)}.")
    for name in SERVERS if wanted == "auto" else (wanted,):
        if path := locate(name, environ):
            return name, path
    if wanted == "secantusd-rs":
        raise TroubleError(
            "secantusd-rs is not on PATH: install it, or set RAPPORT_MONGO_SERVER=secantusd-py."
        )
    raise TroubleError("SecantusDB is not installed: run `make setup`, or `pip install 'rapport[embedded]'`.")


@cache
def _help(program: Path) -> str:
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=30)
    return shown.stdout + shown.stderr


def arguments(help_text: str, port: int, data: Path, bind: str = HOST) -> list[str]:
    """The options to start with, of those that this server's ``--help`` knows; the two servers share
    most. ``--sync-on-commit``: without it both lost acknowledged transactions at kill -9."""
    folder = "--storage-path" if "--storage-path" in help_text else "--dbpath"
    wanted = {"--host": bind, "--port": str(port), folder: str(data), "--log-level": "WARNING"}
    options = [part for name, value in wanted.items() if name in help_text for part in (name, value)]
    return [*options, *(["--sync-on-commit"] if "--sync-on-commit" in help_text else [])]


def uri(port: int, host: str = HOST) -> str:
    """What clients connect to."""
    return f"mongodb://{host}:{port}/?directConnection=true"


def spec(home: Home, port: int, env: Mapping[str, str], where: Where) -> Spec:
    """The part ``mongo``. Each server has its own data folder: their files differ."""
    name, program = choose(env)
    data = home.data(name)

    def command() -> list[str]:
        return [str(program), *arguments(_help(program), port, data, where.bind)]

    return Spec(
        name="mongo",
        command=command,
        ready=lambda: probes.mongo(port, where.own),
        port=port,
        host=where.host,
        env=env,
        prepare=lambda: data.mkdir(parents=True, exist_ok=True),
        stop_seconds=10.0,
        stop_order=1,
    )
