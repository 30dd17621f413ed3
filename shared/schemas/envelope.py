"""The envelope of a CloudEvent 1.0, structured or binary: attributes checked, data left as bytes."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from shared.schemas.base import ID_PATTERN, parse_time

Code = Literal["empty", "bytes", "json", "envelope", "type", "topic", "field", "key", "time", "future"]
"""Why a record cannot be read."""

CODES: Mapping[Code, str] = {
    "empty": "The record has no value.",
    "bytes": "The value or a CloudEvents header is not UTF-8.",
    "json": "The value is not JSON.",
    "envelope": "A CloudEvents attribute is missing or wrong.",
    "type": "No such type, of this or any old version.",
    "topic": "The type does not belong to the topic.",
    "field": "A field of the data is missing or wrong; the detail names it.",
    "key": "The record's key is not the event's subject.",
    "time": "The event's time is not RFC 3339 with an offset.",
    "future": "The event's time is more than 24 h ahead of the wall clock.",
}
"""Each code and what it means."""

STRUCTURED = "application/cloudevents+json"
JSON = "application/json"


class BadRecordError(Exception):
    """Nobody can read the record. ``code`` is one of ``CODES``, ``detail`` is for people, ``field``
    names the bad input: an envelope attribute, or a path such as ``data.items.0.sku``."""

    def __init__(self, code: Code, detail: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: Code = code
        self.detail = detail
        self.field = field


_NO_DATA = msgspec.Raw(b"{}")


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """A CloudEvent whose attributes are checked and whose data is still JSON bytes."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    """Aware, in UTC."""
    datacontenttype: str | None = None
    traceparent: str | None = None
    data: msgspec.Raw = _NO_DATA


_REQUIRED = ("specversion", "id", "source", "type", "subject", "time")
_is_id = re.compile(ID_PATTERN).fullmatch
# Visible ASCII: a URI reference without spaces, so that "source id" is unique as one string.
_is_source = re.compile(r"[!-~]{1,256}").fullmatch
_is_traceparent = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,200})?").fullmatch
_is_json_media = re.compile(r"application/([a-z0-9.!#$&^_-]+\+)?json\s*(;.*)?", re.IGNORECASE).fullmatch

_envelope_reader = msgspec.json.Decoder(Envelope)
_raw_reader = msgspec.json.Decoder(msgspec.Raw)


def open_envelope(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Envelope:
    """The envelope of a Kafka record, its data not yet looked at.

    Binary mode is told by a ``ce_specversion`` header; a record without any header is read as
    structured. Raises ``BadRecordError``: empty, bytes, json, envelope, time, key.
    """
    text = utf8(value)
    media, binary = b"", False
    for name, content in headers:
        name = name.lower()
        if name == "content-type":
            media = content or b""
        elif name == "ce_specversion":
            binary = True
    if media.lower().startswith(b"application/cloudevents"):
        if media.split(b";")[0].strip().lower() != STRUCTURED.encode():
            raise BadRecordError("envelope", f"the content type must be {STRUCTURED}", "content-type")
        binary = False
    envelope = _binary(text, headers) if binary else structured(text)
    if key is None or key != envelope.subject.encode():
        raise BadRecordError("key", "the record's key must be the subject", "subject")
    return envelope


def utf8(value: bytes | None) -> bytes:
    """The value, known to be UTF-8. Raises ``BadRecordError``: empty, bytes."""
    if not value:
        raise BadRecordError("empty", "the record has no value")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError("bytes", f"not UTF-8: {error.reason} at byte {error.start}") from None
    return value


def structured(value: bytes) -> Envelope:
    """The envelope of a JSON CloudEvent in UTF-8. Raises ``BadRecordError``: json, envelope,
    time."""
    try:
        envelope = _envelope_reader.decode(value)
    except msgspec.ValidationError as error:
        # Rare, so this may be slow: read it again to say which attribute is at fault and how.
        attributes = _loose(value)
        if not isinstance(attributes, dict):
            raise BadRecordError("envelope", "a CloudEvent must be a JSON object") from None
        _from_attributes(attributes, _NO_DATA)
        raise BadRecordError("envelope", str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None
    if envelope.data is _NO_DATA and b'"data_base64"' in value:
        raise BadRecordError("envelope", "data must be JSON, not base64", "data_base64")
    return _checked(envelope)


def _loose(value: bytes) -> object:
    # A wrong attribute is told before the reader has seen the end, so this may be no JSON after all.
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None


def _binary(value: bytes, headers: Sequence[tuple[str, bytes]]) -> Envelope:
    attributes: dict[str, object] = {}
    for header, content in headers:
        name = header.lower()
        if name == "content-type":
            name = "datacontenttype"
        elif name.startswith("ce_"):
            name = name[3:]
        else:
            continue
        try:
            attributes[name] = None if content is None else content.decode()
        except UnicodeDecodeError:
            raise BadRecordError("bytes", f"header {header} is not UTF-8", name) from None
    try:
        data = _raw_reader.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None
    return _from_attributes(attributes, data)


def _from_attributes(attributes: Mapping[str, object], data: msgspec.Raw) -> Envelope:
    """The envelope of loose attributes. Raises ``BadRecordError``, which names the one at fault."""
    text: dict[str, str] = {}
    for name in _REQUIRED:
        value = attributes.get(name)
        if value is None:
            raise BadRecordError("envelope", f"{name} is missing", name)
        if not isinstance(value, str):
            raise BadRecordError("time" if name == "time" else "envelope", f"{name} must be a string", name)
        text[name] = value
    try:
        time = parse_time(text.pop("time"))
    except ValueError as error:
        raise BadRecordError("time", f"time is {error}", "time") from None
    media = _optional(attributes, "datacontenttype")
    trace = _optional(attributes, "traceparent")
    return _checked(Envelope(**text, time=time, datacontenttype=media, traceparent=trace, data=data))


def _optional(attributes: Mapping[str, object], name: str) -> str | None:
    value = attributes.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRecordError("envelope", f"{name} must be a string", name)
    return value


def _checked(envelope: Envelope) -> Envelope:
    """The envelope with its time in UTC, every attribute found good."""
    if envelope.specversion != "1.0":
        raise BadRecordError("envelope", "specversion must be 1.0", "specversion")
    if _is_id(envelope.id) is None:
        raise BadRecordError("envelope", f"id must match {ID_PATTERN}", "id")
    if _is_id(envelope.subject) is None:
        raise BadRecordError("envelope", f"subject must match {ID_PATTERN}", "subject")
    if _is_source(envelope.source) is None:
        raise BadRecordError("envelope", "source must be 1 to 256 visible ASCII characters", "source")
    if not envelope.type:
        raise BadRecordError("envelope", "type is empty", "type")
    media = envelope.datacontenttype
    if media is not None and media != JSON and _is_json_media(media) is None:
        raise BadRecordError("envelope", "datacontenttype must be JSON", "datacontenttype")
    if envelope.traceparent is not None and _is_traceparent(envelope.traceparent) is None:
        # W3C: a broken trace context is dropped, the message is not.
        envelope = msgspec.structs.replace(envelope, traceparent=None)
    if envelope.time.tzinfo is not UTC:
        try:
            envelope = msgspec.structs.replace(envelope, time=envelope.time.astimezone(UTC))
        except OverflowError:
            raise BadRecordError("time", "time is out of range", "time") from None
    return envelope


__all__ = [
    "CODES",
    "JSON",
    "STRUCTURED",
    "BadRecordError",
    "Code",
    "Envelope",
    "open_envelope",
    "structured",
    "utf8",
]
