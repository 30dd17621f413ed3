"""One event, four ways in: structured and binary, over HTTP and Kafka, give the same event or the same no."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.http.problems import ProblemError
from shared.schemas.event import Event
from tests.doors import NO_JSON_TYPE, by_http, by_kafka, published
from tests.examples import examples

JSON = "application/json"
TOLD = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/till/9",
    "type": "rapport.purchase.made.v1",
    "subject": "cust-1",
    "time": "2026-11-20T10:00:00Z",
    "datacontenttype": JSON,
}
DATA = {
    "order_id": "o-1",
    "channel": "web",
    "total": {"amount": 1299, "currency": "EUR"},
    "items": [{"sku": "x", "quantity": 1, "unit_price": {"amount": 1299, "currency": "EUR"}}],
}

TIMES = ["2026-11-20T10:00:00.999999999+01:00", "2016-12-31T23:59:60Z", "2999-01-01T00:00:00Z"]
MEDIA = [
    "APPLICATION/JSON; charset=utf-8",
    "text/json",
    "application/a+json",
    "application/xml",
    "text/plain",
]
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "specversion": st.sampled_from(["0.3", "1", ""]),
    "id": texts,
    "source": texts | st.sampled_from(["/a%20b", "%", '"/q"', "/ü"]),
    "type": texts | st.sampled_from(["rapport.customer.erased.v1", "rapport.purchase.made.v0"]),
    "subject": texts,
    "time": texts | st.sampled_from(TIMES),
    "datacontenttype": st.sampled_from(MEDIA),
    "traceparent": texts | st.just(f"00-{'a' * 32}-{'b' * 16}-01"),
    "region": texts,
    "dataschema": texts,
}  # fmt: skip
numbers = st.sampled_from(
    ["1299.0", "1.299e3", "1299.5", "true", "1e300", "NaN", "9007199254740993.0", '"7"', "1e"]
)
bodies = (
    st.just(json.dumps(DATA))
    | numbers.map(lambda number: json.dumps(DATA).replace('"amount": 1299', f'"amount": {number}', 1))
    | st.recursive(
        st.none() | st.booleans() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ).map(json.dumps)
    | st.sampled_from(["{", "nul", "[1,", '"\\ud800"', '{"order_id":"\\ud800"}', "[" * 5000, "\ufeff{}"])
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """The attributes of an event, some changed or left out, and its data as JSON or what should be."""
    attributes = dict(TOLD)
    for name in draw(st.lists(st.sampled_from(sorted(ATTRIBUTES)), max_size=2, unique=True)):
        value = draw(st.none() | ATTRIBUTES[name])
        if value is not None:
            attributes[name] = value
        elif name != "specversion":  # without it a header tells no mode
            attributes.pop(name, None)
    return attributes, draw(bodies)


def structured(attributes: dict[str, str], data: str) -> bytes:
    return f'{json.dumps(attributes)[:-1]}, "data": {data}}}'.encode()


def kafka(value: bytes, headers: list[tuple[str, bytes]], key: str) -> Any:
    return by_kafka(key.encode(), value, headers)


def http(body: bytes, headers: dict[str, str]) -> Any:
    answer = by_http(body, [(name, value.encode()) for name, value in headers.items()])
    return answer[0] if isinstance(answer, list) else answer


def verdict(answer: Any) -> Any:
    """A refusal as HTTP tells it: a body that is no JSON has one code there."""
    if isinstance(answer, Event) or answer == "not_json":
        return answer
    return "not_json" if answer[0] in ("empty", "bytes", "json") and answer[1] in (None, "data") else answer


@settings(max_examples=examples(300), deadline=None)
@given(messages(), st.booleans())
def test_all_four_ways_give_the_same(message: tuple[dict[str, str], str], quoted: bool) -> None:
    attributes, data = message
    subject = attributes.get("subject", "")
    names = {name: value for name, value in attributes.items() if name != "datacontenttype"}
    media = {"content-type": attributes["datacontenttype"]} if "datacontenttype" in attributes else {}
    percents = {f"ce-{name}": quote(value, safe="/:") for name, value in names.items()}
    if quoted:
        percents = {name: f'"{value}"' for name, value in percents.items()}
    headers = [(name, value.encode()) for name, value in media.items()]
    headers += [(f"CE_{name}", value.encode()) for name, value in names.items()]
    text = structured(attributes, data)
    answers = [
        kafka(text, [("content-type", b"application/cloudevents+json; charset=UTF-8")], subject),
        kafka(data.encode(), headers, subject),
        http(text, {"content-type": "Application/CloudEvents+JSON"}),
        http(data.encode(), media | percents),
    ]
    verdicts = [verdict(answer) for answer in answers]
    if data.startswith("\ufeff"):  # it may begin a text, and not be in one
        verdicts = verdicts[1::2]
    if verdicts[-1] == NO_JSON_TYPE:  # of several faults this is the first that HTTP sees
        assert not isinstance(answers[1], Event)
        del verdicts[-1]
    assert all(one == verdicts[0] for one in verdicts), verdicts


@settings(max_examples=examples(100), deadline=None)
@given(messages())
def test_a_batch_says_of_each_what_it_is_told_alone(message: tuple[dict[str, str], str]) -> None:
    text = structured(*message)
    alone = verdict(http(text, {"content-type": "application/cloudevents+json"}))
    batch = b"[" + text + b"]"
    for media in ("application/cloudevents-batch+json", "Application/JSON; charset=utf-8"):
        assert verdict(http(batch, {"content-type": media})) == alone


def in_headers(attributes: dict[str, str], **more: bytes) -> list[tuple[str, bytes]]:
    told = {name: value.encode() for name, value in attributes.items() if name != "datacontenttype"} | more
    return [(f"ce-{name}", value) for name, value in told.items()]


def test_a_header_is_unquoted_then_decoded_once() -> None:
    told = in_headers(TOLD, source=b'"/till/%2541"', region=b"K%C3%B6ln%20%22Nord%22", store=b"100%")
    for media in ([], [("content-type", b"application/vnd.till+json; v=1")]):
        (event,) = by_http(json.dumps(DATA).encode(), [*media, *told])
        assert isinstance(event, Event)
        assert event.source == "/till/%41"
        assert event.extensions == {"region": 'Köln "Nord"', "store": "100%"}


@pytest.mark.parametrize("name", ["source", "region"])
@pytest.mark.parametrize("value", [b"/till%C0%A09", "/tüll".encode("latin-1")])
def test_a_header_that_is_not_utf8_is_named(name: str, value: bytes) -> None:
    told = [("content-type", b"application/json"), *in_headers(TOLD, **{name: value})]
    with pytest.raises(ProblemError) as caught:
        published(json.dumps(DATA).encode(), told)
    (error,) = caught.value.errors or ()
    assert (caught.value.status, error["code"], error["field"]) == (422, "bytes", name)


@pytest.mark.parametrize("media", [b"application/xml", b"application/cloudevents+avro"])
def test_binary_mode_of_another_format_is_refused(media: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        published(json.dumps(DATA).encode(), [("content-type", media), *in_headers(TOLD)])
    assert (caught.value.status, caught.value.code) == (415, "unsupported_media_type")


def test_nulls_go_and_base64_becomes_json() -> None:
    told = TOLD | {"data": DATA, "region": "north", "sequence": 7}
    nothing = dict.fromkeys(("data", "traceparent", "dataschema"))
    encoded = told | nothing | {"data_base64": b64encode(json.dumps(DATA).encode()).decode()}
    (record,) = published(json.dumps(encoded).encode(), [("content-type", b"application/cloudevents+json")])
    assert json.loads(record.value or b"") == told
    broken = {"data_base64": b64encode(b"{").decode()}
    batch = json.dumps([told, told | nothing | broken, told | broken]).encode()
    with pytest.raises(ProblemError) as caught:
        published(batch, [("content-type", b"application/cloudevents-batch+json")])
    assert [(e["index"], e["code"], e["field"]) for e in caught.value.errors or ()] == [
        (1, "json", "data_base64"),
        (2, "envelope", "data_base64"),
    ]


def test_an_event_without_data() -> None:
    told = TOLD | {"type": "rapport.customer.erased.v1"}
    (first,) = by_http(json.dumps(told | {"data": None}).encode(), [("content-type", b"application/json")])
    (second,) = by_http(b"", in_headers(told))
    assert isinstance(first, Event)
    assert first == second
