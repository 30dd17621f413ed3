"""Whose an alias is: one read, beside that read by itself; and what is remembered of it."""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient, monitoring

from rapport.embedded.stack import start_mongo
from rapport.home import Home
from services.interactions.domain.aliases.state import AliasState
from services.interactions.erasure_store import ErasedIds
from services.interactions.resolving import Resolver
from services.interactions.settings import InteractionsSettings
from shared.facts.aliases import Identity
from shared.http.clock import ApiClock
from shared.journal.later import read_state
from shared.runtime.mongo import Document
from shared.schemas.commands.aliases import alias_state
from tests.bench.report import console, show_ratio
from tests.bench.serving import NoBroker

pytestmark = pytest.mark.bench

ALIASES, ASKED, RUNS = 20_000, 500, 3
AIM = 0.8


class Finds(monitoring.CommandListener):
    """How often an alias was read."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += event.command_name == "find" and event.command["find"] == "state"

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


def address(n: int) -> str:
    return f"person-{n}@example.org"


def key(identity: Identity, n: int) -> str:
    return identity.key(identity.alias("email", address(n)))


async def measured(settings: InteractionsSettings, finds: Finds) -> tuple[list[float], list[float], float]:
    """Aliases a second: resolved, read by themselves, and resolved once they are remembered."""
    identity = settings.identity
    async with AsyncMongoClient[Document](settings.mongo, event_listeners=[finds]) as client:
        database = client[f"bench_{uuid.uuid4().hex[:8]}"]
        try:
            await database["state"].insert_many(documents(identity))
            clock = ApiClock(database, NoBroker(), stream=False, partitions=1)
            erased = ErasedIds(database, settings.erased_by)
            ours: list[float] = []
            limit: list[float] = []
            remembered = 0.0
            for run in range(RUNS):
                some = random.Random(run).sample(range(ALIASES), ASKED)
                keys = [alias_state(key(identity, n)) for n in some]
                began = time.perf_counter()
                for id in keys:
                    found = await database["state"].find({"_id": id}, batch_size=2).to_list()
                    read_state(AliasState, found[0]["data"])
                limit.append(ASKED / (time.perf_counter() - began))
                resolver = Resolver(identity, database, NoBroker(), clock, erased, timeout=1)
                before = finds.count
                ours.append(await rate(resolver, some))
                assert finds.count - before == ASKED
                remembered = await rate(resolver, some)
                assert finds.count - before == ASKED
        finally:
            await client.drop_database(database.name)
    return ours, limit, remembered


def documents(identity: Identity) -> Sequence[Document]:
    return [
        {
            "_id": alias_state(key(identity, n)),
            "data": AliasState(key=key(identity, n), owner=f"c-{n}", known=True, since=n).model_dump_json(),
        }
        for n in range(ALIASES)
    ]


async def rate(resolver: Resolver, some: Sequence[int]) -> float:
    began = time.perf_counter()
    for n in some:
        assert await resolver.resolve("email", address(n)) == f"c-{n}"
    return len(some) / (time.perf_counter() - began)


def test_one_read_an_alias_and_none_for_one_that_is_remembered(tmp_path: Path) -> None:
    with start_mongo(Home(tmp_path)) as part:
        uri = f"mongodb://{part.address}/?directConnection=true"
        settings = InteractionsSettings(kafka="unused:1", mongo=uri, secret_key="benchmark-benchmark")
        ours, limit, remembered = asyncio.run(measured(settings, Finds()))
    show_ratio(f"{ALIASES:,} aliases", ("resolve", ours), ("the read by itself", limit), AIM)
    console.print(f"remembered: {1e6 / remembered:.0f} µs an alias")
