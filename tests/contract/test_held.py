"""``GET /customers/{id}/held``: no collection that a service declares to be of customers is left out."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from services.metrics.domain.state import Customer, encode
from shared.domain import Collection
from shared.facts.erased import erased_hash
from shared.journal.derived import record_of
from shared.journal.store import COLLECTIONS
from shared.runtime.trail import AUDIT
from shared.schemas.commands.merging import LoyaltyHandOverRequested
from shared.schemas.commands.routing import RoutingNewsRequested
from shared.schemas.event import Event
from shared.schemas.services import SERVICES
from tools.openapi import NOBODY, apps

KEY = {"X-API-Key": NOBODY["api_key"]}
AT = datetime(2026, 1, 1, tzinfo=UTC)
PACKED: dict[tuple[str, str], dict[str, Any]] = {
    **{(name, "state"): {"data": '{"name":"Ada"}'} for name in SERVICES},
    ("interactions", "timeline"): {"data": '{"name":"Ada"}'},
    ("metrics", "customers"): {"record": encode(Customer())},
}
"""What a document must hold so that it can be read."""


class Cursor:
    """The documents one by one; ``read`` counts those that were asked for."""

    def __init__(self, documents: Iterator[dict[str, Any]]) -> None:
        self._documents = documents
        self.read = 0

    def sort(self, key: str, direction: int) -> "Cursor":
        self._documents = iter(sorted(self._documents, key=lambda one: str(one[key])))
        return self

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        for document in self._documents:
            self.read += 1
            yield document


class Table:
    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents

    def find(self, query: Mapping[str, Any], fields: Mapping[str, int], batch_size: int) -> Cursor:
        wanted = query.get("$or", [query])
        return Cursor(one for one in self.documents if any(_is(one, each) for each in wanted))


def _is(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    some = ((name, one["$in"] if isinstance(one, dict) else [one]) for name, one in wanted.items())
    return all(document.get(name) in values for name, values in some)


def declared(service: str) -> dict[str, Collection]:
    own: tuple[Collection, ...] = import_module(f"services.{service}.domain.rows").COLLECTIONS
    return {one.name: one for one in (*((AUDIT,) if service == "metrics" else COLLECTIONS), *own)}


def full(service: str) -> dict[str, Table]:
    """A row of ``c-1`` and one of ``c-2`` in each collection."""
    database = {}
    for name, collection in declared(service).items():
        rows = [
            {"_id": f"{name}/{id}"} | PACKED.get((service, name), {}) | {collection.owner or "x": id}
            for id in ("c-2", "c-1")
        ]
        database[name] = Table(rows)
    return database


def app_of(service: str, database: object) -> FastAPI:
    app = apps()[service]
    app.state.database = database
    return app


def stored(event: Event) -> dict[str, Any]:
    """What the journal keeps of one that was emitted."""
    record = record_of(event)
    return {"key": record.key, "about": [*record.about], "value": record.value, "headers": record.headers}


def lines_of(app: FastAPI, customer: str) -> list[dict[str, Any]]:
    # Not entered, so that nothing connects.
    answer = TestClient(app).get(f"/customers/{customer}/held", headers=KEY)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (
        200,
        "application/x-ndjson",
    )
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("service", SERVICES)
def test_a_row_of_every_declared_collection_is_told(service: str) -> None:
    *rows, last = lines_of(app_of(service, full(service)), "c-1")
    wanted = sorted(name for name, one in declared(service).items() if one.owner is not None)
    assert [row["collection"] for row in rows] == wanted
    assert "c-2" not in json.dumps(rows)
    assert last == {"end": {"customer": "c-1", "service": service, "rows": dict.fromkeys(wanted, 1)}}


@pytest.mark.parametrize("service", SERVICES)
def test_of_nobody_there_is_nothing_and_it_says_so(service: str) -> None:
    (last,) = lines_of(app_of(service, full(service)), "nobody")
    assert set(last["end"]["rows"].values()) == {0}


@pytest.mark.parametrize("service", SERVICES)
def test_only_an_admin_may_ask(service: str) -> None:
    assert TestClient(apps()[service]).get("/customers/c-1/held").status_code == 401


def test_packed_rows_can_be_read() -> None:
    told = {row["collection"]: row["row"] for row in lines_of(app_of("metrics", full("metrics")), "c-1")[:-1]}
    assert told["customers"]["record"]["orders"] == {}
    app = app_of("interactions", full("interactions"))
    told = {row["collection"]: row["row"] for row in lines_of(app, "c-1")[:-1]}
    assert told["state"]["data"] == told["timeline"]["data"] == {"name": "Ada"}


def test_a_row_is_told_of_the_second_one_too_whom_it_is_about() -> None:
    database = full("interactions") | {"duplicates": Table([{"_id": "d", "customer": "c-9", "other": "c-1"}])}
    rows = lines_of(app_of("interactions", database), "c-1")
    assert {"collection": "duplicates", "row": {"_id": "d", "customer": "c-9", "other": "c-1"}} in rows


@pytest.mark.parametrize("service", SERVICES)
def test_of_the_trail_what_was_hidden_is_told_once_they_have_come_back(service: str) -> None:
    app = app_of(service, database := full(service))
    hash = erased_hash(app.state.settings.erased_by, "c-1")
    database["audit"].documents.append({"_id": "hidden", "customer": hash})
    told = [one["row"]["_id"] for one in lines_of(app, "c-1") if one.get("collection") == "audit"]
    assert told == ["audit/c-1", "hidden"]


def test_of_what_others_tell_of_several_each_is_told_what_is_about_them() -> None:
    asked = {
        id: RoutingNewsRequested(customer_id=id, conversation_id="k", revision=1) for id in ("c-1", "c-9")
    }
    emitted = [stored(Event(id, "/x", "ann", AT, data)) for id, data in asked.items()]
    entry = {
        "_id": "e",
        "subject": "agent/ann",
        "emitted": emitted,
        "emitted.about": "c-1",
    }  # as a table finds it
    database = full("interactions") | {"journal": Table([entry])}
    (told,) = [
        one for one in lines_of(app_of("interactions", database), "c-1") if one.get("collection") == "journal"
    ]
    (record,) = told["row"]["emitted"]
    assert (record["key"], record["value"]["data"]["customer_id"]) == ("ann", "c-1")


def test_what_another_member_hands_over_is_not_told_to_a_friend_whom_it_names() -> None:
    handed = LoyaltyHandOverRequested(customer="ann", state={"balance": 500}, tells=("c-1", "ben"))
    whole = stored(Event("h", "/x", "ann-too", AT, handed))
    entry = {"_id": "e", "subject": "ann", "emitted": [whole], "emitted.about": "c-1"}
    database = full("loyalty") | {"journal": Table([entry])}
    (told,) = [
        one for one in lines_of(app_of("loyalty", database), "c-1") if one.get("collection") == "journal"
    ]
    (record,) = told["row"]["emitted"]
    assert (record["about"], "500" in json.dumps(record)) == (["c-1", "ben"], False)


async def test_a_hundred_thousand_rows_are_never_in_memory_together() -> None:
    class Ledger(Cursor):
        def sort(self, key: str, direction: int) -> Cursor:
            return self

    cursor = Ledger({"_id": n, "member": "c-1"} for n in range(100_000))

    class Long(Table):
        def find(self, query: Mapping[str, Any], fields: Mapping[str, int], batch_size: int) -> Cursor:
            return cursor

    sent, most, whole = 0, 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal sent, most, whole
        whole = message.get("body", b"") or whole
        sent += message.get("body", b"").count(b"\n")
        most = max(most, cursor.read - sent)

    app = app_of("loyalty", full("loyalty") | {"ledger": Long([])})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/customers/c-1/held",
        "query_string": b"",
        "headers": [(b"x-api-key", KEY["X-API-Key"].encode())],
        "asgi": {"spec_version": "2.4", "version": "3.0"},
    }
    await app(scope, receive, send)
    assert sent > 100_000
    assert json.loads(whole)["end"]["rows"]["ledger"] == 100_000
    assert most <= 1
