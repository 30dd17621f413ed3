"""How long ``GET /kpis`` takes with two years of days by segment and channel, over HTTP, beside a route that
does nothing, a request to the one followed by one to the other: while nothing is written, and while a worker
writes each second what customers go on buying, and folds it. Beside the time of the clock stands that of the
processor, client and server together, which says something on a busy machine too.

The first question for a selection reads its days: it is shown apart. ``RAPPORT_BENCH_KPI_DAYS``,
``_CUSTOMERS``, ``_PURCHASES`` (a second) and ``_ASKED`` take other sizes.
"""

import asyncio
import logging
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence

import httpx
import pytest
import structlog
from fastapi import FastAPI
from rich.table import Table

from rapport.embedded import mongo as server
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.metrics.api import create_app
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.settings import MetricsSettings
from tests.bench.company import CHANNELS, SEGMENTS, STORES, TIERS
from tests.bench.report import console
from tests.bench.serving import NoBroker, served
from tests.bench.trading import Trade, Trader, trading

pytestmark = pytest.mark.bench


def sized(name: str, usual: int) -> int:
    return int(os.environ.get(f"RAPPORT_BENCH_KPI_{name}", usual))


DAYS, CUSTOMERS, PURCHASES = sized("DAYS", 731), sized("CUSTOMERS", 4_000), sized("PURCHASES", 20)
ASKED = sized("ASKED", 3_000)
WINDOWS = ("7d", "30d", "365d", f"{DAYS}d")
AIM_MS = 30
KEY = "a-benchmarks-api-key"

Ask = dict[str, str]
Times = list[tuple[float, float]]
"""Milliseconds of each answer: by the clock, and of the processor."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetricsSettings]:
    with start_mongo(Home(tmp_path_factory.mktemp("bench-kpis"))) as part:
        uri = f"mongodb://{part.address}/?directConnection=true"
        yield MetricsSettings(kafka="unused:1", mongo=uri, secret_key="benchmark-benchmark", api_key=KEY)


def asks(chance: random.Random) -> Ask:
    """A window, and everything, a segment, a channel, both, or a tier or a store."""
    chosen: Ask = {"window": chance.choice(WINDOWS)}
    match chance.randrange(5):
        case 0:
            chosen["segment"] = chance.choice(SEGMENTS)
        case 1:
            chosen["channel"] = chance.choice(CHANNELS)
        case 2:
            chosen |= {"segment": SEGMENTS[1], "channel": chance.choice(CHANNELS)}
        case 3:
            chosen |= {"tier": chance.choice(TIERS)} if chance.random() < 0.5 else {"store": STORES[0]}
    return chosen


def bare() -> FastAPI:
    """What the framework and the connection take."""
    app = FastAPI()

    @app.get("/kpis")
    async def nothing() -> dict[str, int]:
        return {"n": 1}

    return app


class Asking:
    """Our route and the bare one, in turn."""

    def __init__(self, ours: httpx.AsyncClient, bare: httpx.AsyncClient) -> None:
        self._ours, self._bare = ours, bare

    async def measured(self, asked: Sequence[Ask]) -> tuple[Times, Times]:
        times: tuple[Times, Times] = ([], [])
        for ask in asked:
            for client, of in zip((self._ours, self._bare), times, strict=True):
                started, spent = time.perf_counter(), time.process_time()
                answer = await client.get("/kpis", params=ask)
                ended, used = time.perf_counter(), time.process_time()
                of.append(((ended - started) * 1000, (used - spent) * 1000))
                assert answer.status_code == 200, answer.text
                if client is self._ours and ask["window"] == WINDOWS[-1]:
                    assert answer.json()["basis"]["repeat_purchase_rate"]["n"] > 0
        return times


Found = dict[str, tuple[Times, Times]]


async def _times(settings: MetricsSettings, trader: Trader, asked: Sequence[Ask]) -> Found:
    longest = [{**ask, "window": WINDOWS[-1]} for ask in asked]
    each = [dict(one) for one in dict.fromkeys(tuple(ask.items()) for ask in longest)]
    headers = {"X-API-Key": KEY}
    async with (
        served(create_app(settings, publisher=NoBroker())) as url,
        served(bare()) as other,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client,
        httpx.AsyncClient(base_url=other, headers=headers, timeout=120) as beside,
    ):
        asking = Asking(client, beside)
        found = {"the first of a selection": await asking.measured(each)}
        found["while nothing is written"] = await asking.measured(asked)
        trader.start()
        found["while a worker writes"] = await asking.measured(asked)
        console.print(f"written {trader.stop()} times meanwhile")
        return found


def _row(name: str, times: Times) -> tuple[str, ...]:
    shown: list[float] = []
    for each in zip(*times, strict=True):
        cuts = statistics.quantiles(each, n=100)
        shown += (cuts[49], cuts[98], max(each))
    return name, f"{len(times):,}", *(f"{ms:.1f}" for ms in shown)


def test_the_kpis_of_two_years(settings: MetricsSettings) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    chance = random.Random(2)
    asked = [asks(chance) for _ in range(ASKED)]
    with trading(Trade(settings.mongo, DAYS, CUSTOMERS, PURCHASES)) as trader:
        found = asyncio.run(_times(settings, trader, asked))
    name, _ = server.choose(os.environ)
    title = f"GET /kpis, {DAYS} days of {CUSTOMERS:,} customers, {len(KPIS)} KPIs, {name}"
    table = Table(title=title, title_justify="left")
    for column in ("request", "requests", "p50 ms", "p99", "max", "CPU p50", "p99", "max"):
        table.add_column(column, justify="left" if column == "request" else "right")
    for when, (ours, theirs) in found.items():
        table.add_row(*_row(when, ours))
        table.add_row(*_row("  a bare route beside it", theirs))
    written = found["while a worker writes"][0]
    for window in WINDOWS:
        times = [one for one, ask in zip(written, asked, strict=True) if ask["window"] == window]
        table.add_row(*_row(f"  of these {window}", times))
    console.print(table)
    p99 = statistics.quantiles([ms for ms, _ in written], n=100)[98]
    console.print(f"p99 {p99:.1f} ms; aim {AIM_MS}: {'reached' if p99 <= AIM_MS else 'not reached'}\n")
