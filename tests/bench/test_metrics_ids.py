"""What the ids of 1, 10 and 100 million events cost metrics' worker: memory, and the time of a takeover.

``RAPPORT_BENCH_IDS=1,10`` names other numbers, in millions. The largest writes 1 GB.
"""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from rich.table import Table

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from tests.bench.ids import Takeover, build, take_over
from tests.bench.report import console

pytestmark = pytest.mark.bench

MILLIONS = [int(n) for n in os.environ.get("RAPPORT_BENCH_IDS", "1,10,100").split(",")]
MB = 1_000_000


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("bench-ids")
    with start_mongo(Home(root)) as part:
        yield f"mongodb://{part.address}/?directConnection=true"


def test_a_takeover_reads_filters_and_the_newest_ids_alone(mongo: str) -> None:
    found: dict[int, Takeover] = {}
    for millions in MILLIONS:
        name = f"ids_{millions}"
        asyncio.run(build(mongo, name, millions * 1_000_000))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            found[millions] = other.submit(take_over, mongo, name).result()
    table = Table(title="Ids of events: a takeover of one partition with all of them", title_justify="left")
    for column in ("ids", "runs", "takeover", "again", "memory", "process", "stall", "new ids/s", "pages/id"):
        table.add_column(column, justify="right")
    for millions, took in found.items():
        table.add_row(
            f"{millions} M",
            str(took.runs),
            f"{took.seconds:.2f} s",
            f"{took.again * 1000:.0f} ms",
            f"{took.counted / MB:.0f} MB",
            f"{took.resident / MB:+.0f} MB",
            f"{took.stall * 1000:.0f} ms",
            f"{took.rate:,.0f}",
            f"{took.pages:.3f}",
        )
    console.print(table)
    for millions, took in found.items():
        assert took.counted < 12 * MB + 2 * millions * MB, "nine bytes of the newest, 1.5 of the others"
        assert took.stall < 1.0
