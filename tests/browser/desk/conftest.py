"""The desk in a browser: the API served, the domain as the worker behind it, what happens told over HTTP."""

import json
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pymongo import MongoClient

from services.interactions import api
from services.interactions.settings import InteractionsSettings
from tests.browser.serving import serving
from tests.unit.followup.mailserver import free_port
from tests.unit.interactions.inline_worker import InlineWorker

KEY = "a-key-for-the-desk"


@dataclass(frozen=True)
class DeskSite:
    """The service, as agents meet it. Each has customers of its own: ``customer``."""

    url: str
    worker: InlineWorker
    mongo: str
    customer: str

    @property
    def talk(self) -> str:
        """The id of the customer's first conversation."""
        return f"{self.customer}-talk"

    def tell(self, type: str, minutes_ago: float = 0, whom: str | None = None, **data: Any) -> None:
        """An event from outside."""
        told = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "/test",
            "type": f"rapport.{type}.v1",
            "subject": whom or self.customer,
            "time": (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat(),
            "data": data,
        }
        self.call("POST", "/events", told, kind="application/cloudevents+json")

    def writes(self, text: str, minutes_ago: float = 0, **data: Any) -> None:
        """The customer writes."""
        said = {"channel": "email", "direction": "inbound", "kind": "message", "summary": text, "text": text}
        self.tell("interaction.logged", minutes_ago, **(said | data))

    def at_it(self, conversation_id: str, agent_id: str, name: str, doing: str) -> None:
        """Somebody else has the page open."""
        until = datetime.now(UTC) + timedelta(minutes=5)
        row = {"customer": self.customer, "conversation": conversation_id, "agent": agent_id, "name": name}
        with MongoClient[dict[str, Any]](self.mongo) as client:
            client["rapport_interactions"]["presence"].insert_one({**row, "doing": doing, "until": until})

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


def done(page: Page, act: Callable[[], None]) -> None:
    """Send a form by ``act``, and wait until the page says what came of it: what is typed before that goes
    with the page that goes."""
    with page.expect_response(lambda answer: "said=" in answer.url and answer.ok) as answered:
        act()
    answered.value.finished()
    expect(page.locator(".htmx-request, .htmx-swapping")).to_have_count(0)


def press(page: Page, button: Locator) -> None:
    """Send the button's form."""
    done(page, button.click)


@pytest.fixture(scope="session")
def desk_site(mongo_uri: str) -> Iterator[tuple[str, InlineWorker, str]]:
    """One server for all tests: each has customers, agents and teams of its own."""
    port = free_port()
    settings = InteractionsSettings(
        kafka="nowhere:1", mongo=mongo_uri, secret_key="0123456789abcdef", api_key=KEY
    )
    worker = InlineWorker(settings, wall=True)
    with serving(api.create_app(settings, publisher=worker), port):
        yield f"http://127.0.0.1:{port}", worker, mongo_uri


@pytest.fixture
def desk(desk_site: tuple[str, InlineWorker, str]) -> DeskSite:
    return DeskSite(*desk_site, customer=f"cust-{uuid.uuid4().hex[:8]}")
