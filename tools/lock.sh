#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml: every package and its hashes, for all platforms and
# Pythons that Rapport supports. Versions that are locked stay, unless --upgrade is given. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv=${UV:-uv}
command -v "$uv" >/dev/null || { echo "This needs uv: pip install uv, or name it with UV=/path/to/uv." >&2; exit 1; }

# No index may stand in a lock file: each machine has its own.
options=(--quiet --universal --python-version 3.11 --generate-hashes
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links)
"$uv" pip compile "${options[@]}" "$@" pyproject.toml --output-file requirements/dev.txt --all-extras
"$uv" pip compile "${options[@]}" "$@" pyproject.toml --output-file requirements/runtime.txt \
    --constraint requirements/dev.txt
"$uv" pip compile "${options[@]}" "$@" pyproject.toml --output-file requirements/demo.txt \
    --extra embedded --extra demo --constraint requirements/dev.txt
"$uv" pip compile "${options[@]}" "$@" --group pyproject.toml:image --output-file requirements/image.txt \
    --constraint requirements/dev.txt
"$uv" pip compile "${options[@]}" "$@" --group pyproject.toml:fit --output-file requirements/fit.txt \
    --constraint requirements/dev.txt
"$uv" pip compile "${options[@]}" "$@" tests/bench/peers/requirements.in --output-file tests/bench/peers/requirements.txt
