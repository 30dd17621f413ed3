"""An agent's own page, for whoever may see little else; and who is on a conversation, once they are not."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.interactions import api
from services.interactions.desk.presence import LASTING, Here, Presence
from services.interactions.domain.rows import PRESENCE
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in, token_of
from .test_waiting import CAPACITY, tell

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def browser(mongo: str, customer: str) -> Iterator[TestClient]:
    """Signed in as an agent, at work, who may see no customer."""
    who = f"{customer}-ann"
    keys = {who: {"key_sha256": sha256(b"key of ann").hexdigest(), "scopes": ["desk"]}}
    settings = settings_of(mongo, api_keys=keys)
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        told = {"agent_id": who, "name": "Ann", "capacity": CAPACITY, "on_shift": True, "on_break": True}
        tell(client, f"{customer}-team", "agent.changed", 5, **told)
        sign_in(client, "key of ann")
        yield client


def test_a_page_asks_to_be_told_of_nothing_that_its_reader_may_not_see(browser: TestClient) -> None:
    page = browser.get("/desk/me")
    assert page.status_code == 200
    assert "data-live" not in page.text


@pytest.mark.parametrize("state", ["", "holiday", "WORK"])
def test_what_one_may_not_be_changes_nothing(browser: TestClient, customer: str, state: str) -> None:
    form = {"csrf": token_of(browser.get("/desk/me").text), "state": state}
    assert browser.post("/desk/me/work", data=form).status_code == 422
    assert browser.post("/desk/me/work", data=form | {"state": "off"}).status_code == 303


def test_who_never_said_that_they_had_gone_is_forgotten(mongo: str) -> None:
    """Once somebody else comes, to whatever conversation."""

    async def run() -> list[str]:
        async with AsyncMongoClient[dict[str, Any]](mongo, tz_aware=True) as client:
            database = client["rapport_interactions"]
            presence = Presence(database)
            await presence.say("cust-a", Here("c-1", "ann", "Ann", "reading"), NOW)
            await presence.say("cust-a", Here("c-1", "cem", "Cem", "reading"), NOW + LASTING)
            await presence.say("cust-b", Here("c-2", "ben", "Ben", "reading"), NOW + timedelta(seconds=31))
            return [one["agent"] async for one in database[PRESENCE].find({}).sort("agent", 1)]

    assert asyncio.run(run()) == ["ben", "cem"]
