"""An address that messages no longer reach, as an agent sees it beside the customer's others."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from tests.unit.interactions.inline_worker import InlineWorker
from tests.unit.interactions.test_unusable_addresses import HARD, SENT, lives_at, tell

from .test_session import settings_of, sign_in

SAID = {
    "en": "A message came back for good: the address no longer works",
    "de": "Eine Nachricht kam endgültig zurück: Die Adresse gilt nicht mehr",
    "es": "Un mensaje fue devuelto definitivamente: la dirección ya no sirve",
}


@pytest.fixture
def worker(mongo: str) -> InlineWorker:
    return InlineWorker(settings_of(mongo))


@pytest.fixture
def browser(mongo: str, worker: InlineWorker) -> Iterator[TestClient]:
    app = api.create_app(settings_of(mongo), publisher=worker)
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        sign_in(client, "the key to all", agent_id="ann")
        yield client


def test_the_desk_says_that_an_address_no_longer_works(
    browser: TestClient, worker: InlineWorker, customer: str
) -> None:
    tell(browser, worker, customer, (lives_at("ann@old.example"), 0), (SENT, 5))
    assert SAID["en"] not in browser.get(f"/desk/customers/{customer}").text
    tell(browser, worker, customer, (HARD, 6))
    for language, text in SAID.items():
        page = browser.get(f"/desk/customers/{customer}", headers={"Accept-Language": language})
        assert text in page.text
    tell(browser, worker, customer, (lives_at("ann@new.example"), 9))
    assert SAID["en"] not in browser.get(f"/desk/customers/{customer}").text
