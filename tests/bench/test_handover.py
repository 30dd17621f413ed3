"""A worker's process: how long it takes from its start to its first batch, and how long nobody serves its
partitions when it is told to stop, with a successor beside it as a rolling update has it."""

import statistics
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from kafka import KafkaAdminClient
from rich.table import Table

from tests.bench.report import console, processor_seconds
from tests.faults.conftest import WorkerStarter
from tests.faults.platform import Platform, own_platform, purchase

pytestmark = pytest.mark.bench

RUNS = 3
PARTITIONS = 4
START_AIM, HANDOVER_AIM = 4.0, 3.0
"""Seconds on two quiet cores."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with own_platform(tmp_path_factory.mktemp("handover"), "kafka", "mongo") as found:
        yield found


@pytest.fixture
def worker(platform: Platform, tmp_path: Path) -> Iterator[WorkerStarter]:
    starter = WorkerStarter(platform, tmp_path)
    try:
        yield starter
    finally:
        starter.stop()


@contextmanager
def selling(platform: Platform) -> Iterator[None]:
    """A purchase for each of 40 customers, so of each partition, every tenth of a second."""
    closed, run = Event(), uuid.uuid4().hex[:8]

    def sell() -> None:
        number = 0
        while not closed.wait(0.1):
            at = datetime.now(UTC).isoformat()
            number += 1
            orders = (purchase(f"h{run}-{n}", f"{run}-{number}-{n}", 100, at) for n in range(40))
            platform.send("purchases", orders)

    thread = Thread(target=sell)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()


class Commits:
    """What loyalty's group has committed of purchases, by partition, as anybody sees it."""

    def __init__(self, platform: Platform) -> None:
        self._client = KafkaAdminClient(bootstrap_servers=platform.env["RAPPORT_KAFKA"])

    def now(self) -> dict[int, int]:
        (found,) = self._client.list_group_offsets({"rapport-loyalty": None}).values()
        return {at.partition: told.offset for at, told in found.items() if at.topic == "purchases"}

    def until_beyond(self, before: dict[int, int], partitions: Iterable[int], seconds: float = 60.0) -> float:
        """When the last of these partitions was seen to go on."""
        left, deadline = set(partitions), time.monotonic() + seconds
        while left:
            found = self.now()
            left = {p for p in left if found.get(p, -1) <= before.get(p, -1)}
            assert time.monotonic() < deadline, f"nobody goes on with {left}"
        return time.monotonic()

    def close(self) -> None:
        self._client.close()


def show(title: str, rows: dict[str, list[float]], aim: float) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("seconds", "min", "median", "max"):
        table.add_column(column, justify="left" if column == "seconds" else "right")
    for name, found in rows.items():
        table.add_row(name, *(f"{f(found):.2f}" for f in (min, statistics.median, max)))
    console.print(table)
    reached = statistics.median(next(iter(rows.values()))) < aim
    console.print(f"aim {aim:.0f} s on two quiet cores: {'reached' if reached else 'not reached'}\n")


def test_a_start_and_a_handover(platform: Platform, worker: WorkerStarter) -> None:
    starts: dict[str, list[float]] = {"start to first batch": [], "of it processor time": []}
    gaps: dict[str, list[float]] = {"SIGTERM to the successor's first batch": [], "SIGTERM to the end": []}
    commits = Commits(platform)
    with closing(commits), selling(platform):
        serving = worker(session_timeout="10", batch_size="500")
        serving.wait_ready(300)
        commits.until_beyond({}, range(PARTITIONS), 300)
        for _ in range(RUNS):
            began = time.monotonic()
            successor = worker(session_timeout="10", batch_size="500")
            successor.wait_ready(300)
            while not (held := successor.page("/readyz")[1]["partitions"]):
                assert time.monotonic() - began < 300, successor.tail()
            found = commits.now()
            starts["start to first batch"].append(commits.until_beyond(found, held) - began)
            starts["of it processor time"].append(processor_seconds(successor.process.pid))
            while len(left := serving.page("/readyz")[1]["partitions"]) + len(held) < PARTITIONS:
                assert time.monotonic() - began < 300, serving.tail()
            told = time.monotonic()
            serving.process.terminate()
            assert serving.process.wait(30) == 0
            ended, found = time.monotonic(), commits.now()
            gaps["SIGTERM to the end"].append(ended - told)
            gaps["SIGTERM to the successor's first batch"].append(commits.until_beyond(found, left) - told)
            serving = successor
    show("A worker starts beside another", starts, START_AIM)
    show("A worker stops, another goes on with its partitions", gaps, HANDOVER_AIM)
