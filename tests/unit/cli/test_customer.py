"""``rapport customer export`` against an API that answers as interactions does."""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.commanded import Ran, rapport

LATER = (202, b'{"export_id": "e-1", "rows": 7}')
DOCUMENT = b'{"format": "rapport.export.v1"}' + b" " * 600_000
WHOLE = (200, DOCUMENT)


@contextmanager
def api(*answers: tuple[int, bytes], short: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the paths it was asked for; ``short``: so many bytes fewer come than were said."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(f"{self.path} {self.headers['Accept']}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - short])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def export(folder: Path, url: str, *arguments: str) -> Ran:
    told = {"RAPPORT_INTERACTIONS_URL": url, "RAPPORT_API_KEY": "k", "COLUMNS": "200"}
    return rapport("customer", "export", *arguments, cwd=folder, **told)


def test_it_waits_until_the_export_is_ready(tmp_path: Path) -> None:
    with api(LATER, LATER, WHOLE) as (url, asked):
        done = export(tmp_path, url, "c:1", "--out", "ann.json")
    assert done.returncode == 0, done.stderr
    assert asked == [
        "/customers/c%3A1/export?format=json application/json",
        "/exports/e-1?format=json application/json",
        "/exports/e-1?format=json application/json",
    ]
    assert (tmp_path / "ann.json").read_bytes() == DOCUMENT
    assert stat.S_IMODE((tmp_path / "ann.json").stat().st_mode) == 0o600


def test_a_page_goes_to_standard_output(tmp_path: Path) -> None:
    with api((200, b"<!doctype html>")) as (url, asked):
        done = export(tmp_path, url, "c-1", "--html")
    assert (done.returncode, done.out) == (0, b"<!doctype html>")
    assert asked == ["/customers/c-1/export?format=html text/html"]
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    silent = {"detail": "The export could not be made: loyalty answered 503.", "status": 503}
    with api((503, json.dumps(silent).encode())) as (url, _):
        done = export(tmp_path, url, "c-1", "--out", "ann.json")
    assert (done.returncode, "loyalty answered 503" in done.stderr) == (1, True)
    with api((403, b"{}")) as (url, _):
        done = export(tmp_path, url, "c-1")
    assert "must be one with admin" in done.stderr
    with api(WHOLE, short=10) as (url, _):
        done = export(tmp_path, url, "c-1", "--out", "ann.json")
    assert done.returncode == 1, done.stderr
    with api(WHOLE) as (url, _):
        done = export(tmp_path, url, "c-1", "--out", "none/ann.json")
    assert "There is no folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
