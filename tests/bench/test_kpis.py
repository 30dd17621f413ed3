"""How long ``GET /kpis`` takes with two years of days by segment and channel, over HTTP, while workers write:
each partition's document once a second, and a fold into the last days every five.

The first question for a selection reads its days: it is shown apart. ``RAPPORT_BENCH_KPI_DAYS=200`` takes
fewer days.
"""

import asyncio
import contextlib
import logging
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import httpx
import pytest
import structlog
from pymongo import AsyncMongoClient, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from rich.table import Table

from rapport.embedded import mongo as server
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.metrics.api import create_app
from services.metrics.domain.cells import Delta
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.places import Where, crossed, place_of, places
from services.metrics.domain.rows import day_id, pack_tail
from services.metrics.settings import MetricsSettings
from shared.runtime.mongo import Document
from shared.schemas.times import day_of, micros
from tests.bench.report import console
from tests.bench.serving import NoBroker, served

pytestmark = pytest.mark.bench

DAYS = int(os.environ.get("RAPPORT_BENCH_KPI_DAYS", "731"))
PARTITIONS = 4
SEGMENTS = ["", "new", "loyal", "champions", "at risk", "lost"]
CHANNELS = ["", "web", "store", "phone", "e-mail", "chat"]
TIERS, STORES = ["bronze", "silver", "gold"], [f"store-{n}" for n in range(20)]
HISTOGRAM = 12
"""Buckets of each histogram on one day in one place."""
ASKED = 2_000
AIM_MS = 30
KEY = "a-benchmarks-api-key"
TODAY = day_of(micros(datetime.now(UTC)))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetricsSettings]:
    with start_mongo(Home(tmp_path_factory.mktemp("bench-kpis"))) as part:
        uri = f"mongodb://{part.address}/?directConnection=true"
        yield MetricsSettings(kafka="unused:1", mongo=uri, secret_key="benchmark-benchmark", api_key=KEY)


def fields(chance: random.Random) -> Document:
    """What a place counts on a day: of each field of each KPI something, of a family of fields a dozen."""
    found = {}
    for field in dict.fromkeys(f for kpi in KPIS.values() for counts in kpi.counts for f in counts.fields):
        if field.endswith(":"):
            found.update(
                {f"{field}{chance.randrange(600)}": chance.randrange(1, 40) for _ in range(HISTOGRAM)}
            )
        else:
            found[field] = chance.randrange(1, 400)
    return found


ALONE = [*(place_of("tier", tier) for tier in TIERS), *(place_of("store", store) for store in STORES)]


async def _fill(database: AsyncDatabase[Document]) -> None:
    chance = random.Random(1)
    names = [*(crossed(segment, channel) for segment in SEGMENTS for channel in CHANNELS), *ALONE]
    for day in range(TODAY - DAYS + 1, TODAY + 1):
        await database["days"].insert_many(
            {"_id": day_id(day, partition), "cells": {name: fields(chance) for name in names}}
            for partition in range(PARTITIONS)
        )
    await database["partitions"].insert_many(
        {"_id": p, "epoch": 1, "writes": 1, "folds": 0, "offsets": {}} for p in range(PARTITIONS)
    )


def _tail(chance: random.Random) -> bytes:
    """As after a second or some: a few hundred changes of the last days."""
    tail = Delta()
    for _ in range(150):
        where = Where(chance.choice(CHANNELS), chance.choice(STORES))
        for place in places(chance.choice(SEGMENTS), chance.choice(TIERS), where):
            tail[TODAY - chance.randrange(3), place, "promoters"] = 1
    return pack_tail(tail)


async def _work(database: AsyncDatabase[Document]) -> None:
    chance = random.Random(3)
    for second in range(10**6):
        fold = second % 5 == 4
        for partition in range(PARTITIONS):
            change: Document = {"$set": {"tail": b"" if fold else _tail(chance)}, "$inc": {"writes": 1}}
            if fold:
                days = [TODAY - 1, TODAY]
                change["$push"] = {"folded": {"$each": [days], "$slice": -16}}
                change["$inc"]["folds"] = 1
                paths = {f"cells.{crossed('new', 'web')}.promoters": 1}
                await database["days"].bulk_write(
                    [UpdateOne({"_id": day_id(day, partition)}, {"$inc": paths}) for day in days]
                )
            await database["partitions"].update_one({"_id": partition}, change)
        await asyncio.sleep(1)


def asks(chance: random.Random) -> dict[str, str]:
    """A window, and everything, a segment, a channel, both, or a tier or a store."""
    chosen: dict[str, str] = {"window": chance.choice(["7d", "30d", "365d", f"{DAYS}d"])}
    match chance.randrange(5):
        case 0:
            chosen["segment"] = chance.choice(SEGMENTS[1:])
        case 1:
            chosen["channel"] = chance.choice(CHANNELS[1:])
        case 2:
            chosen |= {"segment": SEGMENTS[1], "channel": chance.choice(CHANNELS[1:])}
        case 3:
            chosen |= {"tier": chance.choice(TIERS)} if chance.random() < 0.5 else {"store": STORES[0]}
    return chosen


async def _measured(client: httpx.AsyncClient, asked: Sequence[dict[str, str]]) -> list[float]:
    """Milliseconds of each answer."""
    times = []
    for parameters in asked:
        started = time.perf_counter()
        answer = await client.get("/kpis", params=parameters)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
        assert answer.json()["basis"]["nps"]["n"] > 0
    return times


async def _times(settings: MetricsSettings) -> tuple[list[float], list[float]]:
    chance = random.Random(2)
    asked = [asks(chance) for _ in range(ASKED)]
    longest = [{**ask, "window": f"{DAYS}d"} for ask in asked]
    each = [dict(one) for one in dict.fromkeys(tuple(ask.items()) for ask in longest)]
    async with AsyncMongoClient[Document](settings.mongo, tz_aware=True) as store:
        database = store["rapport_metrics"]
        await _fill(database)
        app = create_app(settings, publisher=NoBroker())
        async with (
            served(app) as url,
            httpx.AsyncClient(base_url=url, headers={"X-API-Key": KEY}, timeout=120) as client,
        ):
            cold = await _measured(client, each)
            work = asyncio.create_task(_work(database))
            warm = await _measured(client, asked)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            return cold, warm


def test_the_kpis_of_two_years(settings: MetricsSettings) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cold, warm = asyncio.run(_times(settings))
    name, _ = server.choose(os.environ)
    table = Table(title=f"GET /kpis, {DAYS} days, {len(KPIS)} KPIs, {name}", title_justify="left")
    for column in ("request", "requests", "p50 ms", "p90", "p99", "max"):
        table.add_column(column, justify="left" if column == "request" else "right")
    for ask, times in {"the first of a selection": cold, "one by one, while workers write": warm}.items():
        cuts = statistics.quantiles(times, n=100)
        shown = (cuts[49], cuts[89], cuts[98], max(times))
        table.add_row(ask, f"{len(times):,}", *(f"{ms:.1f}" for ms in shown))
    console.print(table)
    p99 = statistics.quantiles(warm, n=100)[98]
    console.print(f"p99 {p99:.1f} ms; aim {AIM_MS}: {'reached' if p99 <= AIM_MS else 'not reached'}\n")
