#!/usr/bin/env bash
# Makes .venv with what a lock file names, and Rapport in it: requirements/dev.txt for all there is, demo.txt to run
# the platform on this machine. `make` runs this when pyproject.toml or a lock file has changed; running it again is
# safe.
#
#   PYTHON=/path/to/python3.12 tools/setup.sh dev|demo    with this Python (3.11 to 3.13)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-dev}
lock=requirements/$what.txt
venv=.venv
# A user's own pip settings must not redirect an install into this environment.
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1
}

can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Every Python on PATH, the newest name first. One that is there may still not run (pyenv's shims).
candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    type -ap python3.13 python3.12 python3.11 python3 python || true
}

find_python() {
    local python
    chosen='' bare=''
    while IFS= read -r python; do
        suits "$python" || continue
        if can_make_venvs "$python"; then
            chosen=$python
            return
        fi
        bare=${bare:-$python}
    done < <(candidates)
}

no_python() {
    if [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON does not run as Python 3.11, 3.12 or 3.13: correct it, or unset it."
    fi
    fail "Rapport needs Python 3.11, 3.12 or 3.13 and found none on PATH: install one (Debian and" \
        "Ubuntu: apt-get install python3 python3-venv), or name one with PYTHON=/path/to/python3."
}

# Debian's Python cannot make environments until python3-venv is there.
install_venv_module() {
    local package
    package="$("$bare" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$bare cannot make virtual environments: install $package (Debian and Ubuntu:" \
            "sudo apt-get install $package), then run this again."
    fi
    say "Installing $package, which $bare needs to make virtual environments."
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >&2 ||
        fail "apt-get could not install $package: see above."
    can_make_venvs "$bare" || fail "$bare still cannot make virtual environments, with $package installed."
    chosen=$bare
}

find_python
[ -n "$chosen$bare" ] || no_python
[ -n "$chosen" ] || install_venv_module

# pip's own script tells of an environment that is broken, or that was moved with its folder.
if ! { suits $venv/bin/python && $venv/bin/pip --version; } >/dev/null 2>&1; then
    say "Making $venv with $("$chosen" --version) ($chosen)."
    "$chosen" -m venv --clear $venv
fi
rm -f $venv/.running $venv/.complete

say "Installing $(grep -c '^[a-z0-9].*==' "$lock") packages at their locked versions." \
    "The first time takes a few minutes."
quiet=()
[ -t 1 ] || quiet=(--quiet)
$venv/bin/python -m pip install "${quiet[@]}" --require-hashes --requirement "$lock" ||
    fail "The packages could not be installed: see above (no network, or a full disk, mostly). Run this again."
$venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
[ "$what" != dev ] || touch $venv/.complete
touch $venv/.running  # a set-up for everything is one for running too
say "Ready: $venv/bin/rapport --help"
