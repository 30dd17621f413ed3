#!/usr/bin/env bash
# What only the peers need, into build/peers: Quix Streams by its lock file, Kafka Streams by Maven coordinates.
# What cannot be had here is left out of the table.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

peers=build/peers
mkdir -p "$peers"
if [ ! -x "$peers/quix/bin/python" ]; then
    .venv/bin/python -m venv "$peers/quix" &&
        "$peers/quix/bin/pip" install --quiet --require-hashes --requirement tests/bench/peers/requirements.txt ||
        { echo "Quix Streams is left out: it cannot be installed here." >&2; rm -rf "$peers/quix"; }
fi
if [ ! -d "$peers/streams/lib" ]; then
    mvn --quiet --batch-mode --file tests/bench/peers/streams/pom.xml package ||
        { echo "Kafka Streams is left out: it needs Maven and Java 17." >&2; rm -rf "$peers/streams"; }
fi
