"""What was told of figures, and which left what is usual, over HTTP."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.told import Told
from shared.schemas.times import date_of, day_of, micros

from .test_api import HEADERS, TODAY, api, get

__all__ = ["api"]
JUDGED = "rapport_kpi_judged_day_timestamp_seconds"


def test_as_of_ends_with_the_last_day_that_was_told(api: TestClient) -> None:
    then = (TODAY - timedelta(days=1) + timedelta(hours=3)).isoformat()
    found = get(api, "/kpis", window="7d", as_of=then)
    assert found["nps"] == 0.0
    assert found["from"] == (TODAY - timedelta(days=8)).date().isoformat()
    assert datetime.fromisoformat(found["to"]) == TODAY - timedelta(days=1)
    assert datetime.fromisoformat(found["as_of"]) == datetime.fromisoformat(then)
    points = get(api, "/kpis/nps/series", as_of=then)["items"]
    assert points[0]["from"] == (TODAY - timedelta(days=2)).date().isoformat()
    assert get(api, "/kpis")["as_of"] is None


def test_anomalies_in_pages(api: TestClient, server: str) -> None:
    day = day_of(micros(TODAY)) - 1
    more = {"usual": 9.0, "spread": 0.5, "score": 8.1, "direction": "down", "moved_by": {"segment": "gold"}}
    rows = [
        {
            "_id": f"{day - n:06d}:nps",
            "kpi": "nps",
            "figure": "nps",
            "day": day - n,
            "value": 1.0,
            "at": 0,
            **more,
        }
        for n in range(3)
    ]
    later = [
        {
            "_id": f"{day - n:06d}:response_rate",
            "kpi": "response_rate",
            "figure": "response_rate",
            "day": day - n,
        }
        for n in (0, KPIS["response_rate"].ripe_days, 9)
    ]

    # Who judges response rates has come as far as a week ago, and nobody has judged csat.
    judged = {name: day - kpi.ripe_days for name, kpi in KPIS.items() if name != "csat"}

    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            stored = [{**row, "stands": n != 1} for n, row in enumerate(rows)]
            stored += [{**row, **more, "value": 1.0, "at": 0, "stands": True} for row in later[1:]]
            await client["rapport_metrics"]["anomalies"].insert_many(stored)
            await client["rapport_metrics"]["told"].insert_one(told_row(0, judged))

    asyncio.run(write())
    first = get(api, "/anomalies", limit="1")
    assert first["items"] == [
        {"kpi": "nps", "figure": "nps", "day": date_of(day).isoformat(), "value": 1.0, **more}
    ]
    second = get(api, "/anomalies", limit="1", cursor=first["cursor"])
    assert [item["day"] for item in second["items"]] == [date_of(day - 2).isoformat()]
    third = get(api, "/anomalies", limit="1", cursor=second["cursor"])
    assert third["items"][0]["kpi"] == "response_rate"
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    assert len(get(api, "/anomalies", **{"from": yesterday})["items"]) == 1
    page = until_shown(api, 'rapport_kpi_anomaly{direction="down",figure="nps",kpi="nps"} 1.0')
    # Of what ripens later, the latest day that was judged.
    assert 'rapport_kpi_anomaly{direction="down",figure="response_rate",kpi="response_rate"} 1.0' in page
    assert page.count("rapport_kpi_anomaly{") == 2
    began = {name: number(page, f'{JUDGED}{{kpi="{name}"}}') for name in KPIS}
    assert began["nps"] == day * 86_400
    assert began["response_rate"] == (day - 7) * 86_400
    assert began["churn"] == day * 86_400
    assert began["churn_reasons"] is None, "what is not judged has no such day"
    assert began["csat"] is None, "nor has what nobody has judged so far"
    refused = api.get("/anomalies?cursor=x", headers=HEADERS)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")
    assert api.get("/anomalies").status_code == 401


def number(page: str, series: str) -> float | None:
    return next((float(line.split()[1]) for line in page.splitlines() if line.startswith(series)), None)


def told_row(partition: int, latest: dict[str, int]) -> dict[str, Any]:
    return {"_id": partition, "told": msgspec.msgpack.encode(Told(latest=latest))}


def until_shown(api: TestClient, line: str) -> str:
    deadline = time.monotonic() + 10
    while line not in (page := api.get("/metrics").text):
        assert time.monotonic() < deadline, page
        time.sleep(0.05)  # between two looks
    return page


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/kpis?as_of=2099-01-01", "query.as_of"),
        ("/kpis?as_of=2019-01-01", "query.as_of"),
        ("/kpis?as_of=yesterday", "query.as_of"),
        ("/kpis?as_of=2026-01-02&tier=a", "query.tier"),
        ("/kpis/nps/series?step=1m&as_of=2026-01-02", "query.step"),
        ("/anomalies?from=soon", "query.from"),
        ("/kpis/nps/why?day=9999-12-31", "query.day"),
        ("/kpis/nps/why?day=0001-01-01", "query.day"),
    ],
)
def test_bad_parameters_are_named(api: TestClient, path: str, field: str) -> None:
    answer = api.get(path, headers=HEADERS)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
