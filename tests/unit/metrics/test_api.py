"""The API over a store that a worker has written."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.domain.kpis.kpi import Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window
from services.metrics.settings import MetricsSettings
from services.metrics.store import MetricsStore
from shared.kafka.publisher import Record
from shared.schemas.complaints import ComplaintAcknowledged, ComplaintResolved
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.loyalty import TierChanged

from .story import START, event, opened, profile, purchase
from .test_store import Worker

KEY = "an-api-key-for-tests"
HEADERS = {"X-API-Key": KEY}
NOTHING = {"n": 0, "low": None, "high": None, "figures": {}, "currency": None}
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
AGO = (TODAY - START) / timedelta(days=1)
"""Today, in days after START."""


class Noon:
    """The clock of an API that is asked today, at noon."""

    async def now(self, subject: str | None) -> datetime:
        return TODAY + timedelta(hours=12)


class Broker:
    ready = True

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions(self, topic: str) -> int:
        return 4

    async def publish(self, records: Sequence[Record]) -> None:
        raise AssertionError("metrics' API publishes nothing")


def ago(data: Any, days: float, subject: str = "c1") -> Event:
    return event(data, days=AGO - days, subject=subject)


def told() -> list[Event]:
    return [
        ago(profile("gold"), 50, "c1"),
        *(ago(SurveyAnswered(survey="nps", score=s), 2) for s in (10, 9, 3)),
        ago(SurveyAnswered(survey="nps", score=0), 2, "c2"),
        ago(SurveyAnswered(survey="nps", score=0), 20, "c2"),
        ago(opened("k1", "email"), 4),
        ago(ComplaintAcknowledged(complaint_id="k1", message="."), 4 - 1 / 24),
        ago(ComplaintResolved(complaint_id="k1", resolution=".", root_cause="carrier"), 2),
        ago(opened("k2", "chat"), 40, "c2"),
        ago(TierChanged(from_="bronze", to="silver"), 9, "c1"),
        ago(purchase("o1"), 10),
        ago(purchase("o2"), 3),
        ago(purchase("o3"), 2),
        ago(purchase("o4").model_copy(update={"store_id": "s1"}), 2, "c2"),
    ]


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[TestClient]:
    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(client, "rapport_metrics")
            await worker.processor.assigned(frozenset({0}), 2)
            await worker.process(told(), start=0)

    asyncio.run(write())
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY, metrics_gauge_seconds=0.2
    )
    app = create_app(settings, publisher=Broker())
    with TestClient(app) as client:
        app.state.clock = Noon()  # a day that ends while the tests run must not matter
        yield client


def get(api: TestClient, path: str, **parameters: str) -> Any:
    answer = api.get(path, params=parameters, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_kpis_of_a_week(api: TestClient) -> None:
    found = get(api, "/kpis", window="7d")
    assert found["nps"] == 0.0
    assert found["basis"]["nps"]["n"] == 4
    assert found["basis"]["nps"]["low"] < 0 < found["basis"]["nps"]["high"]
    assert found["csat"] is None
    assert found["open_complaints"] == 1
    assert found["first_response_s"] == {
        "p50": pytest.approx(3600, rel=0.02),
        "p90": pytest.approx(3600, rel=0.02),
        "p99": pytest.approx(3600, rel=0.02),
    }
    assert found["resolution_s"]["p90"] == pytest.approx(2 * 86_400, rel=0.02)
    assert found["root_causes"] == {"carrier": 1}
    assert found["repeat_purchase_rate"] == 0.5
    assert found["redemption_rate"] is None
    assert set(KPIS) <= set(found)
    assert found["from"] == (TODAY - timedelta(days=6)).date().isoformat()


def test_windows_segments_and_channels(api: TestClient) -> None:
    assert get(api, "/kpis")["window"] == "7d"
    assert get(api, "/kpis", window="30d")["nps"] == pytest.approx(0.0 - 20.0)
    assert get(api, "/kpis", segment="gold", channel="")["nps"] == pytest.approx(100 / 3)
    assert get(api, "/kpis", segment="gold")["open_complaints"] == 0
    assert get(api, "/kpis", channel="chat")["open_complaints"] == 1
    assert get(api, "/kpis", channel="email")["first_response_s"]["p50"] is not None
    assert get(api, "/kpis", channel="chat")["first_response_s"]["p50"] is None
    assert get(api, "/kpis", segment="nobody")["basis"]["nps"] == NOTHING


def test_tiers_and_stores(api: TestClient) -> None:
    assert get(api, "/kpis", tier="silver")["nps"] == pytest.approx(100 / 3)
    assert get(api, "/kpis", tier="silver")["tier"] == "silver"
    assert get(api, "/kpis", tier="silver")["repeat_purchase_rate"] == 1.0
    assert get(api, "/kpis", tier="gold")["nps"] is None
    found = get(api, "/kpis", store="s1")
    assert (found["repeat_purchase_rate"], found["basis"]["repeat_purchase_rate"]["n"]) == (0.0, 1)
    assert get(api, "/kpis", rule="win-back", segment="")["open_complaints"] == 0
    series = get(api, "/kpis/repeat_purchase_rate/series", tier="silver", step="31d")["items"]
    assert [(item["value"], item["n"]) for item in series] == [(1.0, 1)]


def test_a_series_by_minutes(api: TestClient) -> None:
    """Noon is now."""
    start = (TODAY - timedelta(days=1)).isoformat()
    found = get(api, "/kpis/open_complaints/series", **{"from": start, "step": "180m"})
    assert [item["value"] for item in found["items"]] == [1] * 12
    assert found["items"][-1]["from"] == start.replace("+00:00", "Z")
    assert found["items"][-1]["to"] == (TODAY - timedelta(hours=21)).isoformat().replace("+00:00", "Z")
    assert len(get(api, "/kpis/nps/series", step="1m")["items"]) == 360
    two_days = (TODAY - timedelta(hours=36)).isoformat()
    assert len(get(api, "/kpis/nps/series", **{"from": two_days, "step": "1m"})["items"]) == 2880


def test_a_series(api: TestClient) -> None:
    day = (TODAY - timedelta(days=11)).date().isoformat()
    found = get(api, "/kpis/repeat_purchase_rate/series", **{"from": day, "step": "4d"})
    assert found["cursor"] is None
    # The newest first: c1 bought 10 days ago, and twice with c2's one 3 and 2 days ago.
    assert [(item["value"], item["n"]) for item in found["items"]] == [(0.5, 2), (None, 0), (0.0, 1)]
    assert found["items"][-1]["from"] == day
    still_open = get(api, "/kpis/open_complaints/series", **{"from": day})["items"]
    assert [item["value"] for item in still_open] == [1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    whole = get(api, "/kpis/resolution_s/series", segment="gold")
    assert len(whole["items"]) == 31
    assert [item["n"] for item in whole["items"]][2] == 1


@pytest.mark.parametrize("name", list(KPIS))
def test_every_kpi_has_a_series(api: TestClient, name: str) -> None:
    found = get(api, f"/kpis/{name}/series", step="10d")
    assert found["name"] == name
    assert found["items"]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/kpis?window=abc", 422, "query.window"),
        ("/kpis?window=0d", 422, "query.window"),
        ("/kpis?window=732d", 422, "query.window"),
        ("/kpis?window=-7d", 422, "query.window"),
        (f"/kpis?segment={'x' * 200}", 422, "query.segment"),
        ("/kpis?tier=a&segment=b", 422, "query.tier"),
        ("/kpis?channel=a&store=b", 422, "query.store"),
        ("/kpis?rule=a&team=b", 422, "query.team"),
        ("/kpis/nps/series?tier=a&channel=b", 422, "query.tier"),
        ("/kpis/happiness/series", 404, "path.name"),
        ("/kpis/nps/series?step=0m", 422, "query.step"),
        ("/kpis/nps/series?step=1m&from=2020-01-01", 422, "query.from"),
        ("/kpis/nps/series?step=1m&segment=a", 422, "query.segment"),
        ("/kpis/repeat_purchase_rate/series?step=1m", 422, "query.step"),
        ("/kpis/nps/series?from=yesterday", 422, "query.from"),
        ("/kpis/nps/series?from=0001-01-01T00:00:00%2B05:00", 422, "query.from"),
        ("/kpis/nps/series?from=2026-02-01&to=2026-01-01", 422, "query.from"),
        ("/kpis/nps/series?step=1h", 422, "query.step"),
        ("/kpis/nps/series?from=2000-01-01", 422, "query.step"),
    ],
)
def test_bad_parameters_are_named(api: TestClient, path: str, status: int, field: str) -> None:
    answer = api.get(path, headers=HEADERS)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_kpi_that_is_not_there_is_named(api: TestClient) -> None:
    problem = api.get("/kpis/happiness/series", headers=HEADERS).json()
    assert (problem["code"], problem["errors"][0]["code"]) == ("not_found", "unknown")
    assert problem["errors"][0]["detail"] == problem["detail"]


def test_who_may_read(api: TestClient) -> None:
    assert api.get("/kpis").status_code == 401
    assert api.get("/kpis", headers={"X-API-Key": "another-key"}).status_code == 401


def shown(api: TestClient) -> dict[str, float]:
    """The API's metrics, after a refresh that began since: the second one to end."""
    ended, found = set[float](), dict[str, float]()
    while len(ended) < 3:
        lines = [line.rpartition(" ") for line in api.get("/metrics").text.splitlines()]
        found = {name: float(value) for name, _, value in lines if name[:1] not in ("", "#")}
        ended.add(found["rapport_kpis_refreshed_timestamp_seconds"])
    return found


def test_gauges_show_the_last_30_days(api: TestClient) -> None:
    found = shown(api)
    assert found["rapport_nps"] == pytest.approx(-20.0)
    assert found["rapport_open_complaints"] == 1
    assert math.isnan(found["rapport_csat"])
    assert found['rapport_resolution_seconds{quantile="0.5"}'] == pytest.approx(2 * 86_400, rel=0.02)
    assert found['rapport_root_causes{name="carrier"}'] == 1
    assert found['rapport_kpi_basis{kpi="nps"}'] == 5


BROKEN = ("nps", "resolution_s", "open_complaints")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One KPI of each kind fails, beside others that do not."""

    def fails(_: Window) -> Result:
        raise ZeroDivisionError("no such number")

    monkeypatch.setattr(MetricsStore, "remembered", lambda *asked: asked[-1]())  # what was computed stands
    for name in BROKEN:
        monkeypatch.setitem(KPIS, name, replace(KPIS[name], compute=fails))


@pytest.mark.usefixtures("broken")
def test_a_broken_kpi_is_null_in_the_answer(api: TestClient) -> None:
    found = get(api, "/kpis", window="7d")
    assert found["nps"] is None
    assert found["resolution_s"] == {"p50": None, "p90": None, "p99": None}
    assert found["open_complaints"] is None
    assert [found["basis"][name] for name in BROKEN] == [NOTHING] * 3
    assert found["repeat_purchase_rate"] == 0.5
    assert found["first_response_s"]["p50"] == pytest.approx(3600, rel=0.02)


@pytest.mark.usefixtures("broken")
def test_a_broken_kpi_is_null_in_its_series(api: TestClient) -> None:
    for name in ("nps", "open_complaints"):
        found = get(api, f"/kpis/{name}/series", step="10d")
        assert [(item["value"], item["n"]) for item in found["items"]] == [(None, 0)] * 4
    found = get(api, "/kpis/resolution_s/series", step="40d")
    assert [item["value"] for item in found["items"]] == [{"p50": None, "p90": None, "p99": None}]
    assert get(api, "/kpis/repeat_purchase_rate/series", step="40d")["items"][0]["value"] == 0.5


def test_a_broken_kpi_stops_no_other_gauge(api: TestClient, request: pytest.FixtureRequest) -> None:
    before = shown(api)
    request.getfixturevalue("broken")
    found = shown(api)
    assert math.isnan(found["rapport_nps"])
    assert math.isnan(found['rapport_resolution_seconds{quantile="0.9"}'])
    assert math.isnan(found["rapport_open_complaints"])
    assert found['rapport_kpi_basis{kpi="nps"}'] == 0
    assert found["rapport_repeat_purchase_rate"] == before["rapport_repeat_purchase_rate"]
    for name in BROKEN:
        failures = f'rapport_kpi_failures_total{{kpi="{name}"}}'
        assert found[failures] > before.get(failures, 0)
    assert found['rapport_kpi_failures_total{kpi="csat"}'] == 0


def test_the_document_says_what_a_window_is(api: TestClient) -> None:
    operation = api.get("/openapi.json").json()["paths"]["/kpis"]["get"]
    (window,) = [p for p in operation["parameters"] if p["name"] == "window"]
    assert window["schema"]["default"] == "7d"
    assert window["schema"]["pattern"] == "^[0-9]{1,3}d$"
