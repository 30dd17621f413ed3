"""A route that does less than ours, in a process of its own: what a benchmark measures ours beside."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tests.stack import until


class Server(NamedTuple):
    """Where it listens, and its process."""

    port: int
    pid: int


@contextmanager
def bare_server(module: str, *arguments: str) -> Iterator[Server]:
    """``python -m module PORT arguments``, once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", module, str(port), *arguments])
    try:
        until(lambda: _listens(port), "the bare route")
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
