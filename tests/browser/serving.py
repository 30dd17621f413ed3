"""An API on a port of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[None]:
    """It answers, in a thread, from the first line within until the last."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        for _ in range(200):
            if server.started:
                break
            time.sleep(0.05)  # it tells its start in no other way
        assert server.started, "the API did not start"
        yield
    finally:
        server.should_exit = True
        thread.join(10)
