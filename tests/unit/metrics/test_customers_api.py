"""A customer's health and the segments, over a store that a worker has written."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.domain.health import HealthPolicy
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.journal.looking import Looking
from services.metrics.journal.making import Judging
from services.metrics.settings import MetricsSettings
from shared.schemas.insights import ModelFitted

from .story import event, opened, profile, purchase
from .test_api import AGO, HEADERS, KEY, TODAY, Broker, Noon, ago
from .test_store import Worker

WELL = ("champions", "loyal")


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[TestClient]:
    regular = [ago(purchase(f"r{n}", 2_000), 7 * n, "regular") for n in range(20, -1, -1)]
    gone = [ago(purchase(f"g{n}", 2_000), 300 + 7 * n, "gone") for n in range(20, -1, -1)]
    others = [ago(profile("gold"), 200, "gone"), ago(opened("k1"), 1, "complains")]
    model = ModelFitted(model="gamma-gamma.EUR", parameters={"p": 6.25, "q": 3.74, "v": 1544.0})
    fitted = event(model, days=AGO - 400, subject="gamma-gamma.EUR")
    told = sorted([*regular, *gone, *others, fitted], key=lambda one: one.time)

    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(
                client, "rapport_metrics", looking=Looking(Judging(HealthPolicy()), InsightsPolicy())
            )
            await worker.processor.assigned(frozenset({0}), 1)
            await worker.process(told, start=0, now=TODAY + timedelta(hours=12))
            for _ in range(30):
                await worker.processor.idle()
                worker.time += 1_000.0

    asyncio.run(write())
    settings = MetricsSettings(
        kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY, metrics_gauge_seconds=60
    )
    app = create_app(settings, publisher=Broker())
    with TestClient(app) as client:
        app.state.clock = Noon()
        yield client


def get(api: TestClient, path: str) -> Any:
    answer = api.get(path, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_customers_health_is_told(api: TestClient) -> None:
    found = get(api, "/customers/regular/health")
    assert found["customer_id"] == "regular"
    assert found["score"] == round(sum(driver["points"] for driver in found["drivers"]))
    assert found["segment"] in WELL
    assert 0 <= found["churn_probability"] < 0.1
    assert found["clv"]["currency"] == "EUR"
    assert found["clv"]["amount"] > 0
    told = found["told"]
    assert (told["segment"], told["warned"]) == (found["segment"], False)
    assert abs(told["score"] - found["score"]) < 20, "as of the night before the last purchase"


def test_one_who_left_was_warned_of(api: TestClient) -> None:
    found = get(api, "/customers/gone/health")
    assert found["segment"] == "lost"
    assert found["churn_probability"] > 0.9
    assert found["told"]["warned"] is True
    assert found["told"]["segment"] == "lost", "whatever the profile names"


def test_of_one_who_never_bought_there_is_something_to_tell_too(api: TestClient) -> None:
    found = get(api, "/customers/complains/health")
    assert (found["segment"], found["churn_probability"], found["clv"]) == ("new", 0.0, None)


def test_of_nobody_there_is_nothing(api: TestClient) -> None:
    answer = api.get("/customers/nobody/health", headers=HEADERS)
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown_customer"
    assert api.get("/customers/a%20b/health", headers=HEADERS).status_code == 422
    assert api.get("/customers/regular/health").status_code == 401


def test_the_segments_are_counted(api: TestClient) -> None:
    found = get(api, "/segments")
    assert found["customers"] == 3
    sizes = {one["segment"]: one for one in found["segments"]}
    filled = {name: one["customers"] for name, one in sizes.items() if one["customers"]}
    well = get(api, "/customers/regular/health")["segment"]
    assert filled == {well: 1, "new": 1, "lost": 1}
    assert set(sizes) == {"champions", "loyal", "new", "promising", "at_risk", "lost"}
    assert sizes[well]["share"] == pytest.approx(1 / 3)
    assert sizes[well]["score"] >= 60
    assert sizes["at_risk"]["score"] is None
    assert found["looked_at"] == TODAY.date().isoformat()


def test_kpis_are_told_by_what_health_makes_of_customers(api: TestClient) -> None:
    well = get(api, "/customers/regular/health")["segment"]
    assert get(api, f"/kpis?segment={well}&window=30d")["basis"]["repeat_purchase_rate"]["n"] == 1
    assert get(api, "/kpis?segment=new&window=30d")["open_complaints"] == 1
    assert get(api, "/kpis?segment=lost&window=731d")["basis"]["repeat_purchase_rate"]["n"] == 0
    assert get(api, "/kpis?segment=gold&window=731d")["basis"]["repeat_purchase_rate"]["n"] == 1
