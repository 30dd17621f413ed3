"""What is written is read back the same, in both modes, for every type."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.schemas.base import ID_PATTERN, Data, Money
from shared.schemas.codec import data_class, decode, encode, encode_binary, open_envelope, parse_cloudevent
from shared.schemas.event import Event
from shared.schemas.interactions import ConversationEscalated
from shared.schemas.loyalty import TierChanged
from shared.schemas.purchases import PurchaseItem, PurchaseMade
from shared.schemas.topics import TYPES

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ANY_TEXT = st.characters(exclude_categories=("Cs",))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(ANY_TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(ANY_TEXT), inner, max_size=3),
    max_leaves=5,
)
# Values that a schema's pattern allows but the calendar or the tz database does not.
NAMED: dict[str, st.SearchStrategy[Any]] = {
    "birthday": st.sampled_from(["--02-29", "1980-12-31"]),
    "day": st.sampled_from(["2024-02-29", "2026-11-22"]),
    "week": st.sampled_from(["2026-11-23"]),
    "timezone": st.sampled_from(["Europe/Paris", "UTC"]),
    "voucher_codes": st.lists(st.sampled_from(["SAVE5", "spring-10"]), max_size=2),  # spaces around go
    "email": st.sampled_from(["ann@example.org", "änn+x@bücher.example"]),
}
COMPENSATION = {"points": st.integers(1, 99), "money": st.just({"amount": 1, "currency": "EUR"})}
ANSWER = {"survey": st.sampled_from(["nps", "csat", "ces"]), "score": st.integers(1, 5)}
DEPENDENT: dict[str, dict[str, Any]] = {
    "rapport.survey.answered.v1": ANSWER,
    "rapport.followup.survey_answer.requested.v1": ANSWER,
    "rapport.compensation.granted.v1": COMPENSATION,
    "rapport.interactions.complaint_compensate.requested.v1": COMPENSATION,
}


def values(schema: dict[str, Any], shapes: dict[str, Any]) -> st.SearchStrategy[Any]:
    """JSON values that a schema allows."""
    if "anyOf" in schema:
        return st.one_of([values(part, shapes) for part in schema["anyOf"]])
    if "$ref" in schema:
        lowest = schema.get("properties", {}).get("amount", {}).get("minimum")
        shape = objects(shapes[schema["$ref"].rsplit("/", 1)[-1]], shapes)
        return shape if lowest is None else shape.map(lambda money: {**money, "amount": abs(money["amount"])})
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        return st.floats(schema.get("minimum", -1e9), schema.get("maximum", 1e9))
    if kind == "array":
        return st.lists(values(schema["items"], shapes), max_size=3)
    if kind == "string":
        return texts(schema)
    if isinstance(schema.get("additionalProperties"), dict):
        keys = values({"type": "string", **schema["propertyNames"]}, shapes)
        return st.dictionaries(keys, values(schema["additionalProperties"], shapes), max_size=3)
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "object": st.dictionaries(st.text(ANY_TEXT), JSON_VALUES, max_size=3),
    }[str(kind)]


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
        return moments.map(lambda moment: moment.isoformat().replace("+00:00", "Z"))
    if "pattern" not in schema:
        return st.text(ANY_TEXT, min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 200))
    pattern = schema["pattern"].removesuffix("$") + r"\Z"
    longest = schema.get("maxLength", 200)
    found = st.from_regex(pattern, fullmatch=True, alphabet=ANY_TEXT)
    return found.filter(lambda text: schema.get("minLength", 0) <= len(text) <= longest)


def objects(
    schema: dict[str, Any], shapes: dict[str, Any], **fixed: Any
) -> st.SearchStrategy[dict[str, Any]]:
    chosen = NAMED | fixed
    fields = {
        name: chosen[name] if name in chosen else values(field, shapes)
        for name, field in schema.get("properties", {}).items()
    }
    required = {
        name: fields.pop(name) for name in list(fields) if name in schema.get("required", ()) or name in fixed
    }
    extras = st.dictionaries(
        st.sampled_from(["x_note", "event_type", "from_", "größe"]), JSON_VALUES, max_size=2
    )
    known = st.fixed_dictionaries(required, optional=fields)
    return st.tuples(extras, known).map(lambda pair: {**pair[0], **pair[1]})


@cache
def data_of(cls: type[Data]) -> st.SearchStrategy[dict[str, Any]]:
    """Made once: a strategy that is new at each example takes longer to make than to ask."""
    schema = cls.model_json_schema()
    return objects(schema, schema.get("$defs", {}), **DEPENDENT.get(cls.event_type, {}))


IDS = st.from_regex(ID_PATTERN.removesuffix("$") + r"\Z", fullmatch=True)
# Hypothesis takes its bounds without a zone, and adds that itself.
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2026, 11, 22), timezones=st.just(UTC))  # noqa: DTZ001
TRACES = st.none() | st.just(TRACE)
SOURCES = st.sampled_from(["/pos/store-17", "/api/loyalty/key-1/members", "https://shop.example/a?b=c"])


@st.composite
def cloudevents(draw: st.DrawFn, cls: type[Data]) -> dict[str, Any]:
    moment = draw(MOMENTS)
    trace = draw(TRACES)
    return {
        "specversion": "1.0",
        "id": draw(IDS),
        "source": draw(SOURCES),
        "type": cls.event_type,
        "subject": draw(IDS),
        "time": moment.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        **({} if trace is None else {"traceparent": trace}),
        "data": draw(data_of(cls)),
    }


@pytest.mark.parametrize("event_type", TYPES)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.data())
def test_decode_then_encode_gives_the_same_event(event_type: str, source: st.DataObject) -> None:
    wire = source.draw(cloudevents(TYPES[event_type]))
    key = wire["subject"].encode()
    value = json.dumps(wire, ensure_ascii=source.draw(st.booleans())).encode()
    event = decode(
        open_envelope(key, value, [("content-type", b"application/cloudevents+json")]), wall_now=NOW
    )
    assert event.type == event_type

    written, headers = encode(event)
    assert json.loads(written) == wire
    assert decode(open_envelope(key, written, headers), wall_now=NOW) == event

    written, headers = encode_binary(event)
    assert json.loads(written) == wire["data"]
    assert decode(open_envelope(key, written, headers), wall_now=NOW) == event


def purchase(**changes: Any) -> Event:
    total = Money(amount=1299, currency="EUR")
    data = PurchaseMade(
        order_id="o-1",
        channel="web",
        total=total,
        items=(PurchaseItem(sku="x", quantity=1, unit_price=total),),
    )
    fields = {"id": "r-1", "source": "/till/9", "subject": "cust-1", "time": NOW, "data": data, **changes}
    return Event(**fields)


def test_the_record_is_structured_and_says_so() -> None:
    value, headers = encode(purchase(traceparent=TRACE))
    assert headers == [("content-type", b"application/cloudevents+json")]
    record = json.loads(value)
    assert list(record)[:6] == ["specversion", "id", "source", "type", "subject", "time"]
    assert record["time"] == "2026-11-22T12:00:00Z"
    assert record["datacontenttype"] == "application/json"
    assert record["traceparent"] == TRACE


def test_data_without_fields_is_written_as_an_object() -> None:
    erased = data_class("rapport.customer.erased.v1")
    assert erased is not None
    assert json.loads(encode(purchase(data=erased()))[0])["data"] == {}


def test_fields_named_like_keywords_keep_their_name_on_the_wire() -> None:
    moved = TierChanged(from_="bronze", to="silver")
    assert json.loads(encode(purchase(data=moved))[0])["data"] == {"from": "bronze", "to": "silver"}
    escalated = ConversationEscalated.model_validate(
        {"conversation_id": "c", "from": "bot", "reason": "angry"}
    )
    assert escalated.from_ == "bot"


def test_an_event_is_named_by_its_class_not_by_its_data() -> None:
    wire = json.loads(encode(purchase())[0])
    wire["data"] |= {"event_type": "rapport.points.earned.v1", "topic": "loyalty"}
    event = parse_cloudevent(json.dumps(wire).encode(), NOW)
    assert (event.type, event.data.topic) == ("rapport.purchase.made.v1", "purchases")


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2026-11-22T11:00:00+01:00", 10), ("2026-11-22t10:00:00z", 10), ("2026-11-22T10:00:00-00:00", 10)],
)
def test_every_offset_becomes_utc(text: str, hours: int) -> None:
    wire = json.loads(encode(purchase())[0]) | {"time": text}
    event = parse_cloudevent(json.dumps(wire).encode(), NOW)
    assert event.time == datetime(2026, 11, 22, hours, tzinfo=UTC)
    assert event.time.utcoffset() == timedelta(0)
    assert event.time.tzinfo is UTC


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Content-Type", b"Application/CloudEvents+JSON; charset=UTF-8")],
        [("content-type", b"application/json")],
        [
            ("content-type", b"application/cloudevents+json"),
            ("ce_specversion", b"1.0"),
            ("rapport-forwarded", b"1"),
        ],
    ],
)
def test_structured_mode_however_it_is_announced(headers: list[tuple[str, bytes]]) -> None:
    assert open_envelope(b"cust-1", encode(purchase())[0], headers).id == "r-1"


def test_binary_mode_takes_json_media_types_and_any_case() -> None:
    value, headers = encode_binary(purchase())
    headers = [(name.upper(), content) for name, content in headers if name != "content-type"]
    for media in (b"application/json; charset=utf-8", b"application/vnd.shop+json"):
        envelope = open_envelope(b"cust-1", value, [("content-type", media), *headers])
        assert decode(envelope, wall_now=NOW) == purchase(data=decode(envelope, wall_now=NOW).data)
    assert open_envelope(b"cust-1", value, headers).subject == "cust-1"


@pytest.mark.parametrize("trace", ["", "junk", TRACE + "\r\nX: 1", "x" * 10_000])
def test_a_broken_trace_context_is_dropped_and_the_event_is_not(trace: str) -> None:
    wire = json.loads(encode(purchase())[0]) | {"traceparent": trace}
    assert parse_cloudevent(json.dumps(wire).encode(), NOW).traceparent is None


def test_unknown_attributes_do_not_matter() -> None:
    wire = json.loads(encode(purchase())[0]) | {
        "partitionkey": 3,
        "dataschema": "urn:x",
        "sequence": {"a": 1},
    }
    assert parse_cloudevent(json.dumps(wire).encode(), NOW).id == "r-1"
