"""A real store for the tests that need one: the embedded MongoDB-wire server, empty, for this folder."""

import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import PyMongoError

from rapport.embedded import mongo
from rapport.embedded.ports import pick


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a server that ends with the session."""
    _, program = mongo.choose(os.environ)
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60)
    port = pick()
    data: Path = tmp_path_factory.mktemp("mongo")
    options = mongo.arguments(shown.stdout + shown.stderr, port, data)
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(mongo.uri(port))
        yield mongo.uri(port)
    finally:
        process.kill()
        process.wait()


def _wait(uri: str) -> None:
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
        for _ in range(120):
            try:
                client.admin.command("ping")
            except PyMongoError:
                time.sleep(0.25)
            else:
                return
    raise TimeoutError("the store did not start")


@pytest.fixture
async def client(server: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as connected:
        yield connected


@pytest.fixture
def database_name() -> str:
    return f"metrics_{uuid4().hex[:12]}"
