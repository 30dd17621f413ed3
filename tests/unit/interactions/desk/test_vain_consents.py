"""A consent that has no effect is not passed over in silence: the customer's page says why."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in


@pytest.fixture
def browser(mongo: str) -> Iterator[TestClient]:
    settings = settings_of(mongo)
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        sign_in(client, "the key to all", agent_id="ann")
        yield client


def says(browser: TestClient, customer: str, granted: bool, days_ago: float, **more: Any) -> None:
    told = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/test",
        "type": "rapport.consent.changed.v1",
        "subject": customer,
        "time": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(),
        "data": {"purpose": "marketing", "channel": "email", "topic": "offers", "granted": granted},
    }
    kind = {"content-type": "application/cloudevents+json", "X-API-Key": "the key to all"}
    answer = browser.post("/events", content=json.dumps(told | more), headers=kind)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "It has no effect"), ("de", "Das hat keine Wirkung"), ("es", "No tiene efecto")],
)
def test_the_page_says_that_an_imports_grant_does_not_hold(
    browser: TestClient, customer: str, language: str, said: str
) -> None:
    def page() -> str:
        answer = browser.get(f"/desk/customers/{customer}", headers={"Accept-Language": language})
        assert answer.status_code == 200
        return str(answer.text)

    says(browser, customer, False, 3)
    assert said not in page()
    says(browser, customer, True, 2, imported=True)
    shown = page()
    assert said in shown
    assert ": offers: " in shown, "of which it is"
    says(browser, customer, True, 1)
    assert said not in page(), "their own word holds, and nothing is in vain"
