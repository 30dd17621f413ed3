"""A member's own page in a browser: nothing that axe-core minds, in each language, look and size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from services.loyalty.api import create_app
from services.loyalty.routes.dependencies import get_store
from services.loyalty.settings import LoyaltySettings
from shared.http.dependencies import get_clock
from shared.http.key_ring import KeyRing
from shared.http.member_links import member_link
from shared.pages.readers import LANGUAGES
from shared.schemas.times import micros
from tests.browser.looks import LOOKED, look
from tests.browser.serving import serving
from tests.unit.followup.mailserver import free_port
from tests.unit.http.conftest import FakeDatabase
from tests.unit.loyalty.account import day
from tests.unit.loyalty.platform import MEMBER, FixedClock, Platform

SECRET = "k" * 16


@dataclass(frozen=True)
class Shown:
    """The service, as a member meets it."""

    url: str
    platform: Platform

    def link(self, days: float = 400, language: str | None = None) -> str:
        return member_link(self.url, KeyRing([SECRET.encode()]), MEMBER, micros(day(days)), language)


@pytest.fixture
def shown() -> Iterator[Shown]:
    platform = Platform()
    app = create_app(LoyaltySettings(kafka="unused:1", mongo="mongodb://unused", secret_key=SECRET))
    app.dependency_overrides[get_store] = lambda: platform
    app.dependency_overrides[get_clock] = lambda: FixedClock(platform)
    port = free_port()
    app.state.producer, app.state.database = None, FakeDatabase()
    with serving(app, port):
        yield Shown(f"http://127.0.0.1:{port}", platform)


def shop(platform: Platform) -> None:
    """A year of a good customer."""
    account = platform.account
    account.buy(0, 42_000)
    account.buy(40, 38_000)
    account.redeem(41, "voucher-5")
    account.redeem(42)
    account.use(43, account.redeem(43))
    account.give_back(50, "o-1", 10_000)
    account.compensate(60, 150)
    platform.now = day(60) + timedelta(hours=9)


@pytest.mark.parametrize("context", [LOOKED], indirect=True)
def test_everybody_can_use_it(shown: Shown, page: Page) -> None:
    shop(shown.platform)
    faults = []
    for language in LANGUAGES:
        page.goto(shown.link(language=language))
        assert page.locator("html").get_attribute("lang") == language
        faults += look(page, f"card-{language}")
    page.goto(shown.link(days=1))
    faults += look(page, "card-over")
    assert faults == []


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_it_needs_no_script_and_another_language_is_a_link_away(shown: Shown, page: Page) -> None:
    shop(shown.platform)
    page.goto(shown.link(language="en"))
    expect(page.locator("h1")).to_have_text("Your points")
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("h1")).to_have_text("Ihre Punkte")
