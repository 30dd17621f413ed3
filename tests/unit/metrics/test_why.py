"""The events behind a figure, over HTTP, with interactions played by a list of what was told."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.interactions.domain.timeline import LINES
from services.metrics.behind import Interactions
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.routes.why import get_interactions
from shared.runtime.https import trusting
from shared.schemas.event import Event

from .test_api import HEADERS, TODAY, api, get, told

__all__ = ["api"]

TWO = (TODAY - timedelta(days=2)).date().isoformat()
NOTE = "a copy"


class Timeline:
    """``GET /events`` of interactions."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = sorted(events, key=lambda e: (e.time, e.uid), reverse=True)
        self.copies: set[str] = set()
        self.asked: list[httpx.Request] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.status != 200:
            return httpx.Response(self.status, json={"code": "x", "detail": "y"})
        query = request.url.params
        since, until = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
        types = query.get_list("type")
        found = [e for e in self.events if e.type in types and since <= e.time < until]
        start, limit = int(query.get("cursor", "0")), int(query["limit"])
        more = start + limit < len(found)
        items = [self._item(e) for e in found[start : start + limit]]
        return httpx.Response(200, json={"items": items, "cursor": str(start + limit) if more else None})

    def _item(self, e: Event) -> dict[str, Any]:
        return {
            "id": e.id,
            "source": e.source,
            "type": e.type,
            "time": e.time.isoformat(),
            "customer_id": e.subject,
            "summary": f"{e.type} told",
            "note": NOTE if e.id in self.copies else None,
            "data": json.loads(e.data.model_dump_json(by_alias=True)),
            "extensions": {},
        }


@pytest.fixture
def timeline(api: TestClient) -> Iterator[Timeline]:
    events = told()
    found = Timeline(events)
    transport = httpx.MockTransport(found)
    app: Any = api.app
    app.dependency_overrides[get_interactions] = lambda: Interactions(
        "http://interactions", {"x-api-key": HEADERS["X-API-Key"]}, trusting(None), transport
    )
    yield found
    app.dependency_overrides.clear()


def behind(api: TestClient, kpi: str, day: str = TWO, **more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(api, f"/kpis/{kpi}/why", day=day, **more, **cursor)
        found += page["items"]
        if page["cursor"] is None:
            return found
        cursor = {"cursor": page["cursor"]}


def names(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((item["type"].split(".", 1)[1].removesuffix(".v1"), item["customer_id"]) for item in items)


def test_each_answer_of_the_day_and_no_other(api: TestClient, timeline: Timeline) -> None:
    found = behind(api, "nps")
    assert names(found) == [("survey.answered", c) for c in ("c1", "c1", "c1", "c2")]
    assert (
        len(found) == get(api, "/kpis/nps/series", **{"from": TWO, "to": TWO + "T23:00:00Z"})["items"][0]["n"]
    )
    assert names(behind(api, "nps", segment="gold")) == [("survey.answered", "c1")] * 3
    assert behind(api, "nps", segment="nobody") == []
    assert behind(api, "csat") == []
    assert set(found[0]) == {"id", "source", "type", "time", "customer_id", "summary", "role"}
    assert found[0]["role"] is None


def test_in_pages_each_once(api: TestClient, timeline: Timeline) -> None:
    whole = behind(api, "nps")
    assert behind(api, "nps", limit="1") == behind(api, "nps", limit="3") == whole


def test_the_step_that_counts_and_no_other_of_the_complaint(api: TestClient, timeline: Timeline) -> None:
    assert names(behind(api, "resolution_s")) == [("complaint.resolved", "c1")]
    assert names(behind(api, "root_causes")) == [("complaint.resolved", "c1")]
    four = (TODAY - timedelta(days=4)).date().isoformat()
    assert names(behind(api, "first_response_s", four)) == [("complaint.acknowledged", "c1")]
    assert names(behind(api, "open_complaints", four)) == [("complaint.opened", "c1")]


def test_the_orders_of_the_day(api: TestClient, timeline: Timeline) -> None:
    assert names(behind(api, "repeat_purchase_rate")) == [("purchase.made", "c1"), ("purchase.made", "c2")]


def roles(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    short = [(one["type"].split(".", 1)[1].removesuffix(".v1"), one) for one in items]
    return sorted((name, one["customer_id"], one["role"]) for name, one in short)


def test_retention_rests_on_both_days(api: TestClient, timeline: Timeline) -> None:
    assert roles(behind(api, "retention")) == [("purchase.made", "c1", "returned")] * 2
    day = (TODAY - timedelta(days=1)).date().isoformat()
    found = roles(behind(api, "retention", day))
    assert found == [("purchase.made", c, "stayed away") for c in ("c1", "c2")]
    assert behind(api, "retention", segment="gold", limit="1") == behind(api, "retention", segment="gold")


def test_churn_rests_on_who_could_leave(api: TestClient, timeline: Timeline) -> None:
    day = TODAY.date().isoformat()
    whole = behind(api, "churn", day)
    assert roles(whole) == [("purchase.made", c, "stayed") for c in ("c1", "c2")]
    assert behind(api, "churn", day, limit="1") == whole
    assert names(behind(api, "churn", segment="gold")) == [("purchase.made", "c1")]
    gone = (TODAY - timedelta(days=2) + timedelta(days=181)).date().isoformat()
    assert roles(behind(api, "churn", gone)) == [("purchase.made", c, "left") for c in ("c1", "c2")]
    assert roles(behind(api, "churn_reasons", gone)) == [
        ("complaint.opened", "c1", "left"),
        ("purchase.made", "c1", "left"),
        ("purchase.made", "c2", "left"),
    ]
    assert behind(api, "churn_reasons", day) == []
    for cursor in ("9.", "x", "-1.", "y.z"):
        answer = api.get("/kpis/churn/why", params={"day": day, "cursor": cursor}, headers=HEADERS)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), cursor


def test_a_copy_is_behind_nothing(api: TestClient, timeline: Timeline) -> None:
    first = behind(api, "nps")[0]
    timeline.copies.add(first["id"])
    assert len(behind(api, "nps")) == 3


def test_pages_without_any_are_looked_through_but_not_for_ever(api: TestClient, timeline: Timeline) -> None:
    timeline.copies |= {e.id for e in timeline.events}
    page = get(api, "/kpis/nps/why", day=TWO, limit="1")
    assert page == {"items": [], "cursor": None}
    assert len(timeline.asked) == 4


def test_interactions_away_or_unwilling(api: TestClient, timeline: Timeline) -> None:
    for status, ours, code in (
        (500, 503, "why_unavailable"),
        (403, 403, "forbidden"),
        (401, 503, "why_unavailable"),
    ):
        timeline.status = status
        answer = api.get("/kpis/nps/why", params={"day": TWO}, headers=HEADERS)
        assert (answer.status_code, answer.json()["code"]) == (ours, code)
        assert (ours == 503) == ("retry-after" in answer.headers)
    timeline.status = 422
    answer = api.get("/kpis/nps/why", params={"day": TWO, "cursor": "x"}, headers=HEADERS)
    assert answer.status_code == 422
    assert timeline.asked[-1].headers["x-api-key"] == HEADERS["X-API-Key"]


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.name)
def test_what_no_timeline_has_is_refused_with_the_reason(
    api: TestClient, timeline: Timeline, kpi: Kpi
) -> None:
    """Rather than answered with nothing."""
    answer = api.get(f"/kpis/{kpi.name}/why", params={"day": TWO}, headers=HEADERS)
    kept = [event.event_type for event in kpi.events if event in LINES]
    assert answer.status_code == (200 if kept else 409), answer.text
    if kpi.name in ("clv", "agents_at_work"):
        assert answer.json()["code"] == "no_timeline"
        assert all(event.event_type in answer.json()["detail"] for event in kpi.events)
    else:
        assert set(timeline.asked[-1].url.params.get_list("type")) <= set(kept)


def test_where_no_interactions_is_named(api: TestClient) -> None:
    answer = api.get("/kpis/nps/why", params={"day": TWO}, headers=HEADERS)
    assert (answer.status_code, answer.json()["code"]) == (503, "why_unavailable")


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/kpis/happiness/why?day=2026-01-01", 404, "path.name"),
        ("/kpis/nps/why", 422, "query.day"),
        ("/kpis/nps/why?day=2026-02-30", 422, "query.day"),
        ("/kpis/nps/why?day=2026-02-03&limit=0", 422, "query.limit"),
    ],
)
def test_bad_parameters_are_named(api: TestClient, path: str, status: int, field: str) -> None:
    answer = api.get(path, headers=HEADERS)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert api.get(path).status_code == 401
