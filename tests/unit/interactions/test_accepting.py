"""The one way in: all of what is told is published, or none of it."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from services.interactions.accepting import Told, accept
from shared.http.problems import ProblemError
from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.schemas.codec import BadRecordError, decode, open_envelope, parse_cloudevent
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event

NOW = datetime.now(UTC)


class Published:
    def __init__(self) -> None:
        self.records: list[Record] = []

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += records

    def events(self) -> list[Event]:
        return [decode(open_envelope(r.key, r.value, r.headers), wall_now=NOW) for r in self.records]


def event(subject: str = "c-1", *, at: datetime = NOW, name: str = "Ann") -> Event:
    data = CustomerUpdated.model_validate({"name": name, "shoe": 42})
    return Event(id="e-1", source="/till/1", subject=subject, time=at, data=data)


def test_an_event_that_an_adapter_made_is_published_under_its_customer() -> None:
    log = Published()
    assert asyncio.run(accept([Told(event())], log)) == 1
    assert log.records[0].topic == "customers"
    assert log.records[0].key == b"c-1"
    assert [told.data for told in log.events()] == [event().data]


def test_one_that_came_as_json_keeps_what_it_said_under_the_customer_that_an_alias_names() -> None:
    raw = json.dumps(
        {
            "specversion": "1.0",
            "id": "e-1",
            "source": "/till/1",
            "type": "rapport.customer.updated.v1",
            "subject": "email:ann",
            "time": NOW.isoformat(),
            "shade": "blue",
            "data": {"name": "Ann"},
        }
    ).encode()

    async def naming(told: Sequence[Told]) -> Sequence[Told]:
        return [Told(structs.replace(one.event, subject="c-7"), one.raw) for one in told]

    log = Published()
    asyncio.run(accept([Told(parse_cloudevent(raw, NOW), raw)], log, naming))
    (told,) = log.events()
    assert (log.records[0].key, told.subject, told.extensions) == (b"c-7", "c-7", {"shade": "blue"})


def test_nothing_is_published_where_one_is_too_large_or_of_the_future() -> None:
    log = Published()
    large, future = event(name="x" * MAX_RECORD_BYTES), event(at=NOW + timedelta(hours=25))
    with pytest.raises(ProblemError, match="has more than"):
        asyncio.run(accept([Told(event()), Told(large)], log))
    with pytest.raises(BadRecordError, match="24 h ahead"):
        asyncio.run(accept([Told(event()), Told(future)], log))
    assert log.records == []
