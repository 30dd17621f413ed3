"""What the quick reader says is what Pydantic says, of every record; of most it says something."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel

from shared.schemas.codec import BadRecordError, decode, open_envelope, parse_cloudevent
from shared.schemas.envelope import utf8
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade
from shared.schemas.quick import models
from shared.schemas.quick.records import IGNORED, QuickReader
from shared.schemas.topics import TYPES
from tests.examples import examples
from tests.unit.schemas.codec_records import KEY, STRUCTURED, cloudevent, dumped, purchase
from tests.unit.schemas.quick_records import hostile, without_extras
from tests.unit.schemas.test_codec_round_trip import cloudevents

FAR = datetime(9999, 1, 1, tzinfo=UTC)
HEADERS = tuple(STRUCTURED)
LEFT = {event_type for event_type in TYPES if event_type.endswith(".relay.requested.v1")}
"""An event within an event: nothing of it is known beforehand."""


@pytest.fixture(scope="module")
def reader() -> QuickReader:
    """Has learnt all types."""
    reader = QuickReader()
    for cls in TYPES.values():
        reader.learn(cls)
    return reader


def compared(
    reader: QuickReader, key: bytes | None, value: bytes | None, headers: Any = HEADERS
) -> Event | None:
    """What the quick reader says, which was said by the other too."""
    quick = reader.read(key, value, headers)
    assert quick is not IGNORED
    if quick is not None:
        try:
            other = decode(open_envelope(key, value, headers), wall_now=FAR)
        except BadRecordError as bad:
            raise AssertionError(f"read quickly, and bad: {bad}, {bad.field}") from None
        assert_same_event(quick, other)
    if value and headers == HEADERS:
        compared_text(reader, value, read=quick is not None)
    return quick


def compared_text(reader: QuickReader, value: bytes, *, read: bool) -> None:
    """The same where it comes in a request, under no key."""
    try:
        text = utf8(value)
    except BadRecordError:
        return
    quick = reader.read_text(text)
    assert quick is not None or not read
    if quick is not None:
        assert_same_event(quick, parse_cloudevent(value, FAR))


def assert_same_event(one: Event, other: Event) -> None:
    for name in ("id", "source", "subject", "time", "data", "traceparent", "extensions", "came", "been"):
        assert_same(getattr(one, name), getattr(other, name))


def assert_same(one: Any, other: Any) -> None:
    """Not only equal: each part of the same class, in the same order, fields given or not."""
    assert type(one) is type(other)
    if isinstance(one, BaseModel):
        assert_same(one.__dict__, other.__dict__)
        assert one.__pydantic_fields_set__ == other.__pydantic_fields_set__
        assert type(one.__pydantic_fields_set__) is set
        assert_same(one.__pydantic_extra__, other.__pydantic_extra__)
        assert one.__pydantic_private__ is None
        assert other.__pydantic_private__ is None
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, datetime):
        assert (one, one.tzinfo) == (other, UTC)
    else:
        assert repr(one) == repr(other)


@pytest.mark.parametrize("event_type", TYPES)
def test_a_good_record_is_read_as_pydantic_reads_it(reader: QuickReader, event_type: str) -> None:
    quick = []

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(cloudevents(TYPES[event_type]))
    def each(wire: dict[str, Any]) -> None:
        for told in (wire, {**wire, "data": without_extras(wire["data"])}):
            quick.append(compared(reader, told["subject"].encode(), json.dumps(told).encode()))

    each()
    assert any(event is not None for event in quick) == (event_type not in LEFT)


@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(record=hostile())
def test_a_hostile_record_is_read_as_pydantic_reads_it_or_not_quickly(
    reader: QuickReader, record: tuple[str, bytes]
) -> None:
    key, value = record
    compared(reader, key.encode(), value)


def test_of_prices_that_are_the_same_one_is_made_and_so_many_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "MOST_SHARED", 2)
    way = models.Compiler().compiled(PurchaseMade)
    read = msgspec.json.Decoder(way.struct).decode

    def made(*prices: int) -> list[Any]:
        lines = [{"sku": "x", "quantity": 1, "unit_price": {"amount": n, "currency": "EUR"}} for n in prices]
        told = json.dumps({**purchase()["data"], "items": lines}).encode()
        return [item.unit_price for item in way.build(read(told)).items]

    first, again, other = made(5, 5, 6)
    assert first is again
    assert other.amount == 6
    assert made(5)[0] == first
    assert made(7, 8, 5)[2] == first
    assert made(5)[0] is not first


HEADER_SETS = [
    ((), True),
    (HEADERS, True),
    ((("Content-Type", b"application/CloudEvents+JSON; charset=utf-8"),), True),
    ((*HEADERS, ("traceparent", b"00-1")), True),
    ((("rapport-for", b"loyalty"), *HEADERS), True),
    ((*HEADERS, ("ce_specversion", b"1.0")), True),
    ((("ce_specversion", b"1.0"),), False),
    ((("content-type", b"application/cloudevents-batch+json"),), False),
]


@pytest.mark.parametrize(("headers", "read"), HEADER_SETS)
def test_headers_choose_the_mode(reader: QuickReader, headers: Any, read: bool) -> None:
    assert (compared(reader, KEY, dumped(purchase()), headers) is not None) == read


@pytest.mark.parametrize(
    ("key", "value"), [(None, dumped(purchase())), (b"cust-1", dumped(purchase())), (KEY, None)]
)
def test_another_key_or_no_value_is_not_read_quickly(reader: QuickReader, key: Any, value: Any) -> None:
    assert compared(reader, key, value) is None


ATTRIBUTES = [
    ({"time": "2026-11-22T10:00:00.999999Z"}, True),
    ({"time": "2026-11-22T10:00:00+05:30"}, True),
    ({"time": "2026-11-22T23:59:59.9999999Z"}, True),
    ({"time": "2026-11-22T10:00:00.123456+00:00"}, True),
    ({"time": "2016-12-31T23:59:60Z"}, False),
    ({"time": "2026-11-22T10:00:00"}, False),
    ({"time": "0001-01-01T00:00:00+23:59"}, False),
    ({"traceparent": None, "datacontenttype": None}, True),
    ({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, True),
    ({"traceparent": "00-1"}, False),
    ({"datacontenttype": "application/vnd.x+json; charset=utf-8"}, True),
    ({"datacontenttype": "text/xml"}, False),
    ({"specversion": "0.3"}, False),
    ({"id": "a b"}, False),
    ({"id": "x" * 129}, False),
    ({"id": "r-1\n"}, False),
    ({"source": "/a b"}, False),
    ({"source": "/" * 257}, False),
    ({"tenant": "t"}, False),
    ({"dataschema": "https://shop.example/s"}, False),
    ({"data": None}, False),
]


@pytest.mark.parametrize(("changed", "read"), ATTRIBUTES)
def test_each_attribute_is_judged_alike(reader: QuickReader, changed: dict[str, Any], read: bool) -> None:
    assert (compared(reader, KEY, dumped(purchase() | changed)) is not None) == read


def test_a_type_that_is_told_twice_is_not_read_quickly(reader: QuickReader) -> None:
    twice = dumped(purchase())[:-1] + b',"type":"rapport.customer.erased.v1"}'
    assert compared(reader, KEY, twice) is None


def test_what_was_not_learnt_is_not_read_quickly() -> None:
    reader = QuickReader()
    assert reader.read(KEY, dumped(purchase()), HEADERS) is None
    reader.learn(TYPES["rapport.purchase.made.v1"])
    reader.learn(TYPES["rapport.purchase.made.v1"])
    assert reader.read(KEY, dumped(purchase()), HEADERS) is not None
    for kind in ("customer.erased", "nonsense"):
        assert reader.read(KEY, dumped(cloudevent(kind, {})), HEADERS) is None
    for bad in ({"type": ""}, {"type": None}):
        assert reader.read(KEY, dumped(purchase() | bad), HEADERS) is None
    untyped = purchase()
    del untyped["type"]
    assert reader.read(KEY, dumped(untyped), HEADERS) is None


def test_what_is_ignored_is_so_good_or_bad_but_for_its_type() -> None:
    reader = QuickReader()
    reader.ignore(TYPES["rapport.purchase.made.v1"])
    reader.learn(TYPES["rapport.customer.erased.v1"])
    for told in ({}, {"data": 1}, {"time": "no"}, {"tenant": "t"}):
        assert reader.read(KEY, dumped(purchase() | told), HEADERS) is IGNORED
    assert (
        reader.read(KEY, dumped(purchase())[:-1] + b',"type":"rapport.customer.erased.v1"}', HEADERS) is None
    )
    assert reader.read(KEY, dumped(cloudevent("customer.erased", {})), HEADERS) is not None


def test_who_gives_fields_in_every_combination_fills_no_memory(
    reader: QuickReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.schemas.quick.models.MOST_SETS", 0)
    told = purchase()
    told["data"]["store_id"] = None
    assert compared(reader, KEY, dumped(told)) is not None


MORE = [
    (4, True),
    ("x", True),
    (None, True),
    (True, True),
    (2**64, False),
    (1.5, False),
    ({}, False),
    ([1], False),
]


@pytest.mark.parametrize(("more", "read"), MORE)
def test_a_field_that_no_model_knows_is_kept(reader: QuickReader, more: Any, read: bool) -> None:
    told = purchase()
    told["data"]["till"] = more
    for _ in range(2):  # the next is looked at for such a field first
        assert (compared(reader, KEY, dumped(told)) is not None) == read
    assert compared(reader, KEY, dumped(purchase())) is not None
