"""``GET /rules/{name}/results``, on a real store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from services.followup.api import create_app
from services.followup.settings import FollowupSettings

from .driver import policy

KEY = {"X-API-Key": "a-key-for-the-tests"}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def http(mongo_uri: str) -> Iterator[TestClient]:
    told = {"kafka": "127.0.0.1:1", "mongo": mongo_uri, "secret_key": "a secret of more than 16"}
    settings = FollowupSettings.model_validate({**told, "api_key": KEY["X-API-Key"]})
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        results = client["rapport_followup"]["results"]
        results.delete_many({})
        for partition, rule, days, sums in (
            (0, "thank-you", 1, {"planned": 3, "sent": 1, "suppressed_no_consent": 1}),
            (1, "thank-you", 1, {"planned": 2, "sent": 2, "delivered": 1}),
            (0, "thank-you", 40, {"planned": 7, "sent": 7}),
            (0, "thank-you", -1, {"planned": 1}),
            (0, "thank-you-x", 1, {"planned": 100}),
        ):
            key = f"{rule}|{TODAY - timedelta(days=days):%Y-%m-%d}||"
            results.insert_one({"_id": f"{partition}|{key}", "key": key, **sums})
    with TestClient(create_app(settings, policy())) as http:
        yield http


def test_results_are_the_sums_of_all_partitions_over_the_last_days(http: TestClient) -> None:
    answer = http.get("/rules/thank-you/results", headers=KEY)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    total = body["total"]
    assert (total["planned"], total["sent"], total["delivered"], total["waiting"]) == (5, 3, 1, 1)
    assert total["suppressed"] == {"no_consent": 1}
    assert (body["arms"], body["lifts"], body["sample_ratio"]) == ([], [], None)
    assert body["until"] == f"{TODAY + timedelta(days=1):%Y-%m-%d}"


def test_results_are_of_the_days_asked_for(http: TestClient) -> None:
    asked = {"from": f"{TODAY - timedelta(days=50)}", "to": f"{TODAY - timedelta(days=1)}"}
    body = http.get("/rules/thank-you/results", headers=KEY, params=asked).json()
    assert (body["since"], body["until"]) == (asked["from"], asked["to"])
    assert body["total"]["planned"] == 7
    asked["to"] = f"{TODAY + timedelta(days=2)}T00:00:01Z"
    assert http.get("/rules/thank-you/results", headers=KEY, params=asked).json()["total"]["planned"] == 13


def test_what_cannot_be_answered_is_refused(http: TestClient) -> None:
    unknown = http.get("/rules/nothing/results", headers=KEY)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    turned = http.get("/rules/thank-you/results?from=2026-01-02&to=2026-01-01", headers=KEY)
    assert (turned.status_code, turned.json()["code"]) == (422, "bad_time")
    assert http.get("/rules/thank-you/results").status_code == 401
    assert http.get("/rules/manual/results", headers=KEY).json()["total"]["planned"] == 0
