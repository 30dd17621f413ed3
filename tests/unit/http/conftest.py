"""A service's app on a fake broker and a fake store; the worker is a function that answers commands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from pymongo.errors import BulkWriteError
from starlette.testclient import TestClient

from shared.http.app import create_api
from shared.http.auth import Principal, require
from shared.http.clock import ApiClock
from shared.http.commands import Commands, IdempotencyKey
from shared.http.dependencies import get_clock, get_commands, get_producer
from shared.kafka.publisher import BrokerAwayError, Record
from shared.runtime.digest import digest
from shared.runtime.settings import Settings
from shared.schemas.base import Data
from shared.schemas.codec import decode, open_envelope
from shared.schemas.commands.loyalty import RedemptionRequested
from shared.schemas.event import Event

KEY = "an-api-key-for-tests"
HEADERS = {"X-API-Key": KEY}


class FakeCursor:
    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = rows

    async def to_list(self) -> list[Mapping[str, Any]]:
        return list(self.rows)


class FakeCollection:
    def __init__(self, database: "FakeDatabase") -> None:
        self.database = database
        self.rows: dict[Any, dict[str, Any]] = {}

    async def find_one(
        self, query: Mapping[str, Any], fields: Mapping[str, int] | None = None
    ) -> dict[str, Any] | None:
        self.database.check()
        if not query:
            return next(iter(self.rows.values()), None)
        assert set(query) == {"_id"}
        return self.rows.get(query["_id"])

    async def insert_many(self, rows: Sequence[dict[str, Any]], *, ordered: bool) -> None:
        assert not ordered
        self.database.check()
        again = [row for row in rows if row["_id"] in self.rows]
        self.rows |= {row["_id"]: row for row in rows}
        if again:
            raise BulkWriteError({"writeErrors": [{"code": 11000} for _ in again]})

    def find(self, query: Mapping[str, Any], fields: Mapping[str, int] | None = None) -> FakeCursor:
        self.database.check()
        if not query:
            return FakeCursor(list(self.rows.values()))
        assert set(query) == {"_id"}
        return FakeCursor([self.rows[id] for id in query["_id"]["$in"] if id in self.rows])

    async def update_many(self, query: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        self.database.check()
        for id in query["_id"]["$in"]:
            self.rows[id] = self.rows[id] | change["$set"]


class FakeDatabase:
    name = "rapport_loyalty"

    def __init__(self) -> None:
        self.collections: dict[str, FakeCollection] = {}
        self.error: Exception | None = None

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def __getitem__(self, name: str) -> FakeCollection:
        return self.collections.setdefault(name, FakeCollection(self))

    async def command(self, name: str) -> dict[str, Any]:
        assert name == "ping"
        self.check()
        return {"ok": 1}


class FakeClient:
    def __init__(self) -> None:
        self.databases: dict[str, FakeDatabase] = {}

    def __getitem__(self, name: str) -> FakeDatabase:
        return self.databases.setdefault(name, FakeDatabase())


class FakePublisher:
    """Takes records; ``worker``, when set, journals an outcome for each command, once per id."""

    def __init__(self, database: FakeDatabase) -> None:
        self.ready = True
        self.records: list[Record] = []
        self.started = self.stopped = 0
        self.database = database
        self.worker: Callable[[Event], dict[str, Any]] | None = None

    async def start(self) -> None:
        self.started += 1

    async def stop(self) -> None:
        self.stopped += 1

    async def partitions(self, topic: str) -> int:
        assert topic == "commands"
        return 8

    async def publish(self, records: Sequence[Record]) -> None:
        if not self.ready:
            raise BrokerAwayError("gone")
        self.records += records
        for record in records:
            event = self.event(record)
            journal = self.database["journal"].rows
            if self.worker is not None and event.uid not in journal:
                asked = digest(event.subject, event.data)
                journal[event.uid] = {"_id": event.uid, "digest": asked, "outcome": self.worker(event)}

    def event(self, record: Record) -> Event:
        return decode(open_envelope(record.key, record.value, record.headers), wall_now=datetime.now(UTC))


class Ping(Data):
    event_type: ClassVar[str] = "rapport.test.ping.v1"
    topic: ClassVar[str] = "commands"
    number: int


def service_router() -> APIRouter:
    """A small service's routes, as the real ones are written."""
    router = APIRouter()

    @router.post("/members/{id}/redemptions", status_code=201)
    async def redeem(
        id: str,
        body: RedemptionRequested,
        principal: Annotated[Principal, Depends(require("loyalty:redeem"))],
        commands: Annotated[Commands, Depends(get_commands)],
        key: IdempotencyKey = None,
    ) -> Response:
        return (await commands.submit(principal, "members.redemptions", id, body, key)).response()

    @router.get("/members/{id}")
    async def member(
        id: str,
        principal: Annotated[Principal, Depends(require("customers:read"))],
        clock: Annotated[ApiClock, Depends(get_clock)],
        limit: int = 5,
    ) -> dict[str, Any]:
        return {"id": id, "caller": principal.name, "now": await clock.now(id), "limit": limit}

    @router.get("/now")
    async def now(clock: Annotated[ApiClock, Depends(get_clock)]) -> dict[str, Any]:
        return {"now": await clock.now(None)}

    @router.post("/publish")
    async def publish(producer: Annotated[Any, Depends(get_producer)]) -> None:
        await producer.publish([])

    @router.get("/broken/{token}")
    async def broken(token: str) -> None:
        raise RuntimeError("the secret inside")

    return router


@pytest.fixture
def settings() -> Settings:
    return Settings(
        kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef", api_key=KEY,
        command_timeout=0.15,
    )  # fmt: skip


@pytest.fixture
def mongo() -> FakeClient:
    return FakeClient()


@pytest.fixture
def database(mongo: FakeClient) -> FakeDatabase:
    return mongo["rapport_loyalty"]


@pytest.fixture
def publisher(database: FakeDatabase) -> FakePublisher:
    return FakePublisher(database)


@pytest.fixture
def make_app(mongo: Any, publisher: FakePublisher) -> Callable[[Settings], FastAPI]:
    def make(settings: Settings) -> FastAPI:
        return create_api(
            settings, "loyalty", "Loyalty", [service_router()], publisher=publisher, client=mongo
        )

    return make


@pytest.fixture
def api(make_app: Callable[[Settings], FastAPI], settings: Settings) -> Iterator[TestClient]:
    with TestClient(make_app(settings)) as client:
        yield client
