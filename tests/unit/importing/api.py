"""An API as imports see one, on a port of this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Events: TypeAlias = list[dict[str, Any]]
Answer: TypeAlias = tuple[int, dict[str, Any], dict[str, str]]
"""Status, body, headers."""


def taken(events: Events) -> Answer:
    return 202, {"accepted": len(events)}, {}


@contextmanager
def serving(answer: Callable[[Events], Answer]) -> Iterator[tuple[str, list[Events]]]:
    """Its URL, and what was posted."""
    posted: list[Events] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/base/events"
            assert self.headers["X-API-Key"] == "key"
            assert self.headers["Content-Type"] == "application/cloudevents-batch+json"
            posted.append(events)
            status, body, headers = answer(events)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing is told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/base/", posted
        finally:
            server.shutdown()
            thread.join()
