"""The demo, small: the stream clock on a real year, and its own check of every balance."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_few_households_check_out_to_the_last_point(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rapport", "demo"],
        cwd=tmp_path,
        env={**os.environ, "HOUSEHOLDS": "8"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    told = " ".join(done.stdout.split())
    assert "8 balances equal their ledgers and the recomputation" in told
    assert "The book of messages is balanced" in told
    assert "complaints stand as a simulation of the year has them" in told
    assert "resolution met" in told
    assert "under the draft, strict," in told
    assert "the desk, on the Monday after" in told
    last = done.stdout.strip().splitlines()[-1]
    report = Path(last.partition("file://")[2])
    assert "December 2017" in report.read_text(encoding="utf-8")
