"""What CloudEvents' own SDKs write is read, by either door, in either mode."""

from datetime import UTC, datetime

import pytest

from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from tests.contract.sdks.messages import ASCII, MESSAGES, UNICODE, Message
from tests.doors import by_http, by_kafka


def read(message: Message) -> list[Event]:
    headers = message.headers
    if message.transport == "kafka":
        answer = [by_kafka(message.subject.encode(), message.body, headers)]
    else:
        answer = by_http(message.body or b"", [(name, value or b"") for name, value in headers])
    assert isinstance(answer, list), answer
    events = [event for event in answer if isinstance(event, Event)]
    assert len(events) == len(answer), answer
    return events


def test_every_sdk_is_here_by_every_way_it_has() -> None:
    ways = {(message.sdk, message.transport, message.mode) for message in MESSAGES}
    four = {(transport, mode) for transport in ("http", "kafka") for mode in ("structured", "binary")}
    for sdk in ("python", "older_python", "java", "javascript"):
        assert four <= {way[1:] for way in ways if way[0] == sdk}
    assert {way[2] for way in ways if way[0] == "golang"} == {"structured", "binary", "batch"}


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_what_an_sdk_writes_is_read(message: Message) -> None:
    events = read(message)
    names = ["http-batch-1", "http-batch-2"] if message.mode == "batch" else [message.name]
    assert [event.id for event in events] == names
    for event in events:
        assert (event.source, event.subject) == (f"/sdk/{message.sdk}", f"{message.sdk}-{event.id}")
        tells_ms_only = message.sdk == "javascript" and not message.name.startswith("kafka-binary")
        micros = 999_000 if tells_ms_only else 999_999
        assert event.time == datetime(2025, 12, 31, 23, 59, 59, micros, tzinfo=UTC)
        assert str(event.extensions["sequence"]) == "7"
        encodes = message.sdk in ("python", "golang") or not message.name.startswith("http-binary")
        assert event.extensions["region"] == (UNICODE if encodes else ASCII)
        if message.name.endswith("nothing"):
            assert event.data == CustomerErased()
            continue
        assert isinstance(event.data, PurchaseMade)
        assert event.data.order_id == event.id
        assert (event.data.total.amount, event.data.model_extra) == (1299, {"note": "Grüße ☃"})
        assert isinstance(event.data.total.amount, int)
