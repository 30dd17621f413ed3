"""What every service's API does: shapes of errors, readiness, ids, metrics, the document."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pymongo.errors import ServerSelectionTimeoutError
from starlette.testclient import TestClient

from shared.http.app import create_api, run_api
from shared.kafka.keys import partition_of
from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging

KEY = {"X-API-Key": "an-api-key-for-tests"}
PATH = "/members/c-1/redemptions"


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    assert body["title"]
    return body


def test_what_is_not_there(api: TestClient) -> None:
    problem(api.get("/nothing"), 404, "not_found")
    answer = api.delete("/members/c-1", headers=KEY)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_bad_input_names_each_field(api: TestClient) -> None:
    body = problem(api.post(PATH, json={"reward_id": 5}, headers=KEY), 422, "invalid")
    assert [(e["field"], e["code"]) for e in body["errors"]] == [("body.reward_id", "string_type")]
    body = problem(api.get("/members/c-1?limit=many", headers=KEY), 422, "invalid")
    assert body["errors"][0]["field"] == "query.limit"
    assert "many" not in json.dumps(body)


def test_not_json_is_400(api: TestClient) -> None:
    headers = KEY | {"content-type": "application/json"}
    problem(api.post(PATH, content=b"{nope", headers=headers), 400, "not_json")
    assert api.post(PATH, content=b"[" * 200_000, headers=headers).status_code == 400
    assert api.post(PATH, content=b'"\xff"', headers=headers).status_code in (400, 422)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(api: TestClient, chunked: bool) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b'{"reward_id": "'] + [b"x" * 65536] * 17 + [b'"}']

    content: Any = chunks() if chunked else b"".join(chunks())
    headers = KEY | {"content-type": "application/json"}
    body = problem(api.post(PATH, content=content, headers=headers), 413, "too_large")
    assert body["title"] == "Content Too Large"
    assert str(1024 * 1024) in body["detail"]


def test_a_500_says_only_what_to_quote(
    api: TestClient, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(settings, "loyalty")
    answer = api.get("/broken/t0ken", headers={"X-Request-Id": "req-1"})
    body = problem(answer, 500, "internal")
    assert "secret" not in json.dumps(body)
    assert "req-1" in body["detail"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failed = next(line for line in lines if line["event"] == "request failed")
    assert failed["request_id"] == "req-1"
    assert "the secret inside" in failed["exception"]
    assert all("t0ken" not in json.dumps(line) for line in lines if line["event"] == "request")


def test_request_ids_are_taken_or_made(api: TestClient) -> None:
    assert api.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = api.get("/healthz", headers={"X-Request-Id": "no good!"}).headers["x-request-id"]
    assert made != api.get("/nothing").headers["x-request-id"]
    assert len(made) == 32


def test_access_lines_carry_who_what_and_the_trace(
    api: TestClient, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(settings, "loyalty")
    trace = "0af7651916cd43dd8448eb211c80319c"
    api.get("/members/c-9", headers=KEY | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    api.get("/healthz")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["route"] == "/members/{id}"
    assert line["params"] == {"id": "c-9"}
    assert (line["service"], line["principal"], line["status"]) == ("loyalty", "api-key", 200)
    assert line["trace_id"] == trace


def test_healthy_however_sick_the_parts_are(api: TestClient, database: Any, publisher: Any) -> None:
    assert api.get("/readyz").json()["status"] == "ready"
    publisher.ready = False
    body = problem(api.get("/readyz"), 503, "not_ready")
    assert [e["field"] for e in body["errors"]] == ["broker"]
    database.error = ServerSelectionTimeoutError("no server")
    body = problem(api.get("/readyz"), 503, "not_ready")
    assert [e["field"] for e in body["errors"]] == ["store", "broker"]
    assert api.get("/healthz").status_code == 200


def test_whoever_would_know_nobody_who_was_erased_is_not_ready(api: TestClient, database: Any) -> None:
    """It began before anybody was: a worker with another key has erased somebody since."""
    database["keys"].rows["erasure"] = {"_id": "erasure", "fingerprint": "another"}
    assert api.get("/readyz").status_code == 200
    database["erased"].rows["0" * 32] = {"_id": "0" * 32}
    body = problem(api.get("/readyz"), 503, "not_ready")
    assert [e["field"] for e in body["errors"]] == ["erasure_key"]


def test_the_broker_away_anywhere_is_503(api: TestClient, publisher: Any) -> None:
    publisher.ready = False
    answer = api.post("/publish")
    problem(answer, 503, "broker_unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_requests_are_measured_by_route(api: TestClient) -> None:
    def count(route: str, status: str) -> float:
        labels = {"service": "loyalty", "method": "GET", "route": route, "status": status}
        return REGISTRY.get_sample_value("rapport_http_request_seconds_count", labels) or 0.0

    before, unmatched = count("/members/{id}", "200"), count("unmatched", "404")
    api.get("/members/a", headers=KEY)
    api.get("/members/b", headers=KEY)
    api.get("/some/scan.php")
    assert count("/members/{id}", "200") == before + 2
    assert count("unmatched", "404") == unmatched + 1
    text = api.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    assert "rapport_http_request_seconds_bucket" in text.text


def test_now_is_the_watermark_of_the_customers_partition(
    make_app: Callable[[Settings], FastAPI], settings: Settings, database: Any
) -> None:
    stream = type(settings)(**(settings.model_dump(exclude_unset=True) | {"clock": "stream"}))
    mine, other = datetime(2017, 5, 1, tzinfo=UTC), datetime(2017, 6, 1, tzinfo=UTC)
    with TestClient(make_app(stream)) as api:
        wall = datetime.fromisoformat(api.get("/now").json()["now"])
        assert abs((datetime.now(UTC) - wall).total_seconds()) < 60
        partition = partition_of(b"c-1", 8)  # The broker's count, not the settings' 4.
        rows = database["partitions"].rows
        rows[partition] = {"_id": partition, "watermark": mine}
        rows[(partition + 1) % 8] = {"_id": (partition + 1) % 8, "watermark": other}
        rows[(partition + 2) % 8] = {"_id": (partition + 2) % 8}
        assert datetime.fromisoformat(api.get("/members/c-1", headers=KEY).json()["now"]) == mine
        assert datetime.fromisoformat(api.get("/now").json()["now"]) == other


def test_parts_live_as_long_as_the_app(settings: Settings, mongo: Any, publisher: Any) -> None:
    seen: list[tuple[Any, ...]] = []

    @asynccontextmanager
    async def part(app: FastAPI) -> Any:
        seen.append((app.state.database is mongo["rapport_metrics"], publisher.started, publisher.stopped))
        yield
        seen.append(("closed", publisher.started, publisher.stopped))

    app = create_api(settings, "metrics", "Metrics", [], publisher=publisher, client=mongo, parts=[part])
    with TestClient(app):
        pass
    assert seen == [(True, 1, 0), ("closed", 1, 0)]
    assert publisher.stopped == 1


def test_the_document_tells_of_security_and_problems(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert api.get("/docs").status_code == 200
    components = document["components"]
    assert components["securitySchemes"]["apiKey"]["name"] == "X-API-Key"
    assert components["securitySchemes"]["bearer"]["bearerFormat"] == "JWT"
    assert "HTTPValidationError" not in json.dumps(document)
    redeem = document["paths"]["/members/{id}/redemptions"]["post"]
    assert {name for scheme in redeem["security"] for name in scheme} == {"apiKey", "bearer"}
    assert len(redeem["security"]) == 2, "either is enough"
    assert {"201", "400", "401", "403", "408", "413", "422", "429", "503", "default"} == set(
        redeem["responses"]
    )
    for status in ("401", "422", "default"):
        schema = redeem["responses"][status]["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ProblemDetails"}
    assert "401" not in document["paths"]["/healthz"]["get"]["responses"]
    assert {"ProblemDetails", "FieldError"} <= set(components["schemas"])


def test_a_port_in_use_is_a_sentence(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    app.state.service = "loyalty"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        busy = Settings(**(settings.model_dump(exclude_unset=True) | {"api_port": port}))
        with pytest.raises(SystemExit) as ended:
            run_api(app, busy)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"port {port}" in said
    assert "RAPPORT_API_PORT" in said
