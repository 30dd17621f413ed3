"""How long a customer's page waits for the store: the timeline's first page and what stands beside it, at a
million interactions of a hundred thousand customers, over HTTP.

Half of the interactions are those of one customer in a hundred, whose pages are full.
``RAPPORT_BENCH_INTERACTIONS=50000`` chooses another size (a million takes minutes to load; there is one
customer to ten interactions); ``RAPPORT_BENCH_HOME`` names a folder that keeps the loaded store for the next
time.
"""

import asyncio
import logging
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from msgspec import structs
from pymongo import AsyncMongoClient
from rich.progress import Progress
from rich.table import Table

from rapport.embedded import mongo as server
from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.interactions.domain.past import placed_in_log
from services.interactions.domain.rows import TIMELINE, TimelineRow, sort_key
from services.interactions.domain.state import Customer, altered, initial
from services.interactions.domain.telling import Told
from services.interactions.domain.timeline import timeline_row
from services.interactions.routes import ROUTERS
from services.interactions.worker import handler
from shared.domain import Context
from shared.http.app import create_api
from shared.journal.later import state_text
from shared.journal.store import WorkerStore
from shared.runtime.mongo import Document
from shared.runtime.settings import Settings
from shared.schemas.base import Data
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import micros
from tests.bench.report import console
from tests.bench.serving import NoBroker, served

pytestmark = pytest.mark.bench

INTERACTIONS = int(os.environ.get("RAPPORT_BENCH_INTERACTIONS", "1000000"))
CUSTOMERS = INTERACTIONS // 10
BUSY = max(CUSTOMERS // 100, 1)
STEP = 2_000
ASKED = 1_000
AIM_MS = 50
START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR_S = 365 * 86_400
KEY = "a-benchmarks-api-key"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    kept = os.environ.get("RAPPORT_BENCH_HOME")
    root: Path = Path(kept) if kept else tmp_path_factory.mktemp("bench-timeline")
    with start_mongo(Home(root)) as part:
        uri = f"mongodb://{part.address}/?directConnection=true"
        yield Settings(kafka="unused:1", mongo=uri, secret_key="benchmark-benchmark", api_key=KEY)


def name_of(number: int) -> str:
    return f"cust-{number:07d}"


def _model(data: Data) -> TimelineRow:
    """A row as the worker writes it."""
    event = Event("e-0", "/helpdesk", "cust", START, data)
    told = Told(event, micros(START), Context(START, str, str))
    after = altered(initial("cust"), counts={data.topic: 1})
    return placed_in_log(timeline_row(event, micros(START), None, None), told, after)


def _rows(models: Sequence[TimelineRow], chance: random.Random, numbers: Sequence[int]) -> list[Document]:
    """One interaction after another, as sources tell them: of customers in no order."""
    rows = []
    for n in numbers:
        busy = n % 2 == 0
        owner = name_of(chance.randrange(BUSY) if busy else chance.randrange(CUSTOMERS))
        at = micros(START + timedelta(seconds=n * YEAR_S / INTERACTIONS))
        # Of twenty facts one is of the profile.
        row, uid = models[n % 20 == 0], f"/helpdesk e-{n} {owner}"
        place = f"{owner} {sort_key(at, uid)}"
        rows.append(
            structs.replace(row, uid=uid, place=place, customer_id=owner, at=at, id=f"e-{n}").document()
        )
    return rows


def _state(number: int) -> Document:
    customer: Customer = altered(initial(name_of(number)), seen_at=micros(START))
    return {"_id": name_of(number), "version": 1, "data": state_text(customer)}


async def _fill(settings: Settings) -> None:
    client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongo, tz_aware=True)
    store = WorkerStore(client, handler(settings))
    if await store.database["filled"].find_one({"_id": INTERACTIONS}):
        await client.close()
        return
    await client.drop_database(store.database.name)
    await store.prepare()
    chance = random.Random(1)
    text = "The parcel came late and one of the cups was broken; asks for another one. " * 3
    said = {"channel": "chat", "direction": "inbound", "kind": "question", "summary": text, "text": text * 2}
    models = [_model(InteractionLogged.model_validate(said)), _model(CustomerUpdated(segment="gold"))]
    with Progress(console=console) as progress:
        task = progress.add_task(f"{INTERACTIONS:,} interactions", total=INTERACTIONS)
        for start in range(0, CUSTOMERS, STEP):
            states = [_state(n) for n in range(start, min(CUSTOMERS, start + STEP))]
            await store.database["state"].insert_many(states, ordered=False)
        for start in range(0, INTERACTIONS, STEP):
            rows = _rows(models, chance, range(start, min(INTERACTIONS, start + STEP)))
            await store.database[TIMELINE].insert_many(rows, ordered=False)
            progress.advance(task, len(rows))
    await store.database["filled"].insert_one({"_id": INTERACTIONS})
    await client.close()


@asynccontextmanager
async def _api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_api(settings, "interactions", "Interactions", ROUTERS, publisher=NoBroker())
    async with (
        served(app) as url,
        httpx.AsyncClient(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as client,
    ):
        yield client


async def _measured(client: httpx.AsyncClient, path: str, asked: Sequence[str], shown: bool) -> list[float]:
    """Milliseconds of each answer. ``shown``: it must have items."""
    times = []
    for customer in asked:
        started = time.perf_counter()
        answer = await client.get(path.format(customer))
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, answer.text
        assert answer.json().get("items") or not shown
    return times


async def _times(settings: Settings) -> dict[str, list[float]]:
    await _fill(settings)
    chance = random.Random(2)
    anybody = [name_of(chance.randrange(CUSTOMERS)) for _ in range(ASKED)]
    busy = [name_of(chance.randrange(BUSY)) for _ in range(ASKED)]
    then = (START + timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = "/customers/{}/timeline"
    asks = {
        "first page, anybody": (first, anybody, False),
        "first page, busy ones": (first, busy, True),
        "first page by type, busy ones": (f"{first}?type=customer.updated", busy, False),
        "the 360, anybody": ("/customers/{}", anybody, False),
        "as they were, anybody": (f"/customers/{{}}?at={then}", anybody, False),
        "as they were, busy ones": (f"/customers/{{}}?at={then}", busy, False),
    }
    async with _api(settings) as client:
        await _measured(client, first, anybody[:100], shown=False)
        return {name: await _measured(client, *ask) for name, ask in asks.items()}


def test_the_first_page_of_a_timeline(settings: Settings) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = asyncio.run(_times(settings))
    name, _ = server.choose(os.environ)
    title = f"{INTERACTIONS:,} interactions of {CUSTOMERS:,} customers, {ASKED:,} requests one by one, {name}"
    table = Table(title=title, title_justify="left")
    for column in ("request", "p50 ms", "p90", "p99", "max"):
        table.add_column(column, justify="left" if column == "request" else "right")
    for ask, times in found.items():
        cuts = statistics.quantiles(times, n=100)
        table.add_row(ask, *(f"{ms:.1f}" for ms in (cuts[49], cuts[89], cuts[98], max(times))))
    console.print(table)
    p99 = max(statistics.quantiles(found[ask], n=100)[98] for ask in found if ask.startswith("first page,"))
    console.print(f"p99 {p99:.1f} ms; aim {AIM_MS}: {'reached' if p99 <= AIM_MS else 'not reached'}\n")
