"""CloudEvents as others write them: headers, nulls, base64, content types, extensions, byte order marks."""

import base64
import json
from typing import Any

import pytest

from shared.schemas.bindings import header_value, of_request
from shared.schemas.codec import BadRecordError, decode, encode, encode_binary, open_envelope
from shared.schemas.envelope import envelope_of, structured, utf8
from tests.unit.schemas.codec_records import (
    KEY,
    NOW,
    STRUCTURED,
    binary,
    cloudevent,
    dumped,
    purchase,
    read,
    refused,
)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"plain", b"plain"),
        (b" \tplain ", b"plain"),
        (b"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀".encode()),
        (b"%e2%82%ac", "€".encode()),
        (b"%41", b"A"),
        (b"%2541", b"%41"),  # one round
        (b'"quoted value"', b"quoted value"),
        (b'"with \\"quotes\\" and \\\\"', b'with "quotes" and \\'),
        (b'"%41\\%42"', b"AB"),  # unquoted first
        (b'""', b""),
        (b"%22as%20is%22", b'"as is"'),  # what percents stand for is not unquoted
        (b'"', b'"'),
        (b'"open', b'"open'),
        (b'"a" and "b"', b'"a" and "b"'),
        (b'"a\\"', b'"a\\"'),  # its last quote is escaped: it never ends
        (b"(no comment)", b"(no comment)"),
        (b"100%", b"100%"),
        (b"%zz%4", b"%zz%4"),
        (b"a+b", b"a+b"),
    ],
)
def test_what_an_http_header_stands_for(header: bytes, value: bytes) -> None:
    assert header_value(header) == value


def over_http(event: dict[str, Any], **headers: bytes) -> Any:
    names = ("specversion", "id", "source", "type", "subject", "time")
    told = {f"ce-{name}": str(event[name]).encode() for name in names} | {
        f"ce-{name}": value for name, value in headers.items()
    }
    pairs = [(b"content-type", b"application/json"), *((n.title().encode(), v) for n, v in told.items())]
    return decode(envelope_of(of_request(pairs, json.dumps(event["data"]).encode())), wall_now=NOW)


@pytest.mark.parametrize("value", [b"%C0%A0", b"%ED%A0%80", b"%FF", b"%E2%82", "\u00fc".encode("latin-1")])
@pytest.mark.parametrize("name", ["source", "region"])
def test_a_header_that_is_not_utf8_is_refused(name: str, value: bytes) -> None:
    with pytest.raises(BadRecordError) as caught:
        over_http(purchase(), **{name: value})
    assert (caught.value.code, caught.value.field) == ("bytes", name)
    body, headers = binary(purchase())
    if b"%" not in value:
        assert refused(body, [*headers, (f"ce_{name}", value)]) == ("bytes", name)


def test_over_kafka_headers_stand_for_themselves() -> None:
    body, headers = binary(purchase())
    told = read(body, [*headers, ("ce_region", b'"a%20b"')])
    assert told.extensions == {"region": '"a%20b"'}
    assert over_http(purchase(), region=b'"a%20b"').extensions == {"region": "a b"}


@pytest.mark.parametrize("name", ["datacontenttype", "traceparent", "dataschema", "region", "data_base64"])
def test_null_is_as_if_it_were_not_there(name: str) -> None:
    event = purchase()
    event.pop("datacontenttype")
    assert read(dumped(event | {name: None})) == read(dumped(event))


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
def test_a_needed_attribute_that_is_null_is_missing(name: str) -> None:
    assert refused(dumped(purchase() | {name: None})) == ("envelope", name)


def test_data_that_is_null_is_no_data() -> None:
    erased = cloudevent("customer.erased", None)
    without = {name: value for name, value in erased.items() if name != "data"}
    assert read(dumped(erased)) == read(dumped(without)) == read(*binary(erased))
    assert refused(dumped(purchase() | {"data": None})) == ("field", "data")
    old = purchase() | {"data": None, "type": "rapport.purchase.made.v0"}
    assert refused(dumped(old)) == ("field", "data")
    assert refused(dumped(old | {"type": "rapport.purchase.dreamt.v1"})) == ("type", "type")


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_in_binary_mode_is_an_event_without_data(value: bytes | None) -> None:
    """So the Java and JavaScript SDKs write it; in structured mode it is nothing at all."""
    erased = cloudevent("customer.erased", {})
    assert read(value, binary(erased)[1]) == read(dumped(erased))
    assert refused(value, binary(purchase())[1]) == ("empty", None)
    assert refused(value, [("content-type", b"application/json")]) == ("empty", None)


def encoded(event: dict[str, Any], content: bytes | None = None) -> dict[str, Any]:
    content = json.dumps(event["data"], ensure_ascii=False).encode() if content is None else content
    rest = {name: value for name, value in event.items() if name != "data"}
    return rest | {"data_base64": base64.b64encode(content).decode()}


def test_data_in_base64_is_the_json_that_it_is() -> None:
    event = purchase()
    event["data"]["note"] = "Grüße"
    assert read(dumped(encoded(event))) == read(dumped(event))
    assert read(dumped(encoded(event) | {"data": None})) == read(dumped(event))
    number = dumped(event["data"]).replace(b"1299", b"1299.0")
    assert read(dumped(encoded(event, number))) == read(dumped(event))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"data_base64": "no base64!"}, "envelope"),
        ({"data_base64": "e30"}, "envelope"),  # no padding
        ({"data_base64": "e3\n0="}, "envelope"),
        ({"data_base64": "é"}, "envelope"),
        ({"data_base64": 5}, "envelope"),
        ({"data_base64": ""}, "json"),
        ({"data_base64": base64.b64encode(b"{").decode()}, "json"),
        ({"data_base64": base64.b64encode(b"[" * 100_000).decode()}, "json"),
        ({"data_base64": base64.b64encode(b'"\xff"').decode()}, "bytes"),
        ({"data": {}}, "envelope"),
    ],
)
def test_base64_that_is_none_or_no_json_is_refused(change: dict[str, Any], code: str) -> None:
    assert refused(dumped(encoded(purchase()) | change)) == (code, "data_base64")


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=UTF-8",
        'Application/Json ; Charset="utf-8"; v=1',
        "text/json",
        "application/vnd.shop.order+json",
        "application/vnd.shop+v2+JSON; v=2",
    ],
)
def test_content_types_of_json_whatever_their_case_and_parameters(media: str) -> None:
    event = purchase() | {"datacontenttype": media}
    assert read(dumped(event)).id == event["id"]
    body, headers = binary(purchase())
    assert read(body, [("Content-Type", media.encode()), *headers[1:]]).id == event["id"]


@pytest.mark.parametrize(
    "media",
    [
        "application/xml",
        "application/jsonp",
        "application/cloudevents+avro",
        "json",
        "",
        "application/json+xml",
    ],
)
def test_other_content_types_are_refused(media: str) -> None:
    assert refused(dumped(purchase() | {"datacontenttype": media})) == ("envelope", "datacontenttype")


def test_extensions_are_kept_wherever_the_event_is_written_again() -> None:
    told = {
        "region": "nörth",
        "sequence": 7,
        "sampled": True,
        "dataschema": "urn:x",
        "big": 2**70,
        "o": {"a": [1]},
    }
    event = read(dumped(purchase() | told | {"nothing": None}))
    assert event.extensions == told
    value, headers = encode(event)
    assert read(value, headers) == event
    assert {name: json.loads(value)[name] for name in told} == told
    value, headers = encode_binary(event)
    as_text = {**told, "sequence": "7", "sampled": "true", "big": str(2**70), "o": '{"a":[1]}'}
    assert read(value, headers).extensions == as_text


def test_an_extension_that_is_no_json_is_named() -> None:
    event = dumped(purchase() | {"region": "VALUE"})
    assert refused(event.replace(b'"VALUE"', b"1e400")) == ("envelope", "region")
    assert refused(event.replace(b'"VALUE"', b'"\\ud800"'))[0] == "json"
    assert refused(event.replace(b'"VALUE"', b"NaN"))[0] == "json"


def test_an_extension_cannot_take_the_place_of_an_attribute() -> None:
    event = read(dumped(purchase() | {"Id": "other", "extensions": {"id": "x"}}))
    assert event.id == "r-000123"
    assert read(*encode(event)) == event
    body, headers = binary(purchase())
    assert read(body, [*headers, ("ce_data", b'"x"'), ("ce_data_base64", b"e30=")]) == read(body, headers)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    mark = b"\xef\xbb\xbf"
    assert read(mark + dumped(purchase())) == read(dumped(purchase()))
    body, headers = binary(purchase())
    assert read(mark + body, headers) == read(body, headers)
    assert read(dumped(encoded(purchase(), mark + body))) == read(dumped(purchase()))
    assert refused(mark) == ("json", None)
    assert refused(dumped(purchase()).decode().encode("utf-16")) == ("bytes", None)


def test_of_a_name_that_is_given_twice_the_last_holds() -> None:
    twice = dumped(purchase()).replace(b'{"specversion"', b'{"id":"first","region":"first","specversion"')
    assert read(twice[:-1] + b',"region":"last"}').extensions == {"region": "last"}
    assert read(twice).id == "r-000123"
    body, headers = binary(purchase())
    assert read(body, [("ce_id", b"first"), *headers]).id == "r-000123"
    amounts = body.replace(b'"total": {', b'"total": {"amount": 1, ')
    assert read(amounts, headers) == read(body, headers)


def test_the_quick_way_and_the_careful_way_agree() -> None:
    plain, careful = structured(dumped(purchase())), structured(dumped(purchase() | {"nothing": None}))
    assert plain == careful


def test_kafkas_structured_mode_as_the_python_sdk_announces_it() -> None:
    """Its older API gives a structured record the content type of the data."""
    assert read(dumped(purchase()), [("content-type", b"application/json")]) == read(
        dumped(purchase()), STRUCTURED
    )
    assert open_envelope(KEY, utf8(dumped(purchase())), []).id == "r-000123"


def test_tenant_is_reserved_by_every_door() -> None:
    assert refused(dumped(purchase() | {"tenant": "acme"})) == ("tenant_reserved", "tenant")
    assert refused(dumped(purchase() | {"tenant": ""})) == ("tenant_reserved", "tenant")
    assert read(dumped(purchase() | {"tenant": None})).extensions == {}
    body, headers = binary(purchase())
    assert refused(body, [*headers, ("ce_tenant", b"acme")]) == ("tenant_reserved", "tenant")
    with pytest.raises(BadRecordError) as caught:
        over_http(purchase(), tenant=b"acme")
    assert caught.value.code == "tenant_reserved"
