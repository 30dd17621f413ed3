"""The service on a real store, with a worker in the place of Kafka."""

import subprocess
import sysconfig
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from starlette.testclient import TestClient

from rapport.embedded import ports
from services.interactions.config import load, load_desk
from services.interactions.export.making import exporting
from services.interactions.remembered import Remembered
from services.interactions.routes import ROUTERS
from services.interactions.settings import InteractionsSettings
from shared.http.app import create_api
from shared.runtime.settings import Settings

from .inline_worker import InlineWorker

KEY = "an-api-key-for-tests"
SERVER = Path(sysconfig.get_path("scripts")) / "secantusd-py"


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a server that ends with the session: to start one takes longer than most files' tests."""
    port = ports.pick()
    data = tmp_path_factory.mktemp("mongo")
    process = subprocess.Popen(
        [SERVER, "--port", str(port), "--storage-path", data, "--log-level", "ERROR"], cwd=data
    )
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    try:
        _wait_for(uri)
        yield uri
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def mongo(started: str) -> str:
    """It is empty, for each file."""
    with MongoClient[dict[str, Any]](started) as client:
        for name in client.list_database_names():
            if name not in ("admin", "config", "local"):
                client.drop_database(name)
    return started


def _wait_for(uri: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=300) as client:
                client.admin.command("ping")
                return
        except PyMongoError:
            if time.monotonic() > deadline:
                raise


@pytest.fixture(scope="module")
def settings(mongo: str) -> Settings:
    return InteractionsSettings(kafka="nowhere:1", mongo=mongo, secret_key="0123456789abcdef", api_key=KEY)


@pytest.fixture(scope="module")
def worker(settings: Settings) -> InlineWorker:
    return InlineWorker(settings)


@pytest.fixture(scope="module")
def api(settings: Settings, worker: InlineWorker) -> Iterator[TestClient]:
    app = create_api(settings, "interactions", "Interactions", ROUTERS, publisher=worker, parts=(exporting,))
    app.state.sla, app.state.desk, app.state.remembered = load(), load_desk(), Remembered()
    with TestClient(app, headers={"X-API-Key": KEY}) as client:
        yield client


@pytest.fixture
def customer() -> str:
    """The id of a customer of whom nothing has been heard."""
    return f"cust-{uuid.uuid4().hex[:8]}"
