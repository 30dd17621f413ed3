"""The pages in Debian's Chromium, served by the API with the domain as the worker behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from rapport.rules.draft import channels_of
from services.followup.domain.links import Links, Question, Subscription
from services.followup.tokens import links
from shared.http.key_ring import KeyRing
from shared.schemas.times import DAY, micros
from tests.browser.serving import serving
from tests.unit.followup.apiworker import DAYTIME, SECRET, Worker, app_of, rules_about, settings_for, working
from tests.unit.followup.driver import CHANNELS
from tests.unit.followup.mailserver import free_port
from tests.unit.followup.mongoserver import mongo_server
from tools.chromium import chromium

TOPICS = [
    {
        "name": "events",
        "label": {
            "en": "Members’ evenings",
            "de": "Abende für Mitglieder",
            "es": "Tardes para miembros",
            "fr": "Soirées des membres",
        },
    },
    {
        "name": "products",
        "label": {
            "en": "New products",
            "de": "Neue Produkte",
            "es": "Productos nuevos",
            "fr": "Nouveaux produits",
        },
    },
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongo_server(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@dataclass(frozen=True)
class Site:
    """The service, as a customer meets it."""

    url: str
    worker: Worker
    links: Links

    def survey(self, survey: str = "nps", kind: str = "outreach", id: str = "o-1", days: int = 30) -> str:
        asked = {"customer_id": "c-1", "survey": survey, "about_kind": kind, "about_id": id}
        closes_at = micros(DAYTIME) + days * DAY
        return self.links.survey(
            Question.model_validate({**asked, "outreach_id": "o-1", "closes_at": closes_at})
        )

    def unsubscribe(self, topic: str | None = None) -> str:
        return self.links.unsubscribe(Subscription("c-1", "marketing", "email", topic))

    @property
    def preferences(self) -> str:
        return self.links.preferences("c-1")


@pytest.fixture
def site(mongo_uri: str, tmp_path: Path) -> Iterator[Site]:
    rules = rules_about(TOPICS, tmp_path)
    port = free_port()
    settings = settings_for(mongo_uri, rules=rules, followup_url=f"http://127.0.0.1:{port}")
    [sms] = [channel for channel in channels_of(["sms"]) if channel.name == "sms"]
    with working(settings, {**CHANNELS, "sms": sms}) as worker, serving(app_of(settings, worker), port):
        yield Site(settings.public_url, worker, links(settings.public_url, KeyRing([SECRET.encode()])))


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that has never been here; an indirect parameter says what is special of it."""
    special: dict[str, Any] = getattr(request, "param", {})
    made = browser.new_context(**{"locale": "en-GB", **special})
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab in which nothing may be complained of, and nothing asked of anybody else."""
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A page that says 4xx is told of as an error by the console too.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            faults.append(message.text)

    opened = context.new_page()
    opened.on("console", hear)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request",
        lambda asked: None if asked.url.startswith("http://127.0.0.1:") else faults.append(asked.url),
    )
    yield opened
    assert faults == []
