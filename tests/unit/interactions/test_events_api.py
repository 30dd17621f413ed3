"""``POST /events``: all or nothing, and each refusal by its name."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from starlette.testclient import TestClient

from services.interactions.routes import ROUTERS
from shared.http.app import create_api
from shared.kafka.publisher import MAX_RECORD_BYTES, BrokerAwayError, Record
from shared.runtime.access import NamedKey
from shared.runtime.settings import Settings
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.topics import OWN_TYPES

KEY, POS_KEY, READER_KEY = "an-api-key-for-tests", "a-key-of-the-tills", "a-key-that-reads"
TILL_KEY, TILL = "the-key-of-till-17", {"sources": ("/pos/17", "/pos/17/*"), "types": ("purchase.*",)}
ONE, BATCH, JSON = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"


class FakePublisher:
    def __init__(self) -> None:
        self.ready = True
        self.records: list[Record] = []
        self.away: Exception | None = None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions(self, topic: str) -> int:
        return 4

    async def publish(self, records: Sequence[Record]) -> None:
        if self.away is not None:
            raise self.away
        self.records += records

    def events(self) -> list[Event]:
        now = datetime.now(UTC)
        return [decode(open_envelope(r.key, r.value, r.headers), wall_now=now) for r in self.records]


def named(key: str, *scopes: str) -> NamedKey:
    return NamedKey(key_sha256=hashlib.sha256(key.encode()).hexdigest(), scopes=frozenset(scopes))


@pytest.fixture
def broker() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def api(broker: FakePublisher) -> Iterator[TestClient]:
    settings = Settings(
        kafka="nowhere:1",
        mongo="mongodb://nowhere",
        secret_key="0123456789abcdef",
        api_key=KEY,
        api_keys={
            "pos": named(POS_KEY, "events:write"),
            "reader": named(READER_KEY, "customers:read"),
            "till": named(TILL_KEY, "events:write").model_copy(update=TILL),
        },
    )
    store: Any = defaultdict(lambda: defaultdict(AsyncMock))  # the audit trail alone is written
    nobody = AsyncMock(to_list=AsyncMock(return_value=[]))
    store["rapport_interactions"]["erased"].find = Mock(return_value=nobody)
    app = create_api(settings, "interactions", "Interactions", ROUTERS, publisher=broker, client=store)
    with TestClient(app) as client:
        yield client


def purchase(order: str = "o-1", **attributes: Any) -> dict[str, Any]:
    price = {"amount": 1250, "currency": "EUR"}
    return {
        "specversion": "1.0",
        "id": f"e-{order}",
        "source": "/till/9",
        "type": "rapport.purchase.made.v1",
        "subject": "cust-1",
        "time": "2026-11-20T10:00:00Z",
        "datacontenttype": JSON,
        "data": {"order_id": order, "channel": "web", "total": price, "items": []},
    } | attributes


def compensation() -> dict[str, Any]:
    data = {"complaint_id": "c-1", "kind": "points", "points": 100}
    return purchase(type="rapport.compensation.granted.v1", data=data)


def post(api: TestClient, body: Any, media: str = ONE, key: str = KEY, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.post("/events", content=content, headers={"X-API-Key": key, "content-type": media, **headers})


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def bad(answer: Any) -> list[tuple[int, str, str | None]]:
    assert problem(answer) == (422, "invalid_events")
    return [(e["index"], e["code"], e["field"]) for e in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("body", "media", "count"),
    [
        (purchase(), ONE, 1),
        (purchase(), f"{ONE}; charset=UTF-8", 1),
        (purchase(), JSON, 1),
        ([purchase("a"), purchase("b")], BATCH, 2),
        ([purchase("a"), purchase("b"), purchase("a")], JSON, 3),
        ([], BATCH, 0),
    ],
)
def test_accepted(api: TestClient, broker: FakePublisher, body: Any, media: str, count: int) -> None:
    answer = post(api, body, media)
    assert (answer.status_code, answer.json()) == (202, {"accepted": count})
    assert len(broker.records) == count
    for record, event in zip(broker.records, broker.events(), strict=True):
        assert (record.topic, record.key, record.partition) == ("purchases", b"cust-1", None)
        assert event.source == "/till/9"


def test_what_is_unknown_is_kept(api: TestClient, broker: FakePublisher) -> None:
    told = purchase(region="north")
    told["data"]["mood"] = {"$odd": 2**70}
    assert post(api, told).status_code == 202
    assert json.loads(broker.records[0].value or b"") == told


def test_binary_mode(api: TestClient, broker: FakePublisher) -> None:
    told = purchase()
    headers = {f"ce-{k}": told[k] for k in ("specversion", "id", "source", "type", "subject", "time")}
    headers["ce-source"] = "/till%2F9"
    assert post(api, told["data"], JSON, **headers).json() == {"accepted": 1}
    (event,) = broker.events()
    named = (event.id, event.source, event.subject, event.data.topic)
    assert named == ("e-o-1", "/till/9", "cust-1", "purchases")
    assert problem(post(api, b'{},"subject":"cust-2"', JSON, **headers)) == (400, "not_json")
    del headers["ce-subject"]
    assert bad(post(api, told["data"], JSON, **headers)) == [(0, "envelope", "subject")]
    assert len(broker.records) == 1


def test_the_requests_trace_goes_into_an_event_without_one(api: TestClient, broker: FakePublisher) -> None:
    mine = f"00-{'a' * 32}-{'b' * 16}-01"
    theirs = f"00-{'c' * 32}-{'d' * 16}-01"
    post(api, [purchase("1"), purchase("2", traceparent=theirs)], BATCH, traceparent=mine)
    first, second = broker.events()
    assert first.traceparent is not None
    assert first.traceparent.startswith(f"00-{'a' * 32}-")
    assert second.traceparent == theirs


@pytest.mark.parametrize("body", [b"{not json", b"", b"\xff\xfe\x00", b'{"id": 1', b'{"id":1}x'])
@pytest.mark.parametrize("media", [ONE, BATCH, JSON])
def test_not_json(api: TestClient, broker: FakePublisher, body: bytes, media: str) -> None:
    assert problem(post(api, body, media)) == (400, "not_json")
    assert not broker.records


@pytest.mark.parametrize("media", ["text/plain", "application/xml", ""])
def test_other_content_types(api: TestClient, media: str) -> None:
    answer = post(api, purchase(), media)
    assert problem(answer) == (415, "unsupported_media_type")
    assert ONE in answer.headers["accept"]


def test_too_large(api: TestClient, broker: FakePublisher) -> None:
    assert problem(post(api, b'"' + b"x" * MAX_RECORD_BYTES + b'"')) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    headers = {"X-API-Key": KEY, "content-type": ONE}
    assert problem(api.post("/events", content=chunks(), headers=headers)) == (413, "too_large")
    assert not broker.records
    padded = json.dumps(purchase()).encode()
    assert post(api, padded + b" " * (MAX_RECORD_BYTES - len(padded))).status_code == 202


def test_each_bad_event_is_named_and_none_is_published(api: TestClient, broker: FakePublisher) -> None:
    wrong_amount, no_total = purchase("w"), purchase("n")
    wrong_amount["data"]["total"] = {"amount": "ten", "currency": "EUR"}
    del no_total["data"]["total"]
    future = (datetime.now(UTC) + timedelta(hours=25)).isoformat()
    batch = [
        purchase("good"),
        wrong_amount,
        no_total,
        purchase("t", type="rapport.purchase.dreamt.v1"),
        purchase("f", time=future),
        purchase("l", time="yesterday"),
        purchase("i", id="not an id"),
        [],
        "text",
    ]
    assert bad(post(api, batch, BATCH)) == [
        (1, "field", "data.total.amount"),
        (2, "field", "data.total"),
        (3, "type", "type"),
        (4, "future", "time"),
        (5, "time", "time"),
        (6, "envelope", "id"),
        (7, "envelope", None),
        (8, "envelope", None),
    ]
    assert not broker.records


def test_a_batch_must_be_an_array_and_one_event_an_object(api: TestClient) -> None:
    assert bad(post(api, purchase(), BATCH)) == [(0, "envelope", None)]
    assert bad(post(api, [purchase()], ONE)) == [(0, "envelope", None)]
    assert bad(post(api, b'"text"', JSON)) == [(0, "envelope", None)]


DATA = {
    "rapport.clock.advanced.v1": {"to": "2026-11-20T10:00:00Z"},
    "rapport.tier.changed.v1": {"from": "bronze", "to": "vip"},
    "rapport.outreach.cancelled.v1": {"outreach_id": "o", "rule": "r", "reason": "stale"},
    "rapport.complaint.sla_breached.v1": {
        "complaint_id": "c",
        "clock": "update",
        "due_at": "2026-11-20T10:00:00Z",
    },
    "rapport.loyalty.adjustment.requested.v1": {"points": 1000, "reason": "please"},
}


@pytest.mark.parametrize("type", sorted(DATA))
def test_types_that_rapport_writes_are_refused(api: TestClient, broker: FakePublisher, type: str) -> None:
    assert type in OWN_TYPES
    assert bad(post(api, purchase(type=type, data=DATA[type]))) == [(0, "forbidden_type", "type")]
    assert bad(post(api, purchase(type="rapport.timer.fired.v1"))) == [(0, "type", "type")]
    assert not broker.records


@pytest.mark.parametrize(
    "source", ["/rapport/interactions", "/rapport/loyalty/timers", "/api/loyalty/me/redeem"]
)
def test_nobody_signs_as_a_service(api: TestClient, broker: FakePublisher, source: str) -> None:
    assert bad(post(api, purchase(source=source))) == [(0, "forbidden_source", "source")]
    assert post(api, purchase(source="/rapporteur/api/loyalty")).status_code == 202


def test_compensation_needs_admin(api: TestClient, broker: FakePublisher) -> None:
    answer = post(api, [purchase(), compensation()], BATCH, POS_KEY)
    assert problem(answer) == (403, "forbidden")
    assert "admin" in answer.json()["detail"]
    mixed = post(api, [compensation(), purchase(id="")], BATCH, POS_KEY)
    assert bad(mixed) == [(0, "forbidden", "type"), (1, "envelope", "id")]
    assert not broker.records
    assert post(api, compensation()).status_code == 202


def test_who_may_post(api: TestClient, broker: FakePublisher) -> None:
    assert problem(api.post("/events", json=purchase())) == (401, "unauthenticated")
    assert problem(post(api, purchase(), key="wrong-wrong")) == (401, "unauthenticated")
    assert problem(post(api, purchase(), key=READER_KEY)) == (403, "forbidden")
    assert not broker.records
    assert post(api, purchase(), key=POS_KEY).status_code == 202


def test_the_broker_away(api: TestClient, broker: FakePublisher) -> None:
    broker.away = BrokerAwayError("no acknowledgement")
    answer = post(api, purchase())
    assert problem(answer) == (503, "broker_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    broker.away = None
    assert post(api, purchase()).status_code == 202


def test_a_tills_key_writes_its_own_purchases_alone(api: TestClient, broker: FakePublisher) -> None:
    mine = purchase("o-1", source="/pos/17"), purchase("o-2", source="/pos/17/till-2")
    assert post(api, list(mine), BATCH, TILL_KEY).status_code == 202
    broker.records.clear()
    profile = {"type": "rapport.customer.registered.v1", "data": {"name": "Ann"}}
    others = purchase("o-3", source="/pos/170"), purchase("o-4", source="/pos/17", **profile)
    answer = post(api, [mine[0], *others], BATCH, TILL_KEY)
    assert problem(answer) == (403, "forbidden")
    assert "Event 1" in answer.json()["detail"]
    told = [(e["index"], e["code"], e["detail"].partition("for ")[2]) for e in answer.json()["errors"]]
    assert told == [(1, "others_source", "/pos/17, /pos/17/*."), (2, "others_type", "rapport.purchase.*.")]
    mixed = post(api, [others[0], purchase(id="")], BATCH, TILL_KEY)
    assert bad(mixed) == [(0, "others_source", "source"), (1, "envelope", "id")]
    assert not broker.records
