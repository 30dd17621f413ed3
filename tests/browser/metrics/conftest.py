"""The pages of figures in a browser: the API over a store that a worker has written a shop's year into."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.metrics.api import create_app
from services.metrics.settings import MetricsSettings
from shared.schemas.event import Event
from tests.browser.looks import LOOKED
from tests.browser.serving import serving
from tests.unit.followup.mailserver import free_port
from tests.unit.metrics.test_api import Broker
from tests.unit.metrics.test_store import Worker
from tests.unit.metrics.year import year

KEY = "a-key-for-managers"
OPENED: dict[str, Any] = {"http_credentials": {"username": "anybody", "password": KEY}}
OPEN_LOOKED = LOOKED | OPENED
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Noon:
    async def now(self, subject: str | None) -> datetime:
        return NOW


@dataclass(frozen=True)
class Figures:
    """The service, as managers meet it."""

    url: str
    count: Callable[[Sequence[Event]], None]
    """Let a worker count more."""


def _run(work: Coroutine[Any, Any, None]) -> None:
    """In a thread: Playwright's loop has this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def _site(uri: str, events: Sequence[Event]) -> Iterator[Figures]:
    counted = 0

    def count(more: Sequence[Event]) -> None:
        nonlocal counted

        async def write() -> None:
            async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
                worker = Worker(client, "rapport_metrics")
                await worker.processor.assigned(frozenset({0}), 2)
                await worker.process(more, start=counted)

        _run(write())
        counted += len(more)

    async def empty() -> None:
        async with AsyncMongoClient[dict[str, Any]](uri) as client:
            await client.drop_database("rapport_metrics")

    _run(empty())
    if events:
        count(events)
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=uri, secret_key="0123456789abcdef", api_key=KEY, metrics_gauge_seconds=0.2
    )
    port = free_port()
    app = create_app(settings, publisher=Broker())
    with serving(app, port):
        app.state.clock = Noon()
        yield Figures(f"http://127.0.0.1:{port}", count)


@pytest.fixture(scope="module")
def figures(mongo_uri: str) -> Iterator[Figures]:
    """A year of a shop."""
    yield from _site(mongo_uri, year(NOW))


@pytest.fixture
def nothing(mongo_uri: str) -> Iterator[Figures]:
    """A shop on its first day."""
    yield from _site(mongo_uri, ())
