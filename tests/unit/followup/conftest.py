"""A real MongoDB-wire server for what reads and writes rows: its own process, on a port of its own."""

import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from .mailserver import Database, FakeRuntime, Inbox, free_port


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("mongo"), free_port()
    program = Path(sysconfig.get_path("scripts")) / "secantusd-py"
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", folder / "data"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    try:
        await_server(uri, process, folder / "log")
        yield uri
    finally:
        process.terminate()
        process.wait(10)


def await_server(uri: str, process: subprocess.Popen[bytes], log: Path) -> None:
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=200) as client:
        for _ in range(150):
            assert process.poll() is None, log.read_text()
            try:
                client.admin.command("ping")
                return
            except PyMongoError:
                time.sleep(0.1)
    raise AssertionError(log.read_text())


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
