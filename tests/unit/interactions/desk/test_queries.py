"""The desk's queries on a real store."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.testclient import TestClient

from services.interactions.desk.queries import DeskStore
from services.interactions.domain.rows import ComplaintRow, TimelineRow
from shared.runtime.settings import Settings
from shared.schemas.times import micros

from ..inline_worker import InlineWorker
from ..test_service import NOW, complaint, logged, purchase, tell


@pytest.fixture(scope="module")
def worker(settings: Settings) -> InlineWorker:
    return InlineWorker(settings, wall=True)


def asked(settings: Settings, ask: Any) -> Any:
    async def run() -> Any:
        async with AsyncMongoClient[dict[str, Any]](settings.mongo, tz_aware=True) as client:
            return await ask(DeskStore(client["rapport_interactions"]))

    return asyncio.run(run())


def test_the_board_in_pages(api: TestClient, settings: Settings, customer: str) -> None:
    ids = {
        severity: complaint(api, customer, severity=severity)
        for severity in ("low", "critical", "normal", "high")
    }
    for severity, who in (("low", "ann"), ("high", "ann"), ("critical", "bo")):
        answer = api.post(f"/complaints/{ids[severity]}/acknowledge", json={"assignee": f"{who}-{customer}"})
        assert answer.status_code == 200, answer.text
    every: list[ComplaintRow] = asked(settings, lambda store: store.board(limit=500))
    mine = [row for row in every if row.customer_id == customer]
    assert [row.due for row in every] == sorted(row.due or "" for row in every)
    assert {row.complaint_id for row in mine} == set(ids.values())
    page: list[ComplaintRow] = asked(settings, lambda store: store.board(after=mine[0].due, limit=500))
    assert [row for row in page if row.customer_id == customer] == mine[1:]
    ann: list[ComplaintRow] = asked(settings, lambda store: store.board(assignee=f"ann-{customer}", limit=5))
    assert [row.complaint_id for row in ann] == [ids["high"], ids["low"]]
    assert mine[0].next_due is not None
    until = mine[0].next_due
    soon: list[ComplaintRow] = asked(settings, lambda store: store.board(until=until, limit=500))
    assert mine[0] in soon
    assert mine[-1] not in soon
    for id in ids.values():
        api.post(f"/complaints/{id}/resolve", json={"resolution": "sent again"})
    left: list[ComplaintRow] = asked(settings, lambda store: store.board(limit=500))
    assert [row for row in left if row.customer_id == customer] == []


def test_what_happened_of_some_types(api: TestClient, settings: Settings, customer: str) -> None:
    tell(api, *(logged(customer, n) for n in range(5)), purchase(customer, 2.5))
    tell(api, logged(f"{customer}0", 1), logged(customer, 9, channel="email"))

    def happened(*types: str, **more: Any) -> list[TimelineRow]:
        found: list[TimelineRow] = asked(
            settings, lambda store: store.happened(customer, types, **{"limit": 50} | more)
        )
        return found

    assert len(happened()) == 7
    (bought,) = happened("rapport.purchase.made.v1")
    assert [row.summary[-3:] for row in happened("rapport.interaction.logged.v1", limit=2)] == ["t 9", "t 4"]
    assert len(happened(before=bought.place)) == 3
    assert len(happened(channel="email")) == 1
    asked_at = micros(NOW - timedelta(days=1) + timedelta(minutes=2.5))
    assert asked(settings, lambda store: store.at(customer, asked_at, ["rapport.purchase.made.v1"])) == [
        bought
    ]
    assert asked(settings, lambda store: store.at(customer, asked_at + 1, [bought.type])) == []
