"""Pages tell their scripts what the platform's clock shows: by it they count what is left."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.interactions import api
from tests.unit.interactions.inline_worker import InlineWorker

from .test_session import settings_of, sign_in

REACHED = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
"""How far the stream is: years past this machine's clock."""


PAGES = ("", "/complaints", "/search", "/duplicates", "/team", "/wall", "/me")


@pytest.fixture
def browser(mongo: str) -> Iterator[TestClient]:
    """Of a platform whose clock is its stream."""
    with MongoClient[dict[str, Any]](mongo) as client:
        reached = {"$set": {"watermark": REACHED}}
        client["rapport_interactions"]["partitions"].update_one({"_id": 0}, reached, upsert=True)
    settings = settings_of(mongo, clock="stream")
    app = api.create_app(settings, publisher=InlineWorker(settings, wall=True))
    with TestClient(app, base_url="https://desk.test", follow_redirects=False) as client:
        sign_in(client, "the key to all", agent_id="ann")
        yield client


def test_a_page_says_what_the_platforms_clock_shows(browser: TestClient) -> None:
    for page in PAGES:
        answer = browser.get(f"/desk{page}")
        assert answer.status_code == 200
        (shown,) = re.findall(r'<body[^>]* data-now="([^"]+)"', answer.text)
        assert datetime.fromisoformat(shown) == REACHED


def test_so_does_what_is_swapped_into_one(browser: TestClient) -> None:
    for part in ("/search/results?q=ann", "/team"):
        answer = browser.get(f"/desk{part}", headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert datetime.fromisoformat(answer.headers["Desk-Now"]) == REACHED
