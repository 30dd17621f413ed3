"""Rows a second of ``rapport import``, beside bare requests to ``POST /events`` whose batches are ready, and
the memory that the import takes. ``RAPPORT_BENCH_IMPORT=1000000`` chooses another number of rows.
"""

import csv
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from rapport.importing.cli import LANES
from rapport.importing.run import BATCH
from rapport.importing.sending import Sender, Sent
from rapport.importing.sources import open_rows
from shared.mapping.file import load_mapping
from tests.bench.report import console, processor_seconds, show_ratio
from tests.stack import Stack

pytestmark = pytest.mark.bench

ROWS = int(os.environ.get("RAPPORT_BENCH_IMPORT", "60000"))
RUNS, CUSTOMERS = 2, 5_000
AIM = 0.8
MAP = """
source: /bench/import
timezone: Europe/Berlin
currency: EUR
decimal: ","
events:
  - type: purchase.made
    when: row.Status == "paid"
    subject: row.Customer
    id: row.Run + "-" + row.Order
    time: {from: row.At, format: "%d.%m.%Y %H:%M"}
    data:
      order_id: row.Run + "-" + row.Order
      channel: {is: web}
      total: row.Total
      items: []
"""


TELLING = """
import atexit, re
from rapport.__main__ import main
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]))
main()
"""
"""The command, and then the KiB that it took: ``getrusage`` tells of what forked it, too."""


def rows(run: str) -> Iterator[list[str]]:
    for number in range(ROWS):
        yield [run, str(number), f"c-{number % CUSTOMERS}", "paid", f"{number % 900},50", "31.01.2026 12:30"]


def written(folder: Path) -> Path:
    path = folder / f"{uuid.uuid4().hex}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Run", "Order", "Customer", "Status", "Total", "At"])
        writer.writerows(rows(uuid.uuid4().hex[:8]))
    return path


def ready(path: Path, mapping: Path) -> list[list[Sent]]:
    """The same rows as events, in batches, made beforehand."""
    found = load_mapping(mapping)
    file = open_rows(path, "csv", found.form.csv)
    mapper, now = found.over(file.kind([])), datetime.now(UTC)
    events = (
        Sent(number, mapped.raw)
        for number, row in enumerate(file.rows(0))
        for mapped in mapper.events(row.record, now)
    )
    batches = []
    while batch := list(islice(events, BATCH)):
        batches.append(batch)
    file.close()
    return batches


def bare(stack: Stack, batches: Sequence[list[Sent]]) -> float:
    url = stack.env["RAPPORT_INTERACTIONS_URL"]
    senders = [Sender(url, stack.env, patience_s=60) for _ in range(LANES)]

    def send(lane: int) -> None:
        for batch in batches[lane::LANES]:
            assert senders[lane].send(batch) == []
        senders[lane].close()

    began = time.perf_counter()
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(send, range(LANES)))
    return ROWS / (time.perf_counter() - began)


def imported(stack: Stack, path: Path, mapping: Path) -> tuple[float, float]:
    """Rows a second from the command's start to its end, and MiB that it took at most."""
    command = [sys.executable, "-c", TELLING, "import", str(path), "--map", str(mapping)]
    began = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{ROWS:,} rows: {ROWS:,} events" in done.stdout
    return ROWS / seconds, int(done.stdout.split()[-1]) / 1024


def test_an_import_beside_bare_batches(stack: Stack, tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(MAP, encoding="utf-8")
    ours, limit, took = [], [], []
    api, before = stack.parts()["interactions-api"].pid, resource.getrusage(resource.RUSAGE_CHILDREN)
    served = processor_seconds(api)
    for _ in range(RUNS):
        limit.append(bare(stack, ready(written(tmp_path), mapping)))
        speed, memory = imported(stack, written(tmp_path), mapping)
        ours.append(speed)
        took.append(memory)
    after, served = resource.getrusage(resource.RUSAGE_CHILDREN), processor_seconds(api) - served
    show_ratio(f"{ROWS:,} rows of CSV", ("rapport import", ours), ("POST /events, batches ready", limit), AIM)
    used = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / RUNS / ROWS
    console.print(f"the import: {used * 1e6:.0f} µs of processor a row, {max(took):,.0f} MiB")
    console.print(f"the API: {served / 2 / RUNS / ROWS * 1e6:.0f} µs an event")
