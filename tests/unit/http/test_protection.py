"""What answers tell browsers and caches, how long a body may take, and what is said of admins."""

import asyncio
import hashlib
import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from starlette.testclient import TestClient
from starlette.types import Message

from shared.http.app import create_api
from shared.http.auth import Principal, require
from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging

KEY = {"X-API-Key": "an-api-key-for-tests"}


def changed(settings: Settings, **values: Any) -> Settings:
    return type(settings)(**(settings.model_dump(exclude_unset=True) | values))


def router() -> APIRouter:
    made = APIRouter()

    @made.get("/page", response_class=HTMLResponse)
    async def page() -> HTMLResponse:
        own = {
            "Content-Security-Policy": "default-src 'self'",
            "Cache-Control": "public",
            "Referrer-Policy": "origin",
        }
        return HTMLResponse("<p>", headers=own)

    @made.post("/members/{customer_id}/adjustments")
    async def adjust(
        customer_id: str, body: dict[str, Any], principal: Annotated[Principal, Depends(require("admin"))]
    ) -> dict[str, Any]:
        if body.get("broken"):
            raise RuntimeError("the secret inside")
        return body

    return made


@pytest.fixture
def open_api(mongo: Any, publisher: Any) -> Any:
    def opened(settings: Settings) -> TestClient:
        return TestClient(
            create_api(settings, "loyalty", "Loyalty", [router()], publisher=publisher, client=mongo),
            raise_server_exceptions=False,
        )

    return opened


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/page", "/docs", "/openapi.json", "/metrics"])
def test_every_answer_is_protected(open_api: Any, settings: Settings, path: str) -> None:
    with open_api(settings) as client:
        headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" not in headers
    if path == "/page":  # what a route says of itself holds
        assert headers["content-security-policy"] == "default-src 'self'"
        assert (headers["cache-control"], headers["referrer-policy"]) == ("public", "origin")
    else:
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("DELETE", "/page", b"", 405),
        ("POST", "/members/c-1/adjustments", b"{}", 401),
        ("POST", "/members/c-1/adjustments", b"{", 400),
        ("POST", "/members/c-1/adjustments", b"[]", 422),
        ("POST", "/members/c-1/adjustments", b" " * 2_000_000, 413),
        ("POST", "/members/c-1/adjustments", b'{"broken": true}', 500),
    ],
)
def test_refusals_and_faults_are_protected_too(
    open_api: Any, settings: Settings, method: str, path: str, body: bytes, status: int
) -> None:
    key = {} if status == 401 else KEY
    with open_api(settings) as client:
        answer = client.request(
            method, path, content=body or None, headers=key | {"Content-Type": "application/json"}
        )
    assert answer.status_code == status
    told = answer.headers
    assert (told["x-content-type-options"], told["x-frame-options"]) == ("nosniff", "DENY")
    assert (told["cache-control"], told["referrer-policy"]) == ("no-store", "no-referrer")
    assert told["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert told["content-type"] == "application/problem+json"
    assert (status == 405) == ("allow" in told)


def test_https_alone_where_the_service_is_reached_by_it(open_api: Any, settings: Settings) -> None:
    https = changed(settings, loyalty_url="https://loyalty.test")
    with open_api(https) as client:
        assert client.get("/nowhere").headers["strict-transport-security"] == "max-age=31536000"
    for none in (
        changed(https, hsts_seconds=0),
        changed(settings, loyalty_url="http://loyalty.test"),
        changed(settings, metrics_url="https://metrics.test"),
    ):
        with open_api(none) as client:
            assert "strict-transport-security" not in client.get("/healthz").headers


async def test_a_body_that_does_not_come_is_408(open_api: Any, settings: Settings) -> None:
    app = open_api(changed(settings, body_timeout=0.05)).app
    sent: list[Message] = []
    parts = [{"type": "http.request", "body": b'{"poi', "more_body": True}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()
        raise AssertionError("it never comes")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in KEY.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/members/c-1/adjustments",
        "query_string": b"",
        "headers": [*headers, (b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "request_timeout"
    assert (b"connection", b"close") in sent[0]["headers"]


def test_what_admins_do_is_told_and_never_what_they_said(
    open_api: Any, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    key = {"till": {"key_sha256": hashlib.sha256(b"till-key").hexdigest(), "scopes": ["loyalty:redeem"]}}
    quiet = changed(settings, log_level="ERROR", api_keys=json.dumps(key))
    configure_logging(quiet, "loyalty")
    path = "/members/c-7/adjustments"
    with open_api(quiet) as client:
        client.post(path, json={"reason": "a secret"}, headers=KEY)
        client.post(path, json={"reason": "a secret"}, headers={"X-API-Key": "till-key"})
        client.post(path, json=[], headers=KEY)
        client.post(path, json={"broken": True}, headers=KEY)
        client.get("/page", headers=KEY)
        client.post(path, json={})
    said = capsys.readouterr().out
    lines = [line for line in map(json.loads, said.splitlines()) if line.get("code") == "admin_action"]
    assert [(line["principal"], line["outcome"], line["status"]) for line in lines] == [
        ("api-key", "done", 200),
        ("till", "refused", 403),
        ("api-key", "refused", 422),
        ("api-key", "failed", 500),
    ]
    for line in lines:
        assert (line["method"], line["route"]) == ("POST", "/members/{customer_id}/adjustments")
        assert (line["customers"], line["service"]) == (["c-7"], "loyalty")
        assert line["at"]
        assert line["request_id"]
        assert "secret" not in json.dumps(line)
