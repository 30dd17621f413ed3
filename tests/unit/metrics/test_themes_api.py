"""What customers speak of, from a worker's store over HTTP."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.config import load
from services.metrics.domain.themes import Matcher, last_week
from services.metrics.settings import MetricsSettings
from shared.schemas.feedback import ReviewPosted, SurveyAnswered
from shared.schemas.times import date_of, day_number, micros

from .story import START, event, opened
from .test_api import HEADERS, KEY, TODAY, Broker, Noon, get
from .test_store import Worker

MONDAY = last_week(micros(TODAY + timedelta(hours=12)))
OFFSET = MONDAY - day_number(START.date())


def log() -> list[Any]:
    late = [
        event(
            opened(f"k{n}").model_copy(update={"description": "It is delayed."}),
            days=OFFSET + n * 0.5,
            subject=f"c{n}",
            id=f"late{n}",
        )
        for n in range(7)
    ]
    fine = [
        event(SurveyAnswered(survey="csat", score=5, comment="Good."), days=OFFSET - n, id=f"fine{n}")
        for n in range(1, 28)
    ]
    before = [event(ReviewPosted(sku="s", rating=2, text="Zu spät!"), days=OFFSET - 3, id="before")]
    return [*late, *fine, *before, late[0]]


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[TestClient]:
    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(client, "rapport_metrics", themes=Matcher(load().themes))
            await worker.processor.assigned(frozenset({0}), 2)
            await worker.process(log(), start=0)

    asyncio.run(write())
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY, metrics_gauge_seconds=0.2
    )
    app = create_app(settings, publisher=Broker())
    with TestClient(app) as client:
        app.state.clock = Noon()
        yield client


def test_the_last_closed_week(api: TestClient) -> None:
    found = get(api, "/themes")
    assert (found["week"], found["texts"]) == (date_of(MONDAY).isoformat(), 7)
    first = found["themes"][0]
    assert {**first, "log_odds": 0, "examples": []} == {
        "theme": "late-delivery",
        "mentions": 7,
        "usual": 0.25,
        "log_odds": 0,
        "rising": True,
        "examples": [],
    }
    assert first["log_odds"] > 2
    assert [one["id"] for one in first["examples"]] == ["late6", "late5", "late4", "late3", "late2"]
    assert set(first["examples"][0]) == {"customer", "source", "id", "time"}
    assert all(one["mentions"] == 0 and one["examples"] == [] for one in found["themes"][1:])


def test_another_week(api: TestClient) -> None:
    found = get(api, "/themes", week=date_of(MONDAY - 7).isoformat())
    theme = next(one for one in found["themes"] if one["theme"] == "late-delivery")
    assert (theme["mentions"], theme["rising"], theme["examples"][0]["id"]) == (1, False, "before")
    found = get(api, "/themes", week="2001-01-01")
    assert {one["log_odds"] for one in found["themes"]} == {None}


@pytest.mark.parametrize("week", ["2026-01-06", "2099-01-05", "1969-12-29", "soon"])
def test_a_week_that_is_none_is_named(api: TestClient, week: str) -> None:
    answer = api.get(f"/themes?week={week}", headers=HEADERS)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["query.week"]


def test_without_a_key_nothing_is_told(api: TestClient) -> None:
    assert api.get("/themes").status_code == 401
