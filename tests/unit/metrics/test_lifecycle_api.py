"""Cohorts, lifecycle and churn of the API over a store that a worker has written."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.settings import MetricsSettings
from shared.schemas.complaints import ComplaintResolved
from shared.schemas.event import Event

from .story import START, cancelled, event, opened, profile, purchase, started
from .test_api import HEADERS, KEY, Broker
from .test_store import Worker

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
TODAY = (NOW - START).days
"""In days after START, the first of January."""


class Fixed:
    async def now(self, subject: str | None) -> datetime:
        return NOW


POLICY = """
name: test
churn: {quiet: 30d, complaint: 20d, contractual: {grace: 5d}}
"""


def told() -> list[Event]:
    return [
        event(profile("gold"), days=0, subject="a"),
        event(purchase("a1"), days=3, subject="a"),  # 4 January
        event(purchase("a2", channel="store"), days=40, subject="a"),  # 10 February
        event(purchase("a3"), days=TODAY - 1, subject="a"),
        event(purchase("b1"), days=5, subject="b"),  # January
        event(opened("k"), days=6, subject="b"),
        event(
            ComplaintResolved(complaint_id="k", resolution=".", root_cause="carrier"), days=60, subject="b"
        ),
        event(purchase("c1"), days=TODAY - 40, subject="c"),  # 31 March
        event(purchase("d1"), days=TODAY - 10, subject="d"),  # 30 April
        event(purchase("d2"), days=TODAY - 2, subject="d"),
        event(started("s1", TODAY + 20), days=0, subject="e"),
        event(started("s2", TODAY + 20), days=0, subject="f"),
        event(cancelled("s2", reason="too expensive"), days=TODAY - 3, subject="f"),
        event(started("s3", TODAY - 10), days=0, subject="g"),
        event(started("s4", TODAY - 4), days=0, subject="h"),
    ]


@pytest.fixture(scope="module")
def api(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(client, "rapport_metrics")
            await worker.processor.assigned(frozenset({0}), 2)
            await worker.process(told(), start=0)

    asyncio.run(write())
    policy: Path = tmp_path_factory.mktemp("policy") / "mine.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY, metrics_policy=policy
    )
    app = create_app(settings, publisher=Broker())
    with TestClient(app) as client:
        app.state.clock = Fixed()
        yield client


def get(api: TestClient, path: str, **parameters: str | int) -> Any:
    answer = api.get(path, params=parameters, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_cohorts_are_a_triangle(api: TestClient) -> None:
    found = get(api, "/cohorts", by="month", months=5)
    assert (found["by"], found["cursor"]) == ("month", None)
    assert [row["cohort"] for row in found["items"]] == [
        "2026-05",
        "2026-04",
        "2026-03",
        "2026-02",
        "2026-01",
    ]
    assert [[one["customers"] for one in row["months"]] for row in found["items"]] == [
        [0],
        [1, 1],
        [1, 0, 0],
        [0, 0, 0, 0],
        [2, 1, 0, 0, 1],
    ]
    january = found["items"][-1]
    assert january["customers"] == 2
    assert january["months"][1] == {"month": "2026-02", "customers": 1, "share": 0.5}
    assert found["items"][0]["months"][0] == {"month": "2026-05", "customers": 0, "share": None}
    gold = get(api, "/cohorts", segment="gold", months=5)["items"][-1]
    assert [one["customers"] for one in gold["months"]] == [1, 1, 0, 0, 1]


def test_lifecycle_by_steps(api: TestClient) -> None:
    found = get(api, "/lifecycle", step="30d", **{"from": "2025-11-12", "to": "2026-05-11"})
    assert found["items"][0] == {
        "from": "2026-04-11",
        "to": "2026-05-11",
        "new": 1,  # d
        "returning": 0,
        "resurrected": 1,  # a
        "dormant": 1,  # c
    }
    assert [one["new"] for one in found["items"]] == [1, 1, 0, 0, 2, 0]
    assert [one["dormant"] for one in found["items"]] == [1, 1, 0, 2, 0, 0]
    assert len(get(api, "/lifecycle")["items"]) == 12
    assert get(api, "/lifecycle", channel="store", step="100d")["items"][0]["new"] == 1


def test_retention_and_churn(api: TestClient) -> None:
    month = get(api, "/kpis", window="30d")
    assert (month["retention"], month["basis"]["retention"]["n"]) == (0.0, 1)
    week = get(api, "/kpis", window="7d")
    assert (week["retention"], week["basis"]["retention"]["n"]) == (1.0, 1)  # d
    # Of d, who bought within 30 days, and of e, f, g and h, who subscribe, f cancelled and g ran out.
    assert week["basis"]["churn"]["n"] == 5
    assert (week["churn"], week["churn_voluntary"], week["churn_involuntary"]) == (0.4, 0.2, 0.2)
    assert week["churn_reasons"] == [{"name": "expired", "n": 1}, {"name": "too expensive", "n": 1}]
    assert get(api, "/kpis", window="31d")["churn_reasons"][-1] == {"name": "unknown", "n": 1}  # c
    february = get(
        api, "/kpis/churn_reasons/series", step="28d", **{"from": "2026-02-01", "to": "2026-03-01"}
    )
    assert february["items"][0]["value"] == [
        {"name": "carrier", "n": 1},  # b
        {"name": "unknown", "n": 1},  # a, who came back after 37 days
    ]
    assert get(api, "/kpis", window="7d", segment="gold")["churn"] is None


@pytest.mark.parametrize(
    "kpi", ["retention", "churn", "churn_voluntary", "churn_involuntary", "churn_reasons"]
)
@pytest.mark.parametrize("window", ["31d", "70d"])
def test_who_stays_by_channel_and_by_segment(api: TestClient, kpi: str, window: str) -> None:
    shown = 0
    for dimension, values in {"channel": {"web", "store"}, "segment": {"gold"}}.items():
        items = get(api, f"/kpis/{kpi}/by/{dimension}", window=window)["items"]
        by = {item["of"]: (item["value"], item["n"]) for item in items}
        for value in values:
            alone = get(api, "/kpis", window=window, **{dimension: value})
            n = alone["basis"][kpi]["n"]
            assert by.pop(value, None) == ((alone[kpi], n) if n else None)
            shown += n
        assert not by
    assert shown


BAD = [
    ("/cohorts?by=week", "query.by"),
    ("/cohorts?months=0", "query.months"),
    ("/cohorts?channel=web", "query.channel"),
    ("/lifecycle?step=0d", "query.step"),
    ("/lifecycle?from=2026-02-01&to=2026-01-01", "query.from"),
    ("/lifecycle?from=2020-01-01&step=1d", "query.step"),
]


@pytest.mark.parametrize(("path", "field"), BAD, ids=[path for path, _ in BAD])
def test_bad_parameters_are_named(api: TestClient, path: str, field: str) -> None:
    answer = api.get(path, headers=HEADERS)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["/cohorts", "/lifecycle"])
def test_who_may_read(api: TestClient, path: str) -> None:
    assert api.get(path).status_code == 401
