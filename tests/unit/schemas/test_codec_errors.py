"""Each way a record can be bad has its code, and the field at fault is named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.schemas.codec import BadRecordError, parse_cloudevent, split_batch
from tests.unit.schemas.codec_records import (
    NOW,
    STRUCTURED,
    binary,
    cloudevent,
    dumped,
    purchase,
    read,
    refused,
)

Change = Callable[[dict[str, Any]], object]


def test_the_good_purchase_is_read() -> None:
    event = read(dumped(purchase()))
    assert (event.id, event.source, event.subject) == ("r-000123", "/pos/store-17", "cust-00042")
    assert event.type == "rapport.purchase.made.v1"
    assert event.time == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, b""])
@pytest.mark.parametrize("headers", [STRUCTURED, [], binary(purchase())[1]])
def test_empty(value: bytes | None, headers: Any) -> None:
    assert refused(value, headers) == ("empty", None)


@pytest.mark.parametrize("value", [b"\xff\xfe\x00", dumped(purchase()).replace(b'"o-1"', b'"o-\xff"')])
@pytest.mark.parametrize("headers", [STRUCTURED, binary(purchase())[1]])
def test_bytes_that_are_not_utf8(value: bytes, headers: Any) -> None:
    assert refused(value, headers)[0] == "bytes"


@pytest.mark.parametrize(
    "value",
    [
        b"[1,2",
        b"not json",
        b'{"id":1,"data":[1,2',
        dumped(purchase()) + b"x",
        b"[" * 100_000,
        dumped(purchase()).replace(b'"o-1"', b'"o-1","deep":' + b"[" * 5_000 + b"]" * 5_000),
        dumped(purchase()).replace(b'"o-1"', b'"\\ud800"'),
        dumped(purchase()).replace(b'"o-1"', b"NaN"),
    ],
    ids=["array", "words", "cut-after-fault", "tail", "deep", "deep-data", "lone-surrogate", "nan"],
)
def test_not_json(value: bytes) -> None:
    assert refused(value)[0] == "json"


def test_not_json_in_binary_mode() -> None:
    _, headers = binary(purchase())
    assert refused(b'{"order_id":', headers)[0] == "json"
    assert refused(b"[" * 100_000, headers)[0] == "json"


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
def test_a_missing_attribute_is_named_in_both_modes(name: str) -> None:
    event = purchase()
    del event[name]
    if name == "specversion":  # without it nothing tells binary mode
        assert refused(dumped(event)) == ("envelope", name)
        return
    assert refused(dumped(event)) == ("envelope", name)
    assert refused(*binary(event)) == ("envelope", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", "0.3"),
        ("specversion", 1.0),
        ("id", ""),
        ("id", "a b"),
        ("id", "a\n"),
        ("id", "x" * 129),
        ("id", 7),
        ("id", None),
        ("subject", "cust/42"),
        ("subject", ["cust"]),
        ("source", ""),
        ("source", "/pos store"),
        ("source", "/" + "x" * 256),
        ("type", ""),
        ("type", {}),
        ("datacontenttype", "text/xml"),
        ("datacontenttype", 3),
        ("traceparent", 3),
    ],
)
def test_a_wrong_attribute_is_named(name: str, value: object) -> None:
    assert refused(dumped(purchase() | {name: value})) == ("envelope", name)


@pytest.mark.parametrize("value", [b"[1,2]", b"3", b'"text"', b"null", b"[]"])
def test_an_envelope_that_is_no_object(value: bytes) -> None:
    assert refused(value) == ("envelope", None)


def test_other_cloudevents_formats_are_refused() -> None:
    batch = [("content-type", b"application/cloudevents-batch+json")]
    assert refused(dumped([purchase()]), batch) == ("envelope", "content-type")


def test_a_null_binary_header_is_missing_and_a_broken_one_is_bytes() -> None:
    value, headers = binary(purchase())
    null: list[Any] = [(name, None if name == "ce_id" else content) for name, content in headers]
    assert refused(value, null) == ("envelope", "id")
    broken = [(name, b"\xff" if name == "ce_id" else content) for name, content in headers]
    assert refused(value, broken) == ("bytes", "id")


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-22T10:00:00",
        "2026-11-22",
        "2026-11-22T10:00Z",
        "2026-13-22T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-22T25:00:00Z",
        "1700000000",
        "yesterday",
        "",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_a_time_that_is_not_rfc3339_with_an_offset(time: str) -> None:
    event = purchase() | {"time": time}
    assert refused(dumped(event)) == ("time", "time")
    assert refused(*binary(event)) == ("time", "time")


def test_a_time_as_number_is_a_bad_time() -> None:
    assert refused(dumped(purchase() | {"time": 1_700_000_000})) == ("time", "time")


@pytest.mark.parametrize("key", [None, b"", b"someone-else", b"cust-00042\xff"])
def test_a_key_that_is_not_the_subject(key: bytes | None) -> None:
    assert refused(dumped(purchase()), key=key) == ("key", "subject")
    assert refused(*binary(purchase()), key=key) == ("key", "subject")


@pytest.mark.parametrize("kind", ["purchase.dreamt", "timer.fired"])
def test_an_unknown_type(kind: str) -> None:
    event = cloudevent(kind, {})
    assert refused(dumped(event)) == ("type", "type")
    assert refused(dumped(event | {"type": "rapport.purchase.made.v99"})) == ("type", "type")


def test_future_is_more_than_a_day_ahead() -> None:
    edge = NOW + timedelta(hours=24)
    assert read(dumped(purchase() | {"time": edge.isoformat()})).time == edge
    late = (edge + timedelta(microseconds=1)).isoformat()
    assert refused(dumped(purchase() | {"time": late})) == ("future", "time")


def at(*path: str | int, value: Any) -> Change:
    """Sets one place of the data."""

    def change(data: dict[str, Any]) -> None:
        inner: Any = data
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (at("total", "amount", value="ten"), "data.total.amount"),
        (at("total", "amount", value="10"), "data.total.amount"),
        (at("total", "amount", value=10.5), "data.total.amount"),
        (at("total", "amount", value=True), "data.total.amount"),
        (at("total", "amount", value=-1), "data.total.amount"),
        (at("total", "amount", value=2**53 + 1), "data.total.amount"),
        (at("total", "amount", value=None), "data.total.amount"),
        (at("total", "currency", value="eur"), "data.total.currency"),
        (at("total", value={"amount": 1}), "data.total.currency"),
        (at("total", value=1299), "data.total"),
        (at("order_id", value="a b"), "data.order_id"),
        (at("order_id", value=7), "data.order_id"),
        (at("channel", value=""), "data.channel"),
        (at("items", value="x"), "data.items"),
        (at("items", 0, "quantity", value=0), "data.items.0.quantity"),
        (at("items", 0, "quantity", value="1"), "data.items.0.quantity"),
        (at("items", 0, "sku", value="a\nb"), "data.items.0.sku"),
        (at("items", 0, "unit_price", value={}), "data.items.0.unit_price.amount"),
        (at("voucher_codes", value=[1]), "data.voucher_codes.0"),
        (at("voucher_codes", value="C1"), "data.voucher_codes"),
        (lambda data: data.pop("total"), "data.total"),
        (lambda data: data.pop("items"), "data.items"),
        (lambda data: data.clear(), "data.order_id"),
    ],
)
def test_a_bad_field_of_a_purchase_is_named(change: Change, field: str) -> None:
    event = purchase()
    change(event["data"])
    assert refused(dumped(event)) == ("field", field)
    assert refused(*binary(event)) == ("field", field)


@pytest.mark.parametrize("data", [None, [], 3, "text"])
def test_data_that_is_no_object(data: object) -> None:
    assert refused(dumped(cloudevent("purchase.made", data))) == ("field", "data")


def test_missing_data_is_an_object_without_fields() -> None:
    event = purchase()
    del event["data"]
    assert refused(dumped(event)) == ("field", "data.order_id")
    erased = cloudevent("customer.erased", None)
    del erased["data"]
    assert read(dumped(erased)).type == "rapport.customer.erased.v1"


def test_the_reason_never_repeats_what_the_customer_said() -> None:
    with pytest.raises(BadRecordError) as caught:
        read(dumped(cloudevent("customer.registered", {"name": ["Ann Secret"], "email": "ann secret"})))
    assert "ecret" not in caught.value.detail
    assert "data.name" in caught.value.detail
    assert "data.email" in caught.value.detail


MARK = "ann-secret"


@pytest.mark.parametrize(
    ("record", "where"),
    [
        ((dumped({**purchase(), "type": MARK}),), "no such type"),
        ((dumped({**purchase(), MARK: 0}).replace(b": 0}", b": 1e999}"),), "an extension"),
        ((b"{}", [*binary(purchase())[1], (f"ce_{MARK}", b"\xff")]), "header of an extension"),
        ((b"{}", [("ce_source", b"\xff"), *binary(purchase())[1]]), "header ce_source"),
        (
            (dumped(cloudevent("agent.changed", {"agent_id": "a-1", "name": "A", "skills": {MARK: 99}})),),
            "data.skills.…: ",
        ),
    ],
)
def test_the_reason_never_repeats_a_name_that_a_sender_made_up(record: Any, where: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        read(*record)
    assert where in caught.value.detail
    assert MARK not in str(caught.value)


def test_post_events_takes_one_event_or_splits_a_batch() -> None:
    assert parse_cloudevent(dumped(purchase()), NOW).subject == "cust-00042"
    with pytest.raises(BadRecordError, match="field"):
        parse_cloudevent(dumped(cloudevent("review.posted", {})), NOW)
    assert [json.loads(one) for one in split_batch(b'[ {"a":1}, 2 ]')] == [{"a": 1}, 2]
    for body, code in ((b"", "empty"), (b"[1,", "json"), (b"{}", "envelope"), (b"\xff", "bytes")):
        with pytest.raises(BadRecordError) as caught:
            split_batch(body)
        assert caught.value.code == code
