"""How long a page of the desk waits for its first byte, at a hundred thousand customers.

``RAPPORT_BENCH_CUSTOMERS=5000`` chooses another size (a hundred thousand take minutes to load),
``RAPPORT_BENCH_PAGES`` how many pages of each kind are asked for;
``RAPPORT_BENCH_HOME`` names a folder that keeps the loaded store for the next time.
"""

import asyncio
import logging
import os
import random
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from pymongo import AsyncMongoClient
from rich.progress import Progress
from rich.table import Table

from rapport.embedded import mongo as server
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.interactions.api import create_app
from services.interactions.domain.rows import AGENTS
from services.interactions.settings import InteractionsSettings
from services.interactions.worker import handler
from shared.journal.store import WorkerStore
from shared.runtime.mongo import Document
from tests.bench.desk_people import (
    ANN,
    COLLECTIONS,
    TEAM,
    copies,
    models,
    more_said,
    name_of,
    surname,
    team_state,
)
from tests.bench.report import console
from tests.bench.serving import NoBroker, served

pytestmark = pytest.mark.bench

CUSTOMERS = int(os.environ.get("RAPPORT_BENCH_CUSTOMERS", "100000"))
BUSY = max(CUSTOMERS // 100, 1)
"""Customers who have a long past."""
SAID = 500
STEP = 1_000
ASKED = int(os.environ.get("RAPPORT_BENCH_PAGES", "300"))
"""Of each kind."""
AIM_MS = 100
KEY = "a-benchmarks-api-key"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractionsSettings]:
    kept = os.environ.get("RAPPORT_BENCH_HOME")
    root: Path = Path(kept) if kept else tmp_path_factory.mktemp("bench-desk")
    with start_mongo(Home(root)) as part:
        uri = f"mongodb://{part.address}/?directConnection=true"
        yield InteractionsSettings(kafka="unused:1", mongo=uri, secret_key="benchmark-benchmark", api_key=KEY)


async def _fill(settings: InteractionsSettings) -> None:
    client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongo, tz_aware=True)
    store = WorkerStore(client, handler(settings))
    database = store.database
    if await database["filled"].find_one({"_id": f"desk {CUSTOMERS}, with samples"}):
        await client.close()
        return
    await client.drop_database(database.name)
    await store.prepare()
    lives = models(settings)
    with Progress(console=console) as progress:
        task = progress.add_task(f"{CUSTOMERS:,} customers", total=CUSTOMERS)
        for start in range(0, CUSTOMERS, STEP):
            states: list[Document] = []
            rows: dict[str, list[Document]] = {name: [] for name in COLLECTIONS}
            for number in range(start, min(CUSTOMERS, start + STEP)):
                state, its = copies(lives, number)
                states.append(state)
                for name, documents in its.items():
                    rows[name] += documents
                rows["timeline"] += more_said(lives, number, SAID) if number < BUSY else []
            for name, documents in {"state": states, **rows}.items():
                await database[name].insert_many(documents, ordered=False)
            progress.advance(task, STEP)
    await database["state"].insert_one(team_state(CUSTOMERS))
    await database[AGENTS].insert_one(_ann())
    await database["filled"].insert_one({"_id": f"desk {CUSTOMERS}, with samples"})
    await client.close()


def _ann() -> Document:
    told = {"name": "Ann", "skills": [], "languages": [], "total": 3_000, "weights": {}, "load": 0}
    said = {"carries": 0, "on_shift": True, "on_break": False, "paused_until": 0, "at": 0}
    return {
        "_id": f"{ANN} {TEAM}",
        "agent_id": ANN,
        "team": TEAM,
        "left": False,
        "joined": True,
        **told,
        **said,
    }


@asynccontextmanager
async def _desk(settings: InteractionsSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in."""
    app = create_app(settings, publisher=NoBroker())
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        page = (await client.get("/desk/sign-in")).text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        form = {"csrf": token[1], "api_key": KEY, "agent_id": ANN, "to": "/desk", "timezone": "UTC"}
        answer = await client.post("/desk/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield client


async def _measured(client: httpx.AsyncClient, paths: Sequence[str]) -> list[float]:
    """Milliseconds until the first byte of each page."""
    times = []
    for path in paths:
        started = time.perf_counter()
        async with client.stream("GET", path) as answer:
            async for _ in answer.aiter_raw():  # in pieces of one byte it would cut all of it first
                times.append((time.perf_counter() - started) * 1000)
                break
            assert answer.status_code == 200, path
    return times


def _asks() -> Mapping[str, list[str]]:
    chance = random.Random(2)
    anybody = [chance.randrange(CUSTOMERS) for _ in range(ASKED)]
    busy = [chance.randrange(BUSY) for _ in range(ASKED)]
    complain = [n - n % 1_000 + n % 4 for n in anybody]
    return {
        "my queue": ["/desk"] * ASKED,
        "a customer, anybody": [f"/desk/customers/{name_of(n)}" for n in anybody],
        "a customer, long past": [f"/desk/customers/{name_of(n)}" for n in busy],
        "  purchases alone": [f"/desk/customers/{name_of(n)}?of=purchases" for n in busy],
        "a conversation": [f"/desk/conversations/{name_of(n)}-c?customer_id={name_of(n)}" for n in anybody],
        "complaint board": ["/desk/complaints"] * ASKED,
        "  mine": ["/desk/complaints?whose=mine"] * ASKED,
        "a complaint": [f"/desk/complaints/{name_of(n)}-k" for n in complain],
        "search, a surname": [f"/desk/search/results?q={surname(n)[:4]}" for n in anybody],
        "search, a first name": [f"/desk/search/results?q={q}" for q in ("anna", "bo", "em")] * (ASKED // 3),
        "a team of 500, 1,000 wait": [f"/desk/team?team={TEAM}"] * (ASKED // 3),
        "the wall": ["/desk/wall"] * ASKED,
        "about me": ["/desk/me"] * ASKED,
    }


async def _times(settings: InteractionsSettings) -> dict[str, list[float]]:
    await _fill(settings)
    async with _desk(settings) as client:
        found = {}
        for name, paths in _asks().items():
            await _measured(client, paths[:10])
            found[name] = await _measured(client, paths)
        return found


def test_the_first_byte_of_each_page(settings: InteractionsSettings) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = asyncio.run(_times(settings))
    name, _ = server.choose(os.environ)
    title = f"{CUSTOMERS:,} customers, {ASKED} pages each, one by one, {name}"
    table = Table(title=title, title_justify="left")
    for column in ("page", "p50 ms", "p90", "p99", "max"):
        table.add_column(column, justify="left" if column == "page" else "right")
    worst = 0.0
    for page, times in found.items():
        cuts = statistics.quantiles(times, n=100)
        worst = max(worst, cuts[98])
        table.add_row(page, *(f"{ms:.1f}" for ms in (cuts[49], cuts[89], cuts[98], max(times))))
    console.print(table)
    console.print(f"p99 {worst:.1f} ms; aim {AIM_MS}: {'reached' if worst <= AIM_MS else 'not reached'}\n")
