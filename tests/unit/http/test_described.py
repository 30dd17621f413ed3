"""What OpenAPI says of a route holds: methods, parameters, times, bodies, kinds of answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import HTMLResponse
from starlette.testclient import TestClient

from shared.http.app import create_api
from shared.http.bodies import DEPTH, Told
from shared.http.moments import QueryDay, QueryTime
from shared.http.openapi import PAGE_OF_TROUBLE, PAGE_TOO
from shared.http.paging import Cursor
from shared.runtime.settings import Settings
from shared.schemas.base import Strict, Time


class Part(Strict):
    size: int


class Thing(Strict):
    count: int
    ready: bool = False
    weight: float = 0.0
    at: Time | None = None
    names: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    more: dict[str, Any] | None = None


def routers() -> Sequence[APIRouter]:
    one, other = APIRouter(), APIRouter(responses=PAGE_OF_TROUBLE, default_response_class=HTMLResponse)

    @one.get("/things/{name}")
    async def read(
        name: str,
        at: QueryTime | None = None,
        day: Annotated[QueryDay | None, Query(alias="on")] = None,
        kind: Annotated[list[str] | None, Query()] = None,
        cursor: Cursor = None,
    ) -> dict[str, Any]:
        return {"at": at, "day": day, "kind": kind}

    @other.get("/page/{name}", response_class=HTMLResponse)
    async def page(name: str) -> str:
        return name

    second = APIRouter()

    @second.put("/things/{name}")
    async def write(name: str, body: Told[Thing]) -> Thing:
        return body

    @second.get("/both", responses=PAGE_TOO)
    async def both() -> dict[str, str]:
        return {}

    @second.delete("/things/fixed")
    async def fixed() -> None: ...

    return one, second, other


@pytest.fixture
def api(settings: Settings, mongo: Any, publisher: Any) -> Any:
    app: FastAPI = create_api(settings, "loyalty", "Things", routers(), publisher=publisher, client=mongo)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/things/a", "GET, PUT"),
        ("OPTIONS", "/things/a", "GET, PUT"),
        ("POST", "/things/fixed", "GET, PUT, DELETE"),
        ("PUT", "/healthz", "GET"),
        ("MADE-UP", "/things/a", "GET, PUT"),
    ],
)
def test_405_names_every_method_of_the_path(api: TestClient, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_a_parameter_comes_once_unless_it_is_a_list(api: TestClient) -> None:
    answer = api.get(
        "/things/a?at=2026-01-01&at=2026-01-02&on=2026-01-01&on=2026-01-01&kind=a&kind=b&x=1&x=2"
    )
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [
        ("query.at", "repeated"),
        ("query.on", "repeated"),
    ]
    assert api.get("/things/a?kind=a&kind=b").json()["kind"] == ["a", "b"]


def test_two_keys_leave_it_open_which_counts(api: TestClient) -> None:
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = api.get("/things/a", headers=twice)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00%2B02:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
    ],
)
def test_a_time_of_a_query(api: TestClient, given: str, read: datetime) -> None:
    assert datetime.fromisoformat(api.get(f"/things/a?at={given}").json()["at"]) == read


@pytest.mark.parametrize(
    "given", ["0", "0.5", "1e3", "-1", "1767225600", "0001-01-01T00:00:00%2B14:00", "now"]
)
def test_a_number_is_no_time(api: TestClient, given: str) -> None:
    for parameter in ("at", "on"):
        answer = api.get(f"/things/a?{parameter}={given}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == f"query.{parameter}"


def test_a_day_is_no_time(api: TestClient) -> None:
    assert api.get("/things/a?on=2026-01-01").json()["day"] == "2026-01-01"
    assert api.get("/things/a?on=2026-01-01T00:00:00").status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": "5"}, "body.count"),
        ({"count": True}, "body.count"),
        ({"count": 5.5}, "body.count"),
        ({"count": 5, "ready": 0}, "body.ready"),
        ({"count": 5, "ready": "yes"}, "body.ready"),
        ({"count": 5, "weight": "5"}, "body.weight"),
        ({"count": 5, "at": 0}, "body.at"),
        ({"count": 5, "at": "0"}, "body.at"),
        ({"count": 5, "parts": [{"size": "1"}]}, "body.parts.0.size"),
        ({"count": 5, "parts": [{"size": 1}, {}]}, "body.parts.1.size"),
        ({"count": 5, "other": 1}, "body.other"),
    ],
)
def test_a_body_is_taken_as_its_schema_has_it(api: TestClient, body: Any, field: str) -> None:
    answer = api.put("/things/a", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_what_a_body_may_say(api: TestClient) -> None:
    body = {"count": 5.0, "weight": 1, "names": ["a"], "parts": [{"size": 1}], "more": {"a": [1.5]}}
    answer = api.put("/things/a", json=body | {"at": "2026-11-22T10:00:00Z"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == 5
    assert answer.json()["more"] == {"a": [1.5]}


def test_a_body_is_nested_so_deep_and_no_deeper(api: TestClient) -> None:
    def lists(depth: int) -> Any:
        return [lists(depth - 1)] if depth else 0

    def nested(depth: int) -> Any:
        return {"count": 1, "more": {"a": lists(depth - 2)}}

    assert api.put("/things/a", json=nested(DEPTH)).status_code == 200
    answer = api.put("/things/a", json=nested(DEPTH + 1))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "depth"


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_an_integer_for_which_the_store_has_no_room_is_refused(api: TestClient, number: int) -> None:
    answer = api.put("/things/a", json={"count": 1, "more": {"a": [number]}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "wide"


@pytest.mark.parametrize("number", [1.7976931348623157e308, -1e300, 2.0**63, 2**63 - 1, -(2**63), 0.5])
def test_a_number_in_a_body_stays_what_it_was(api: TestClient, number: float) -> None:
    answer = api.put("/things/a", json={"count": 1, "more": {"a": [number]}})
    assert answer.status_code == 200
    [told] = answer.json()["more"]["a"]
    assert told == number
    assert type(told) is type(number)


def test_the_kinds_of_answers_are_told(api: TestClient) -> None:
    document = api.get("/openapi.json").json()["paths"]
    problem, page = "application/problem+json", "text/html"
    read = document["/things/{name}"]["get"]["responses"]
    assert "invalid_cursor" in read["422"]["description"]
    assert set(read["422"]["content"]) == {problem}
    shown = document["/page/{name}"]["get"]["responses"]
    assert set(shown["200"]["content"]) == {page}
    assert set(shown["default"]["content"]) == set(shown["422"]["content"]) == {problem, page}
    assert set(document["/both"]["get"]["responses"]["200"]["content"]) == {"application/json", page}
