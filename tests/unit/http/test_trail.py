"""Who read or changed what about a person: each request once, and no request waits for it."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from pymongo.errors import ServerSelectionTimeoutError
from starlette.testclient import TestClient

from shared.facts.erased import erased_hash
from shared.http import trail as trails
from shared.http.trail import AT_ONCE, Entry, Trail
from shared.runtime.telemetry import AUDIT_LOST
from tests.unit.http.conftest import HEADERS, FakeDatabase

KEY = b"the key of erased ids"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def entries(count: int, first: int = 0) -> list[Entry]:
    return [
        Entry(f"c-{n}", "till", "GET", "/members/{id}", 200, "done", NOW) for n in range(first, first + count)
    ]


def test_what_is_noted_is_written_once_however_often_the_store_goes_away() -> None:
    database: Any = FakeDatabase()
    trail = Trail("loyalty", database, KEY)

    async def run() -> None:
        trail.note(entries(AT_ONCE + 3))
        database.error = ServerSelectionTimeoutError("away")
        await trail.flush()
        assert database["audit"].rows == {}
        database.error = None
        # Written, but the answer was lost: it is there once all the same.
        await database["audit"].insert_many([dict(row) for row in list(trail._waiting)[:2]], ordered=False)
        trail.note(entries(2, AT_ONCE + 3))
        await trail.flush()
        await trail.flush()

    asyncio.run(run())
    found = [row["customer"] for row in database["audit"].rows.values()]
    assert sorted(found) == sorted(f"c-{n}" for n in range(AT_ONCE + 5))


def test_of_somebody_erased_it_says_the_hash_whenever_that_was() -> None:
    """The wish itself is written after their eraser has passed; so is who asks for them later."""
    database: Any = FakeDatabase()
    trail = Trail("loyalty", database, KEY)
    audit, insert = database["audit"], database["audit"].insert_many

    async def meanwhile(rows: Any, *, ordered: bool) -> None:
        database["erased"].rows = {hash: {"_id": hash} for hash in (erased_hash(KEY, "c-1"),)}
        await insert(rows, ordered=ordered)

    audit.insert_many = meanwhile
    trail.note([*entries(3), *entries(1, 1), replace(entries(1)[0], customer=None)])
    asyncio.run(trail.flush())
    hash = erased_hash(KEY, "c-1")
    assert [row["customer"] for row in audit.rows.values()] == ["c-0", hash, "c-2", hash, None]
    assert not trail._waiting


def test_of_somebody_erased_before_no_clear_id_is_ever_written() -> None:
    """A process may be killed as soon as it has written."""
    database: Any = FakeDatabase()
    hash = erased_hash(KEY, "c-1")
    database["erased"].rows = {hash: {"_id": hash}}
    trail, written = Trail("loyalty", database, KEY), []
    audit, insert = database["audit"], database["audit"].insert_many

    async def seen(rows: Any, *, ordered: bool) -> None:
        written.extend(row["customer"] for row in rows)
        await insert(rows, ordered=ordered)

    audit.insert_many = seen
    trail.note([*entries(3), *entries(1, 1), replace(entries(1)[0], customer=None)])
    asyncio.run(trail.flush())
    assert written == ["c-0", hash, "c-2", hash, None]


def test_a_cancellation_that_the_driver_drops_keeps_nothing_from_ending() -> None:
    database: Any = FakeDatabase()
    write = database["audit"].insert_many
    writing = asyncio.Event()

    async def deaf(rows: Any, *, ordered: bool) -> None:
        writing.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        await write(rows, ordered=ordered)

    database["audit"].insert_many = deaf

    async def run() -> None:
        trail = Trail("loyalty", database, KEY)
        async with trail.keep():
            trail.note(entries(AT_ONCE))
            await writing.wait()
            trail.note(entries(3, AT_ONCE))

    asyncio.run(asyncio.wait_for(run(), 10.0))
    assert len(database["audit"].rows) == AT_ONCE + 3


def test_an_outage_keeps_the_newest_and_counts_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "MOST", 10)
    database: Any = FakeDatabase()
    lost = AUDIT_LOST.labels("loyalty")
    before = lost._value.get()
    trail = Trail("loyalty", database, KEY)
    trail.note(entries(13))
    asyncio.run(trail.flush())
    assert [row["customer"] for row in database["audit"].rows.values()] == [f"c-{n}" for n in range(3, 13)]
    assert lost._value.get() - before == 3


def test_reads_and_writes_are_in_it_and_what_was_said_is_not(
    make_app: Any, settings: Any, mongo: Any
) -> None:
    app: FastAPI = make_app(settings)
    with TestClient(app, headers=HEADERS) as client:
        client.get("/members/c-1?customer_id=c-2&limit=3")
        client.post("/members/c-3/redemptions", json={"reward_id": "secret-reward"})
        client.get("/members/c-4", headers={"X-API-Key": "wrong"})
        client.get("/members/c-5?customer=anna@example.com")
        client.get("/members/c-6?alias=email:anna@example.com&query=anna")
        client.get("/members/email:anna@example.com")
        client.request("ANNA", "/members/c-7")
        client.get("/now")
        client.get("/healthz")
    rows = [*mongo["rapport_loyalty"]["audit"].rows.values()]
    told = [(r["customer"], r["principal"], r["method"], r["route"], r["outcome"]) for r in rows]
    assert told == [
        ("c-2", "api-key", "GET", "/members/{id}", "done"),
        ("c-3", "api-key", "POST", "/members/{id}/redemptions", "pending"),
        (None, "api-key", "GET", "/members/{id}", "done"),
        (None, "api-key", "GET", "/members/{id}", "done"),
        (None, "api-key", "GET", "/members/{id}", "done"),
    ]
    assert "secret" not in str(rows)
    assert "anna" not in str(rows).lower()
