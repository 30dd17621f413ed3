"""A real MongoDB-wire server for what reads and writes rows, and the API on it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from starlette.testclient import TestClient

from services.followup.settings import FollowupSettings

from .apiworker import Worker, app_of, settings_for, working
from .mailserver import Database, FakeRuntime, Inbox
from .mongoserver import mongo_server


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongo_server(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """The service's database, empty."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        for name in ("deliveries", "state", "journal"):
            await client["rapport_followup"][name].delete_many({})
        yield client["rapport_followup"]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def runtime(database: Database) -> FakeRuntime:
    return FakeRuntime(database)


@pytest.fixture
def settings(mongo_uri: str) -> FollowupSettings:
    return settings_for(mongo_uri)


@pytest.fixture
def worker(settings: FollowupSettings) -> Iterator[Worker]:
    with working(settings) as worker:
        yield worker


@pytest.fixture
def http(settings: FollowupSettings, worker: Worker) -> Iterator[TestClient]:
    with TestClient(app_of(settings, worker)) as client:
        yield client
