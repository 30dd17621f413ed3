"""Which day's figures the gauges show: the latest that a worker judged."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

from fastapi import FastAPI
from prometheus_client import REGISTRY
from pymongo import AsyncMongoClient

from services.metrics.config import load
from services.metrics.domain.restating import last_told
from services.metrics.report import refresh
from shared.schemas.times import micros

from .test_figures_api import JUDGED, told_row
from .test_watching import NOW


async def test_the_gauge_says_what_was_judged_not_what_might_have_been(
    client: AsyncMongoClient[dict[str, Any]], database_name: str
) -> None:
    """Who judges is two days behind the clock; before the partitions grew another one judged."""
    closed = last_told(micros(NOW))
    rows = [
        {
            "_id": f"{day:06d}:churn",
            "day": day,
            "kpi": "churn",
            "figure": "churn",
            "direction": "up" if day == closed - 2 else "down",
            "stands": True,
        }
        for day in (closed, closed - 2, closed - 9)
    ]
    database = client[database_name]
    await database["anomalies"].insert_many(rows)
    told = [told_row(0, {"churn": closed - 9}), told_row(5, {"churn": closed - 2}), told_row(6, {})]
    await database["told"].insert_many(told)
    clock = SimpleNamespace(now=AsyncMock(return_value=NOW))
    app = FastAPI()
    app.state.policy, app.state.clock, app.state.database = load(), clock, database
    await refresh(app)
    assert REGISTRY.get_sample_value(JUDGED, {"kpi": "churn"}) == (closed - 2) * 86_400
    ways = [{"kpi": "churn", "figure": "churn", "direction": way} for way in ("up", "down")]
    assert [REGISTRY.get_sample_value("rapport_kpi_anomaly", way) for way in ways] == [1, None]
