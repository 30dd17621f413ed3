"""A MongoDB-wire server: its own process, on a port of its own."""

import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from .mailserver import free_port


@contextmanager
def mongo_server(folder: Path) -> Iterator[str]:
    """Its URI, while it runs with its data in ``folder``."""
    port = free_port()
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
                time.sleep(0.1)  # it tells its start in no other way
    raise AssertionError(log.read_text())
