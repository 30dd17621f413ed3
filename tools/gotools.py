"""Finds helm, kubeconform and actionlint for the tests, or builds them once from their Go modules:
``python -m tools.gotools helm ARGUMENTS`` runs helm, ``python -m tools.gotools --where kubeconform`` prints
where that is."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.debian import MissingProgramError

MODULES = {
    "helm": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
}
"""The packages, each at the version whose answers the tests know; Go's checksum database vouches for them."""
NO_DEBUGGER = ("-gcflags=all=-dwarf=false", "-ldflags=-s -w")
"""What only a debugger reads is not made: a tenth of the time. A panic names its lines all the same."""
LEAST_GO = (1, 26)
MISSING = (
    "The chart's tests build {name} from its Go module: Go {least} or newer must be on PATH, and {found}. "
    "Without it, only the renders that are kept (tests/chart/golden) are checked."
)


def find(name: str, environ: Mapping[str, str] | None = None) -> Path:
    """The program, at its version, from the cache; built first where it is not there, which takes minutes.
    Raises ``MissingProgramError`` where it cannot be built."""
    environ = os.environ if environ is None else environ
    version = MODULES[name].rpartition("@")[2]
    program = cache_folder(environ) / f"{name}-{version}"
    if not program.is_file():
        _build(name, program, _go(name))
    return program


def cache_folder(environ: Mapping[str, str]) -> Path:
    """``$XDG_CACHE_HOME/rapport/go``, else ``~/.cache/rapport/go``."""
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rapport" / "go"


def _go(name: str) -> str:
    go = shutil.which("go")
    least = ".".join(map(str, LEAST_GO))
    if go is None:
        raise MissingProgramError(MISSING.format(name=name, least=least, found="there is none"))
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout.strip()
    version = re.match(r"go(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < LEAST_GO:
        raise MissingProgramError(
            MISSING.format(name=name, least=least, found=f"here it is {said or 'broken'}")
        )
    return go


def _build(name: str, program: Path, go: str) -> None:
    """Built into a folder beside, then moved: whoever builds at the same time moves the same thing."""
    print(f"Building {name} from {MODULES[name]}: some minutes, once.", file=sys.stderr)
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as made:
        env = {**os.environ, "GOBIN": made, "GOFLAGS": "-trimpath", "GOTOOLCHAIN": "local"}
        command = [go, "install", *NO_DEBUGGER, MODULES[name]]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise MissingProgramError(f"go could not build {MODULES[name]}: {done.stderr.strip()[-500:]}")
        (Path(made) / name).replace(program)


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    where = arguments[:1] == ["--where"]
    names = arguments[1:] if where else arguments[:1]
    if not names or not MODULES.keys() >= set(names):
        print(
            f"usage: python -m tools.gotools --where {' '.join(MODULES)}, or helm ARGUMENTS", file=sys.stderr
        )
        return 2
    try:
        programs = [find(name) for name in names]
    except MissingProgramError as error:
        print(error, file=sys.stderr)
        return 1
    if where:
        print("\n".join(map(str, programs)))
        return 0
    return subprocess.run([programs[0], *arguments[1:]]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
