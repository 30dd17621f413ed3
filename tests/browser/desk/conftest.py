"""The desk in a browser: the API served, the domain as the worker behind it, what happens told over HTTP."""

import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page

from services.interactions import api
from services.interactions.settings import InteractionsSettings
from tests.unit.followup.mailserver import free_port
from tests.unit.interactions.inline_worker import InlineWorker

KEY = "a-key-for-the-desk"


@dataclass(frozen=True)
class DeskSite:
    """The service, as agents meet it. Each has customers of its own: ``customer``."""

    url: str
    worker: InlineWorker
    customer: str

    def tell(self, type: str, minutes_ago: float = 0, subject: str | None = None, **data: Any) -> None:
        """An event from outside."""
        told = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "/test",
            "type": f"rapport.{type}.v1",
            "subject": subject or self.customer,
            "time": (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat(),
            "data": data,
        }
        self.call("POST", "/events", told, kind="application/cloudevents+json")

    def writes(self, text: str, minutes_ago: float = 0, **data: Any) -> None:
        """The customer writes."""
        said = {"channel": "email", "direction": "inbound", "kind": "message", "summary": text, "text": text}
        self.tell("interaction.logged", minutes_ago, **(said | data))

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        asked = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": KEY, "content-type": kind},
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def sign_in(self, page: Page, agent: str = "ann", to: str = "/desk") -> None:
        """By the key, as this agent; the browser is then at ``to``."""
        page.goto(f"{self.url}{to}")
        page.get_by_label("API key").fill(KEY)
        page.get_by_label("Agent").fill(agent)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}{to}")


@pytest.fixture(scope="session")
def desk_site(mongo_uri: str) -> Iterator[tuple[str, InlineWorker]]:
    """One server for all tests: each has customers, agents and teams of its own."""
    port = free_port()
    settings = InteractionsSettings(
        kafka="nowhere:1", mongo=mongo_uri, secret_key="0123456789abcdef", api_key=KEY
    )
    worker = InlineWorker(settings, wall=True)
    with serving(settings, worker, port):
        yield f"http://127.0.0.1:{port}", worker


@pytest.fixture
def desk(desk_site: tuple[str, InlineWorker]) -> DeskSite:
    return DeskSite(*desk_site, customer=f"cust-{uuid.uuid4().hex[:8]}")


@contextmanager
def serving(settings: InteractionsSettings, worker: InlineWorker, port: int) -> Iterator[None]:
    """The API on a port, in a thread, from the first line within until the last."""
    app = api.create_app(settings, publisher=worker)
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
