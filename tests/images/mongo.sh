#!/bin/sh
# mongod's own options are for mongod.
mkdir -p /data/db
exec /opt/venv/bin/secantusd-py --host 0.0.0.0 --port 27017 --storage-path /data/db --log-level WARNING --sync-on-commit
