"""What a producer's clock that runs ahead tells is no part of the window that ends today."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.metrics.api import create_app
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.settings import MetricsSettings

from .story import answered, opened, profile, purchase
from .test_api import KEY, TODAY, Broker, Noon, ago, get
from .test_store import Worker

AHEAD = -1.2
"""Tomorrow, in the morning: not a day ahead of noon."""


@pytest.fixture(scope="module")
def api(server: str) -> Iterator[TestClient]:
    told = [
        ago(profile("gold"), 50),
        ago(purchase("o1"), 3),
        ago(answered("nps", 3), 1),
        ago(opened("k1"), 1),
        ago(purchase("o2"), AHEAD),
        ago(answered("nps", 10), AHEAD),
        ago(opened("k2"), AHEAD),
        ago(purchase("o3"), 2, "c2"),
    ]

    async def write() -> None:
        async with AsyncMongoClient[dict[str, Any]](server, tz_aware=True) as client:
            await client.drop_database("rapport_metrics")
            worker = Worker(client, "rapport_metrics")
            await worker.processor.assigned(frozenset({0}), 2)
            await worker.process(told, start=0, now=TODAY)

    asyncio.run(write())
    settings = MetricsSettings(kafka="nowhere:1", mongo=server, secret_key="0123456789abcdef", api_key=KEY)
    app = create_app(settings, publisher=Broker())
    with TestClient(app) as client:
        app.state.clock = Noon()
        yield client


@pytest.mark.parametrize("selected", [{}, {"segment": "gold"}, {"channel": "web"}, {"channel": "email"}])
def test_a_window_and_a_series_of_the_same_days_say_the_same(
    api: TestClient, selected: dict[str, str]
) -> None:
    week = get(api, "/kpis", window="7d", **selected)
    for kpi in KPIS:
        days = {"from": week["from"], "to": week["to"]}
        (point,) = get(api, f"/kpis/{kpi}/series", step="7d", **days, **selected)["items"]
        assert (kpi, point["value"], point["n"]) == (kpi, week[kpi], week["basis"][kpi]["n"])


def test_tomorrow_is_no_part_of_today(api: TestClient) -> None:
    week = get(api, "/kpis", window="7d")
    assert (week["nps"], week["basis"]["nps"]["n"]) == (-100, 1)
    assert week["open_complaints"] == 1
    assert (week["repeat_purchase_rate"], week["revenue"]) == (0, {"EUR": 200})


@pytest.mark.parametrize("kpi", ["nps", "open_complaints", "repeat_purchase_rate", "revenue", "retention"])
def test_nor_side_by_side(api: TestClient, kpi: str) -> None:
    for dimension, value in (("segment", "gold"), ("channel", "web"), ("channel", "email")):
        alone = get(api, "/kpis", window="7d", **{dimension: value})
        n = alone["basis"][kpi]["n"]
        items = get(api, f"/kpis/{kpi}/by/{dimension}", window="7d")["items"]
        by = {item["of"]: (item["value"], item["n"]) for item in items}
        assert by.get(value) == ((alone[kpi], n) if n else None)
