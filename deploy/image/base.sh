#!/usr/bin/env bash
# Sees that the base image python:X-slim is there, and prints X. Where no registry answers it is made here, under
# that name, of this Debian's minimal system and its Python, with this machine's CA certificates; that takes root
# and debootstrap, and the script says so.
#
#   PYTHON=$(deploy/image/base.sh) && docker build --build-arg PYTHON=$PYTHON -f deploy/Dockerfile -t rapport .
set -euo pipefail

wanted=${PYTHON:-3.13}
say() { printf 'base image: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
there() { docker image inspect "python:$1-slim" >/dev/null 2>&1; }

docker version >/dev/null 2>&1 || fail "no Docker daemon answers: start one, or name it with DOCKER_HOST."
if there "$wanted" || docker pull --quiet "python:$wanted-slim" >/dev/null 2>&1; then
    say "python:$wanted-slim"
    echo "$wanted"
    exit
fi

own=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) && [ -e /etc/debian_version ] ||
    fail "python:$wanted-slim cannot be pulled, and only on Debian can it be made."
if there "$own"; then
    say "python:$own-slim, made here before (python:$wanted-slim cannot be pulled)"
    echo "$own"
    exit
fi
[ "$(id -u)" = 0 ] || fail "python:$wanted-slim cannot be pulled, and to make one takes root."
command -v debootstrap >/dev/null ||
    fail "python:$wanted-slim cannot be pulled, and to make one takes debootstrap: apt-get install debootstrap."

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" | head -n 1)
[ -n "$mirror" ] || fail "apt knows no mirror of $suite: run apt-get update."
say "python:$wanted-slim cannot be pulled: python:$own-slim is made of Debian's $suite (a minute or two)"

root=$(mktemp -d)
trap 'rm -rf "$root" "$root.log"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 5 "$root.log" >&2; fail "debootstrap failed."; }
ln -s /usr/bin/python3 "$root/usr/local/bin/python"
# Whoever stands between this machine and the package index is trusted in the image as it is here.
cat /etc/ssl/certs/ca-certificates.crt >"$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,info,locale}/* "$root"/proc/* "$root"/sys/*
find "$root" -xdev -name '__pycache__' -type d -prune -exec rm -rf {} +

tar -C "$root" --numeric-owner --one-file-system --sort=name -c . |
    docker import --change 'CMD ["python3"]' --message "Debian $suite by debootstrap, for want of a registry" - "python:$own-slim" >/dev/null
say "python:$own-slim is made"
echo "$own"
