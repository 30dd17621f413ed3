"""A bad review on the desk: called what it is in each language, and answered by whoever is signed in."""

from collections.abc import Iterator
from hashlib import sha256

import pytest
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.config import load_desk
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in, token_of
from .test_waiting import CAPACITY, tell

NAMES = {"en": "Answer to a review", "de": "Antwort auf eine Bewertung", "es": "Respuesta a una reseña"}
SCOPES = ["desk", "customers:read", "complaints:write"]


@pytest.fixture
def browser(mongo: str, customer: str) -> Iterator[TestClient]:
    """Signed in as an agent of the default team."""
    who = f"{customer}-ann"
    keys = {who: {"key_sha256": sha256(b"key of ann").hexdigest(), "scopes": SCOPES}}
    settings = settings_of(mongo, api_keys=keys)
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        told = {"agent_id": who, "name": "Ann", "capacity": CAPACITY, "on_shift": True, "on_break": False}
        tell(client, load_desk().default.id, "agent.changed", 5, **told)
        sign_in(client, "key of ann")
        yield client


def test_a_review_is_answered_at_the_desk(browser: TestClient, customer: str) -> None:
    tell(browser, customer, "review.posted", 3, sku="mug", rating=1, text="It broke.")
    for language, name in NAMES.items():
        page = browser.get("/desk/me", headers={"Accept-Language": language})
        assert name in page.text
        assert "mug, 1/5: It broke." in page.text
    query = {"customer_id": customer, "kind": "public_answer"}
    key = {"X-API-Key": "the key to all"}
    (task,) = browser.get("/tasks", params=query, headers=key).json()["items"]
    form = {"csrf": token_of(page.text), "outcome": "A new one is on its way."}
    answer = browser.post(f"/desk/tasks/{task['task_id']}/done?team={task['team']}", data=form)
    assert answer.status_code == 303, answer.text
    rows = browser.get(f"/customers/{customer}/timeline", headers=key).json()["items"]
    (contact,) = [row["data"] for row in rows if row["type"] == "rapport.interaction.logged.v1"]
    assert (contact["agent_id"], contact["text"]) == (f"{customer}-ann", "A new one is on its way.")
    assert "A new one is on its way." in browser.get(f"/desk/customers/{customer}").text
