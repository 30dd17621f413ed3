"""``rapport sla explain`` against an API that answers as interactions does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from services.interactions.domain.sla.clocks import clocks
from services.interactions.domain.sla.log import Kind
from services.interactions.models.clocks import explained_clocks
from tests.commanded import Ran, rapport
from tests.unit.interactions.sla.story import SLA, at, fact, opened

LOG = (opened("2 08:00"), fact("2 08:30", Kind.ANSWERED))
CLOCKS = explained_clocks("x/1", "c-1", clocks(LOG, SLA, at("2 10:00")).clocks, SLA, at("2 10:00"))
PROBLEM = {"type": "about:blank", "title": "T", "detail": "There is no complaint x/1."}


@contextmanager
def api(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the paths it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['X-API-Key']}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

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


def explain(folder: Path, *arguments: str, **environ: str) -> Ran:
    return rapport("sla", "explain", *arguments, cwd=folder, COLUMNS="80", **environ)


def asked_of(url: str) -> dict[str, str]:
    return {"RAPPORT_INTERACTIONS_URL": url, "RAPPORT_API_KEY": "k"}


def test_it_shows_the_clocks_or_the_answer_as_it_came(tmp_path: Path) -> None:
    body = CLOCKS.model_dump_json().encode()
    with api(200, body) as (url, asked):
        shown = explain(tmp_path, "x/1", "--customer", "c 1", **asked_of(url))
        given = explain(tmp_path, "x/1", "--json", **asked_of(url + "/base/"))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "x/1 of c-1, as of Mon 2 Mar 2026 10:00 UTC" in shown.stdout
    assert "update running" in shown.stdout
    assert json.loads(given.stdout) == json.loads(body)
    assert asked == ["/complaints/x%2F1/clocks?customer_id=c%201 k", "/base/complaints/x%2F1/clocks k"]


@pytest.mark.parametrize(
    ("status", "problem", "arguments", "sentence"),
    [
        (404, {"code": "unknown_complaint"}, (), "There is no complaint x/1."),
        (404, {"code": "unknown_complaint"}, ("--customer", "c-9"), "no complaint x/1 of customer c-9."),
        (409, {"code": "ambiguous_complaint"}, (), "Several customers have a complaint x/1: say whose with"),
        (401, {"code": "unauthorized"}, (), "refuses the key (401): RAPPORT_API_KEY must be one with"),
        (403, {"code": "forbidden"}, (), "refuses the key (403)"),
        (503, {"detail": "The store is away."}, (), "interactions answered 503: The store is away."),
    ],
)
def test_what_the_api_refuses_is_a_sentence(
    tmp_path: Path, status: int, problem: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    with api(status, json.dumps(PROBLEM | problem).encode()) as (url, _):
        found = explain(tmp_path, "x/1", *arguments, **asked_of(url))
    assert (found.returncode, found.stdout) == (1, "")
    assert sentence in found.stderr.replace("\n", " ")
    assert "Traceback" not in found.stderr


def test_a_platform_that_does_not_run_is_said(tmp_path: Path) -> None:
    unknown = explain(tmp_path, "x-1")
    assert unknown.returncode == 1
    assert "No API of interactions is known here: start the platform with `rapport up`" in unknown.stderr
    away = explain(tmp_path, "x-1", **asked_of("http://127.0.0.1:9"))
    assert away.returncode == 1
    assert "interactions at http://127.0.0.1:9 does not answer" in away.stderr
    keyless = explain(tmp_path, "x-1", RAPPORT_INTERACTIONS_URL="http://127.0.0.1:9")
    assert "set RAPPORT_API_KEY" in keyless.stderr
    with api(502, b"<html>") as (url, _):
        proxy = explain(tmp_path, "x-1", **asked_of(url))
    assert "answered 502 without JSON: is that its API?" in proxy.stderr


def test_the_stack_of_this_home_is_found(tmp_path: Path) -> None:
    with api(200, CLOCKS.model_dump_json().encode()) as (url, asked):
        (tmp_path / ".rapport").mkdir()
        env = f"RAPPORT_INTERACTIONS_URL={url}\nRAPPORT_API_KEY=local\n"
        (tmp_path / ".rapport" / "env").write_text(env)
        found = explain(tmp_path, "x-1")
    assert found.returncode == 0, found.stderr
    assert asked == ["/complaints/x-1/clocks local"]
