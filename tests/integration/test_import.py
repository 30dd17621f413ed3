"""``rapport import`` on the running platform: killed in the middle and run again, each row is there once."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.stack import Stack, new_customer, until

ROWS = 6_000
BLOCKED_AT = 8
MAP = """
source: /old/calls
timezone: Europe/Berlin
events:
  - type: interaction.logged
    when: row.Kind != "skip"
    subject: row.Customer
    time: {from: row.At, format: "%d.%m.%Y %H:%M"}
    data:
      channel: {is: phone}
      direction: {is: inbound}
      kind: row.Kind
      summary: row.About
      duration_s: row.Took
"""


class Gate:
    """Lets requests through, until the one that is to wait."""

    def __init__(self) -> None:
        self.left: int | None = BLOCKED_AT
        self.reached, self.open = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def passed(self) -> None:
        with self._lock:
            if self.left is None:
                return
            self.left -= 1
            waits = self.left < 0
        if waits:
            self.reached.set()
            assert self.open.wait(60)


@contextmanager
def before(url: str, gate: Gate) -> Iterator[str]:
    """The URL of what stands before the API, and holds requests at the gate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gate.passed()
            names = ("X-API-Key", "Content-Type")
            request = urllib.request.Request(
                f"{url}{self.path}", body, {name: self.headers[name] for name in names}
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    status, content = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing is told."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # who asked has been killed
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            gate.open.set()
            server.shutdown()
            thread.join()


def rapport(stack: Stack, url: str, *arguments: str | Path) -> subprocess.Popen[str]:
    env = {**os.environ, **stack.env, "RAPPORT_INTERACTIONS_URL": url, "COLUMNS": "200"}
    command = [sys.executable, "-m", "rapport", "import", *map(str, arguments)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_an_import_that_is_killed_goes_on_and_tells_each_row_once(stack: Stack, tmp_path: Path) -> None:
    people = [new_customer() for _ in range(5)]
    bad = {number for number in range(ROWS) if number % 997 == 7}
    skipped = {number for number in range(ROWS) if number % 10 == 3} - bad
    file, mapping = tmp_path / "calls.csv", tmp_path / "calls.yaml"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, delimiter=";")
        writer.writerow(["Customer", "Kind", "At", "About", "Took"])
        for number in range(ROWS):
            kind = "skip" if number in skipped else "call"
            took = "long" if number in bad else "60"
            about = f'no. {number}\n"so"'
            writer.writerow([people[number % 5], kind, "31.01.2026 12:30", about, took])
    mapping.write_text(MAP, encoding="utf-8")
    arguments = (file, "--map", mapping)
    gate, place = Gate(), tmp_path / "calls.csv.place"
    with before(stack.env["RAPPORT_INTERACTIONS_URL"], gate) as url:
        first = rapport(stack, url, *arguments)
        assert gate.reached.wait(60)
        until(place.exists, "the place of the import")
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert 0 < json.loads(place.read_text(encoding="utf-8"))["place"]["rows"] < ROWS
        gate.left = None
        gate.open.set()
        second = rapport(stack, url, *arguments)
        said, _ = second.communicate(timeout=120)
    assert second.returncode == 1, said
    assert f"{ROWS:,} rows: {ROWS - len(bad) - len(skipped):,} events" in said
    assert not place.exists()
    with (tmp_path / "calls.csv.errors.csv").open(encoding="utf-8") as opened:
        failed = [int(row["About"].split()[1]) for row in csv.DictReader(opened)]
    assert failed == sorted(bad)
    told = set(range(ROWS)) - bad - skipped
    stack.settle(90)
    for place_of, person in enumerate(people):
        rows = [row for row in stack.timeline(person) if row["type"] == "rapport.interaction.logged.v1"]
        heard = sorted(int(row["summary"].split("no. ")[1].split()[0]) for row in rows)
        assert heard == sorted(number for number in told if number % 5 == place_of)
