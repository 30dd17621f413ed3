"""Kafka records and HTTP bodies to events and back: CloudEvents 1.0, structured and binary mode.

Reading has two steps, so that a record nobody needs costs little: ``open_envelope`` reads the
attributes and leaves the data as bytes; ``decode`` checks the data by its Pydantic model.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from pydantic import ValidationError

from shared.schemas.base import Data
from shared.schemas.bindings import open_envelope
from shared.schemas.envelope import CODES, JSON, STRUCTURED, BadRecordError, Code, Envelope, structured, utf8
from shared.schemas.event import Event
from shared.schemas.integers import with_integers
from shared.schemas.places import place
from shared.schemas.topics import TYPES
from shared.schemas.upcast import UPCASTERS, current_type, upcast

AHEAD = timedelta(hours=24)
"""How far an event's time may be ahead of the wall clock."""

Headers = list[tuple[str, bytes]]

_batch_reader = msgspec.json.Decoder(list[msgspec.Raw])
_writer = msgspec.json.Encoder()


def decode(envelope: Envelope, *, wall_now: datetime) -> Event:
    """The event, its data checked; an old version is upcast. ``wall_now`` is aware.

    Raises ``BadRecordError``: type, future, field, json.
    """
    if envelope.time - wall_now > AHEAD:
        raise BadRecordError("future", "time is more than 24 h ahead", "time")
    return Event(
        id=envelope.id,
        source=envelope.source,
        subject=envelope.subject,
        time=envelope.time,
        data=_data(envelope.type, envelope.data),
        traceparent=envelope.traceparent,
        extensions=envelope.extensions,
    )


def parse_cloudevent(obj: bytes, wall_now: datetime) -> Event:
    """The event of one structured CloudEvent, as ``POST /events`` takes it. Raises
    ``BadRecordError``."""
    return decode(structured(utf8(obj)), wall_now=wall_now)


def split_batch(body: bytes) -> list[bytes]:
    """The CloudEvents of a JSON array, each as JSON. Raises ``BadRecordError``: empty, bytes, json,
    envelope."""
    try:
        return [bytes(raw) for raw in _batch_reader.decode(utf8(body))]
    except msgspec.ValidationError:
        raise BadRecordError("envelope", "a batch must be a JSON array") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None


def data_class(event_type: str) -> type[Data] | None:
    """The class that data of this type, or of an old version of it, is read as; None if it is unknown."""
    return TYPES.get(event_type) or TYPES.get(current_type(event_type))


def encode(event: Event) -> tuple[bytes, Headers]:
    """The record's value and headers in structured mode."""
    headers = [("content-type", STRUCTURED.encode())]
    envelope = Envelope(
        specversion="1.0",
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        time=event.time.astimezone(UTC),
        datacontenttype=JSON,
        traceparent=event.traceparent,
        data=msgspec.Raw(encode_data(event.data)),
    )
    if not event.extensions:
        return _writer.encode(envelope), headers
    members = msgspec.to_builtins(envelope, builtin_types=(datetime, msgspec.Raw))
    return _writer.encode(event.extensions | members), headers


def encode_binary(event: Event) -> tuple[bytes, Headers]:
    """The record's value and headers in binary mode, where every attribute is text."""
    extensions = {
        name: value if isinstance(value, str) else _writer.encode(value).decode()
        for name, value in event.extensions.items()
    }
    attributes = extensions | {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    if event.traceparent is not None:
        attributes["traceparent"] = event.traceparent
    headers = [("content-type", JSON.encode())]
    return encode_data(event.data), headers + [(f"ce_{k}", v.encode()) for k, v in attributes.items()]


def encode_data(data: Data) -> bytes:
    """Data as JSON: the fields that were given, unknown ones too, by their names on the wire."""
    return data.__pydantic_serializer__.to_json(data, by_alias=True, exclude_unset=True)


_ABSENT: dict[bytes, tuple[Code, str, str | None]] = {
    b"": ("empty", "the record has no value, and the type needs fields", None),
    b"null": ("field", "data: is null, and the type needs fields", "data"),
}
"""How some writers say that an event has no data, and what is wrong with that where the type has some."""


def _data(event_type: str, raw: msgspec.Raw) -> Data:
    content = bytes(raw)
    if len(content) > len("null") or content not in _ABSENT:
        return _told(event_type, content)
    try:
        return _told(event_type, b"{}")
    except BadRecordError as bad:
        raise BadRecordError(*_ABSENT[content]) if bad.code == "field" else bad from None


def _told(event_type: str, content: bytes) -> Data:
    cls = TYPES.get(event_type)
    if cls is None:
        if event_type not in UPCASTERS:
            raise BadRecordError("type", "no such type, of this or any old version", "type")
        try:
            newest, content = upcast(event_type, content)
        except msgspec.ValidationError:
            raise BadRecordError("field", "data: must be an object", "data") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRecordError("json", str(error), "data") from None
        cls = TYPES[newest]
    try:
        return _validated(cls, content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        places = [fault["loc"] for fault in faults if fault["type"] == "int_type"]
        whole = with_integers(content, places) if places else None
        if whole is None:
            raise _bad_data(error) from None
    try:
        return _validated(cls, whole)
    except ValidationError as error:
        raise _bad_data(error) from None


def _validated(cls: type[Data], content: bytes) -> Data:
    data: Data = cls.__pydantic_validator__.validate_json(content, strict=True, by_alias=True, by_name=False)
    if extra := data.__pydantic_extra__:
        # An unknown field that is called as Python calls one of ours (``from_``) would count as that one.
        taken = [name for name in extra if name in cls.model_fields]
        if taken:
            given = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
            unset = {name for name in taken if cls.model_fields[name].alias not in given}
            data.__pydantic_fields_set__.difference_update(unset)
    return data


def _bad_data(error: ValidationError) -> BadRecordError:
    """Names each fault (three at most) without repeating the input, which may be personal."""
    faults: list[tuple[str, str]] = []
    for fault in error.errors(include_url=False, include_input=False):
        if fault["type"] == "json_invalid":
            return BadRecordError("json", fault["msg"], "data")
        within = fault.get("ctx", {}).get("at")
        path = ["data", place(fault["loc"]), within]
        faults.append((".".join(filter(None, path)), fault["msg"]))
    detail = "; ".join(f"{path}: {message}" for path, message in faults[:3])
    return BadRecordError("field", detail, faults[0][0])


__all__ = [
    "AHEAD",
    "CODES",
    "JSON",
    "STRUCTURED",
    "BadRecordError",
    "Code",
    "Envelope",
    "Headers",
    "data_class",
    "decode",
    "encode",
    "encode_binary",
    "encode_data",
    "open_envelope",
    "parse_cloudevent",
    "split_batch",
]
