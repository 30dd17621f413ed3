"""``GET /customers/{id}/export``: whole, or none; of all ids; in the background where it takes long."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from services.interactions.export import making
from services.interactions.export.gathering import Sources
from services.interactions.routes.exports import get_sources
from shared.http.dependencies import Database
from shared.runtime.https import trusting
from shared.schemas.services import SERVICES

from .test_service import logged, tell, told

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "rapport.export.v1.json"
WITHIN = 200


class Others:
    """The other three services."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.cut: str | None = None
        """Of this service the answer ends before its last line."""
        self.away: str | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.keys: set[str] = set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await self.open.wait()
        service, id = request.url.host, request.url.path.split("/")[2]
        self.keys.add(request.headers["X-API-Key"])
        if service == self.away:
            raise httpx.ConnectError("refused")
        rows = self.rows.get((service, id), [])
        counts: dict[str, int] = {}
        for one in rows:
            counts[one["collection"]] = counts.get(one["collection"], 0) + 1
        lines = [json.dumps(one) for one in rows]
        if service != self.cut:
            lines.append(json.dumps({"end": {"service": service, "customer": id, "rows": counts}}))
        return httpx.Response(200, text="\n".join(lines))


@pytest.fixture
def others(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Others]:
    monkeypatch.setattr(making, "WAITED_S", 60)  # how busy the machine is decides nothing
    others = Others()

    async def sources(database: Database) -> Sources:
        urls = {service: f"http://{service}" for service in SERVICES}
        hashed = app.state.settings.erased_by
        return Sources(database, urls, "a-key", hashed, trusting(None), httpx.MockTransport(others.answer))

    app = cast(FastAPI, api.app)
    app.dependency_overrides[get_sources] = sources
    yield others
    app.dependency_overrides.clear()


def entry(id: str, n: int) -> dict[str, Any]:
    row = {"_id": f"e-{n}", "member": id, "booked_at": f"2026-01-{n + 1:02}T00:00:00Z", "kind": "earned"}
    return {"collection": "ledger", "row": row | {"points": 5, "balance": 5 * n, "reason": "5 for <b>it</b>"}}


def history(api: TestClient, customer: str, others: Others) -> None:
    consent = {"purpose": "marketing", "channel": "email", "granted": True, "evidence": "form 7"}
    tell(
        api,
        told("customer.registered", customer, {"name": "Ann <script>", "email": "ann@example.com"}, 0),
        told("consent.changed", customer, consent, 1),
        logged(customer, 1),
    )
    others.rows["loyalty", customer] = [entry(customer, n) for n in range(3)]
    message = {
        "_id": "o-1",
        "customer": customer,
        "rule": "hello",
        "channel": "email",
        "status": "suppressed",
    }
    message |= {"due_at": "2026-01-01T00:00:00Z", "reason": "no_consent", "error": "nothing allows it"}
    others.rows["followup", customer] = [{"collection": "deliveries", "row": message}]


def test_an_export_has_all_and_is_as_its_schema_says(api: TestClient, customer: str, others: Others) -> None:
    history(api, customer, others)
    answer = api.get(f"/customers/{customer}/export")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert document["person"]["profile"]["email"] == "ann@example.com"
    assert [(word["granted"], word["evidence"]) for word in document["consents"]] == [(True, "form 7")]
    assert {row["type"].split(".")[1] for row in document["timeline"]} == {
        "customer", "consent", "interaction",
    }  # fmt: skip
    assert [row["_id"] for row in document["points"]] == ["e-0", "e-1", "e-2"]
    assert document["messages"][0]["reason"] == "no_consent"
    assert document["other"]["interactions"]["state"][0]["_id"] == customer
    assert document["rows"]["loyalty"] == {"ledger": 3}
    for service, collections in document["rows"].items():
        for name, count in collections.items():
            part = {"ledger": "points", "deliveries": "messages"}.get(name, name)
            assert count == len(document.get(part) or document["other"][service][name]), name
    assert others.keys == {"a-key"}


def test_the_page_says_the_same_and_runs_nothing(api: TestClient, customer: str, others: Others) -> None:
    history(api, customer, others)
    answer = api.get(f"/customers/{customer}/export", headers={"Accept": "text/html,*/*"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for said in ("ann@example.com", "form 7", "no consent", "5 for &lt;b&gt;it&lt;/b&gt;", "granted"):
        assert said in answer.text, said
    assert "<script" not in answer.text
    assert api.get(f"/customers/{customer}/export?format=html").text.startswith("<!doctype html>")


@pytest.mark.parametrize("service", ["loyalty", "followup", "metrics"])
def test_half_an_export_is_none(api: TestClient, customer: str, others: Others, service: str) -> None:
    history(api, customer, others)
    others.cut = service
    cut = api.get(f"/customers/{customer}/export")
    others.cut, others.away = None, service
    away = api.get(f"/customers/{customer}/export")
    for answer in (cut, away):
        assert (answer.status_code, answer.json()["code"]) == (503, "export_failed")
        assert service in answer.json()["detail"]
    assert api.get(f"/customers/{customer}/export", headers={"X-API-Key": "no"}).status_code == 401


def test_what_takes_long_is_fetched_when_it_is_ready(
    api: TestClient, customer: str, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(api, customer, others)
    monkeypatch.setattr(making, "WAITED_S", 0.05)
    others.open.clear()
    answer = api.get(f"/customers/{customer}/export")
    assert (answer.status_code, answer.json()["status"]) == (202, "making")
    place = answer.headers["location"]
    assert place == f"/exports/{answer.json()['export_id']}"
    assert api.get(place).status_code == 202
    assert api.portal is not None
    api.portal.call(others.open.set)
    for _ in range(WITHIN):
        if (answer := api.get(place)).status_code == 200:
            break
    assert answer.json()["rows"]["loyalty"] == {"ledger": 3}
    assert api.get(place, headers={"Accept": "text/html"}).text.startswith("<!doctype html>")
    assert api.get(f"/exports/{'0' * 32}").json()["code"] == "unknown_export"


def test_an_export_does_not_outlive_the_customer(
    api: TestClient, customer: str, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(api, customer, others)
    done = api.get(f"/customers/{customer}/export").headers["content-location"]
    monkeypatch.setattr(making, "WAITED_S", 0.05)
    others.open.clear()
    place = api.get(f"/customers/{customer}/export").headers["location"]
    tell(api, told("customer.erased", customer, {}, 4))
    assert [api.get(one).json()["code"] for one in (done, place)] == ["erased", "erased"]
    assert api.portal is not None
    api.portal.call(others.open.set)
    for _ in range(WITHIN):
        if (answer := api.get(place)).status_code == 404:
            break
    assert answer.json()["code"] == "unknown_export"


def test_the_survivors_export_holds_all(api: TestClient, customer: str, others: Others) -> None:
    old = f"{customer}-old"
    history(api, customer, others)
    tell(api, told("customer.registered", old, {"name": "Ann O."}, 2), logged(old, 2))
    others.rows["loyalty", old] = [entry(old, 9)]
    tell(api, told("customer.merged", old, {"into": customer, "reason": "the same"}, 3))
    for id in (customer, old):
        document = api.get(f"/customers/{id}/export").json()
        assert (document["customer_id"], document["ids"]) == (customer, [customer, old])
        assert {row["member"] for row in document["points"]} == {customer, old}
        assert {row["customer"] for row in document["timeline"]} == {customer, old}


def test_a_long_part_is_kept_in_pieces(
    api: TestClient, customer: str, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.interactions.export.writing.PIECE", 1_000)
    monkeypatch.setattr("services.interactions.export.readable.MOST", 10)
    history(api, customer, others)
    others.rows["loyalty", customer] = [entry(customer, n % 28) for n in range(500)]
    answer = api.get(f"/customers/{customer}/export")
    assert len(answer.json()["points"]) == 500
    page = api.get(answer.headers["content-location"] + "?format=html").text
    assert "The latest 10 of 500 are shown here" in page


def test_of_nobody_there_is_no_export(api: TestClient, others: Others) -> None:
    answer = api.get("/customers/nobody-at-all/export")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
