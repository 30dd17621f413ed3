"""The live page, the report and a series' other forms, over a store that a worker has written."""

import asyncio
import base64
import csv
import hashlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.parquet
import pytest
from pymongo import AsyncMongoClient, MongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.restating import Moved
from services.metrics.domain.rows import anomaly_id, moved_document
from services.metrics.pages.live import Watch
from services.metrics.settings import MetricsSettings
from shared.schemas.times import DAY, day_number

from .test_api import HEADERS, KEY, Broker
from .test_store import Worker
from .year import CAUSES, year

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HTML = HEADERS | {"Accept": "text/html"}
PASSWORD = {"Authorization": "Basic " + base64.b64encode(f"anybody:{KEY}".encode()).decode()}


class Noon:
    async def now(self, subject: str | None) -> datetime:
        return NOON


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[TestClient]:
    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(client, "rapport_metrics")
            await worker.processor.assigned(frozenset({0}), 2)
            await worker.process(year(NOON, days=60, customers=20), start=0)

    asyncio.run(write())
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY, metrics_gauge_seconds=0.2
    )
    app = create_app(settings, publisher=Broker())
    named = ChurnPolicy(causes=CAUSES)
    app.state.policy = app.state.policy.model_copy(update={"churn": named})
    with TestClient(app) as client:
        app.state.clock = Noon()
        yield client


@pytest.mark.parametrize("path", ["/dashboard", "/report", "/dashboard/changes"])
def test_pages_are_opened_by_a_key(api: TestClient, path: str) -> None:
    refused = api.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    if path != "/dashboard/changes":  # which does not end
        assert api.get(path, headers=PASSWORD).status_code == 200


@pytest.mark.parametrize(
    "path", ["/dashboard?days=7", "/dashboard?days=365", "/report", "/report?period=month"]
)
def test_a_page_needs_nothing_beside_it(api: TestClient, path: str) -> None:
    answer = api.get(path, headers=HTML)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        for text in re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r'(src|href)="(?!#|\?)', answer.text)
    assert not re.search(r"style=", answer.text)
    assert "NaN" not in answer.text
    assert "None" not in answer.text
    assert ("<script>" in answer.text) == ("dashboard" in path)


def test_a_page_and_the_api_agree(api: TestClient) -> None:
    found = api.get("/kpis?window=30d", headers=HEADERS).json()
    html = api.get("/dashboard?days=30", headers=HTML).text
    card = re.search(r'id="nps".*?</article>', html, re.DOTALL)
    assert card is not None
    assert f"<b>{found['nps']:+.0f}</b>" in card[0]
    assert f"n = {found['basis']['nps']['n']}" in card[0]


def test_the_report_as_data(api: TestClient) -> None:
    found = api.get("/report?period=week", headers=HEADERS).json()
    assert (found["from"], found["to"]) == ("2026-11-16", "2026-11-23")
    series = api.get("/kpis/csat/series?from=2026-11-16&to=2026-11-23&step=7d", headers=HEADERS).json()[
        "items"
    ]
    said = {one["name"]: one for section in found["sections"] for one in section["figures"]}
    assert said["csat"]["n"] == series[0]["n"]
    assert said["csat"]["parts"][0]["value"] == f"{100 * series[0]['value']:.1f} %"
    assert said["root_causes"]["counts"][0]["name"] == "the carrier was late"
    assert {one["title"] for one in said.values()} | set(found["nothing"]) == {k.title for k in KPIS.values()}
    assert "Customer effort score" in found["nothing"]


def test_customers_who_come_stay_and_go_are_those_of_the_api(api: TestClient) -> None:
    html = api.get("/report?period=month", headers=HTML).text
    cohorts = api.get("/cohorts?months=2", headers=HEADERS).json()["items"]
    october = next(one for one in cohorts if one["cohort"] == "2026-10")
    row = re.search(r'<th scope="row">Oct 2026</th><td class="number">(\d+)', html)
    assert row is not None
    assert int(row[1]) == october["customers"]
    path = "/lifecycle?from=2026-10-01&to=2026-11-01&step=31d"
    [step] = api.get(path, headers=HEADERS).json()["items"]
    said = ", ".join(f"{step[name]} {name}" for name in ("returning", "resurrected", "new", "dormant"))
    assert f"<title>October 2026: {said}</title>" in html
    assert 'id="cohorts"' not in api.get("/dashboard?channel=web", headers=HTML).text
    assert 'id="lifecycle"' in api.get("/dashboard?channel=web", headers=HTML).text


def test_days_that_stood_out_are_told_of_everybody(api: TestClient, server: str) -> None:
    day = day_number(date(2026, 11, 20))
    row = {
        "kpi": "open_complaints",
        "figure": "open_complaints",
        "day": day,
        "value": 9.0,
        "usual": 2.0,
        "moved_by": {"segment": "gold"},
    }
    with MongoClient[dict[str, Any]](server) as client:
        rows = client["rapport_metrics"]["anomalies"]
        rows.insert_one({"_id": anomaly_id(day, "open_complaints"), "stands": True, **row})
        html = api.get("/report", headers=HTML).text
        assert "Open complaints: on 20 November 2026 it was 9, usually 2; most by segment gold." in html
        assert 'class="mark-dot"' in html
        assert 'class="mark-dot"' not in api.get("/report?segment=gold", headers=HTML).text
        rows.delete_many({})


def test_what_was_told_before_is_told_in_the_report(api: TestClient, server: str) -> None:
    day = day_number(date(2026, 11, 20))
    at = (day + 4) * DAY
    late = Moved(0, 0, at, at, at, 1, sums={day: {"csat_top": 2}})
    with MongoClient[dict[str, Any]](server) as client:
        rows = client["rapport_metrics"]["moved"]
        rows.insert_one(moved_document(late))
        assert "When the week was over it was told as" in api.get("/report", headers=HTML).text
        assert "When the week" not in api.get("/report?segment=gold", headers=HTML).text
        assert "When the 7 days" not in api.get("/dashboard?days=7", headers=HTML).text
        many = moved_document(replace(late, heard=900, facts={day: {"rapport.survey.answered.v1": 900}}))
        rows.replace_one({"_id": many["_id"]}, many)
        assert "When the week" not in api.get("/report", headers=HTML).text  # history was loaded
        lost = moved_document(replace(late, sums=None, days=(day, day)))
        rows.replace_one({"_id": lost["_id"]}, lost)
        assert "When the week" not in api.get("/report", headers=HTML).text  # it is not kept
        rows.delete_one({"_id": lost["_id"]})


def test_of_one_segment_or_channel(api: TestClient) -> None:
    html = api.get("/dashboard?segment=%3Cgold%3E&channel=", headers=HTML).text
    assert "Only of segment &lt;gold&gt;." in html
    assert "Nothing yet: there is nothing to tell of these days." in html
    assert 'href="?days=7&amp;segment=%3Cgold%3E"' in html
    html = api.get("/dashboard?of=channel:web", headers=HTML).text
    assert '<option value="channel:web" selected>web</option>' in html
    assert 'id="repeat_purchase_rate"' in html
    assert 'id="nps"' not in html  # answers have none
    assert api.get("/report?channel=web", headers=HEADERS).json()["channel"] == "web"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/dashboard?days=0", "query.days"),
        ("/dashboard?days=366", "query.days"),
        ("/dashboard?of=nobody:x", "query.of"),
        ("/dashboard?of=tier:", "query.of"),
        ("/report?period=year", "query.period"),
        ("/report?until=tomorrow", "query.until"),
        ("/report?until=0001-01-01", "query.until"),
        ("/report?period=month&until=9999-12-31", "query.until"),
        ("/report?until=2026-11-27", "query.until"),
        ("/kpis/nps/series?format=xlsx", "query.format"),
    ],
)
def test_bad_parameters_are_named(api: TestClient, path: str, field: str) -> None:
    answer = api.get(path, headers=HEADERS)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("name", list(KPIS))
def test_a_series_is_the_same_in_each_form(api: TestClient, name: str) -> None:
    path = f"/kpis/{name}/series?step=7d"
    as_json = api.get(path, headers=HEADERS).json()["items"]
    by_accept = api.get(path, headers=HEADERS | {"Accept": "text/csv"})
    assert by_accept.headers["content-type"].startswith("text/csv")
    assert by_accept.text == api.get(f"{path}&format=csv", headers=HEADERS).text
    rows = list(csv.DictReader(io.StringIO(by_accept.text)))
    answer = api.get(f"{path}&format=parquet", headers=HEADERS)
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [list(row) for row in table[:1]] == [list(row) for row in rows[:1]]
    assert len(table) == len(rows)
    for one, other in zip(rows, table, strict=True):
        assert one["from"] == other["from"].isoformat()
        assert one["n"] == str(other["n"])
    if name == "root_causes":
        counted = [(item["from"], cause, n) for item in as_json for cause, n in item["value"].items()]
        assert [(row["from"].isoformat(), row["name"], row["value"]) for row in table] == counted
        assert {row["name"] for row in rows if "till" in row["name"]} == {"'=the till"}
    elif name == "nps":
        assert [row["value"] for row in table] == [item["value"] for item in as_json]
        assert [row["low"] for row in table] == [item["low"] for item in as_json]
    elif name == "open_complaints":
        path = f"/kpis/{name}/series?step=60m&format="
        by_minutes = api.get(f"{path}parquet", headers=HEADERS)
        table = pyarrow.parquet.read_table(io.BytesIO(by_minutes.content)).to_pylist()
        rows = list(csv.DictReader(io.StringIO(api.get(f"{path}csv", headers=HEADERS).text)))
        assert [row["from"].isoformat() for row in table] == [row["from"] for row in rows]
        assert table[0]["from"].tzinfo is not None
    elif name == "resolution_s":
        assert [row["p90"] for row in table] == [item["value"]["p90"] for item in as_json]
        assert [row["low_p50"] for row in table] == [_low(item, "p50") for item in as_json]
    elif name == "order_value":
        told = [_low(item, currency) for item in as_json for currency in item["value"]]
        assert [row["low"] for row in table] == told
        assert any(told)


def _low(item: dict[str, Any], figure: str) -> float | None:
    return item["figures"].get(figure, {}).get("low")


def test_without_the_extra_there_is_no_parquet(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = api.get("/kpis/nps/series", headers=HEADERS | {"Accept": "application/vnd.apache.parquet"})
    assert (answer.status_code, answer.json()["code"]) == (406, "no_parquet")


async def test_the_first_page_that_opens_is_told_of_what_was_counted_before_the_first_look(
    server: str,
) -> None:
    """What it has asked for at once may be older than that."""
    watch = Watch()
    async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
        with watch.page() as page:
            page.clear()  # it asks, and then something is counted
            await watch.look(client["rapport_metrics"])
            assert page.is_set()


async def test_open_pages_are_told_when_something_was_counted(server: str) -> None:
    watch = Watch()
    async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
        database = client["rapport_metrics"]
        with watch.page() as page:
            told = watch.changes(page)
            await anext(told)  # at once
            await watch.look(database)
            await anext(told)
            await watch.look(database)
            assert not page.is_set()
            await database["partitions"].update_one({"_id": 0}, {"$inc": {"writes": 1}})
            await watch.look(database)
            await asyncio.wait_for(anext(told), 5)
            watch.close()
            with pytest.raises(StopAsyncIteration):
                await anext(told)
        assert not watch.full
