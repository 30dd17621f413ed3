"""The gauges of a process that sets none: the worker has them too, as it counts there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SHOW = """
from prometheus_client import generate_latest
from services.metrics import telemetry
print(generate_latest().decode())
"""


def test_where_no_kpi_was_told_there_is_no_number() -> None:
    """Dashboards take the largest of all processes: a 0 of the worker would be told in place of a score below
    0, and in place of nothing."""
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = dict(line.split(" ") for line in shown.splitlines() if line.startswith("rapport_"))
    assert lines["rapport_nps"] == "NaN"
    gauges = {name for name in lines if "_total" not in name and "_created" not in name}
    told = {name for name in gauges if lines[name] != "NaN"}
    assert told == {"rapport_kpis_refreshed_timestamp_seconds"}
