"""The envelope of a CloudEvent 1.0: attributes checked, data left as bytes.

All four ways in (structured and binary, over HTTP and Kafka) come together here: each gives an event's
members, and ``envelope_of`` judges them. How they stand in a record or a request is in ``bindings.py``.
"""

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from shared.schemas.base import ID_PATTERN, OFFSET_TIME, SHORT_TIME, parse_time

Code = Literal[
    "empty", "bytes", "json", "envelope", "type", "topic", "field", "key", "time", "future", "tenant_reserved"
]
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
    "tenant_reserved": "The event has the attribute tenant, which is reserved and means nothing yet.",
}
"""Each code and what it means."""

RESERVED = "tenant"
"""Is to say whose the event is, where one installation serves several companies: refused until it does."""
STRUCTURED = "application/cloudevents+json"
JSON = "application/json"

Members: TypeAlias = dict[str, msgspec.Raw]
"""What an event says, by name, each as JSON: attributes and ``data``. A null is as if it were not there; of
a name that is given twice, the last holds."""


class BadRecordError(Exception):
    """Nobody can read the record. ``code`` is one of ``CODES``, ``detail`` is for people, ``field``
    names the bad input: an envelope attribute, or a path such as ``data.items.0.sku``."""

    def __init__(self, code: Code, detail: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: Code = code
        self.detail = detail
        self.field = field


NO_DATA = msgspec.Raw(b"{}")
NO_VALUE = msgspec.Raw(b"")
"""The data of a record in binary mode that has no value."""


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """A CloudEvent whose attributes are checked and whose data is still JSON bytes."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    """Aware, in UTC."""
    datacontenttype: str | None = None
    traceparent: str | None = None
    data: msgspec.Raw = NO_DATA
    extensions: dict[str, Any] = {}
    """The other attributes, by name."""


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Most events: no extension, no base64. Read in one go; any other is read member by member."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: msgspec.Raw
    datacontenttype: str | None = None
    traceparent: str | None = None
    data: msgspec.Raw = NO_DATA


_TEXTS = ("specversion", "id", "source", "type", "subject")
KNOWN = frozenset((*_TEXTS, "time", "datacontenttype", "traceparent", "data", "data_base64"))
_is_id = re.compile(ID_PATTERN).fullmatch
# Visible ASCII: a URI reference without spaces, so that "source id" is unique as one string.
SOURCE_PATTERN = r"[!-~]{1,256}"
# None of the three can have a space in it: all at once is half the time of one by one.
_are_names = re.compile(f"{ID_PATTERN[1:-1]} {ID_PATTERN[1:-1]} {SOURCE_PATTERN}").fullmatch
is_traceparent = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,200})?").fullmatch
# JSON by CloudEvents' own rule: a subtype that is json or ends in +json. Parameters say nothing: JSON knows
# none, and what is not UTF-8 is refused whatever a charset promises.
_is_json_media = re.compile(
    r"\s*[a-z0-9!#$&^_.+-]+/([a-z0-9!#$&^_.+-]+\+)?json\s*(;.*)?", re.IGNORECASE
).fullmatch

_plain_reader = msgspec.json.Decoder(_Plain)
_members_reader = msgspec.json.Decoder(Members)
_raw_reader = msgspec.json.Decoder(msgspec.Raw)
_text_reader: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_time_reader: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(OFFSET_TIME)
_value_reader = msgspec.json.Decoder()
_NULL = msgspec.Raw(b"null")
_BOM = b"\xef\xbb\xbf"


def utf8(value: bytes | None) -> bytes:
    """The value, known to be UTF-8, less the byte order mark that some writers put first. Raises
    ``BadRecordError``: empty, bytes."""
    if not value:
        raise BadRecordError("empty", "the record has no value")
    if not value.isascii():
        value = value.removeprefix(_BOM)
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError("bytes", f"not UTF-8: {error.reason} at byte {error.start}") from None
    return value


def json_of(value: bytes, field: str | None = None) -> msgspec.Raw:
    """UTF-8 that is one JSON value. Raises ``BadRecordError``: json, with ``field`` as the one at fault."""
    try:
        return _raw_reader.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error), field) from None


def structured(value: bytes) -> Envelope:
    """The envelope of a JSON CloudEvent in UTF-8. Raises ``BadRecordError``: bytes, json, envelope,
    time."""
    try:
        plain = _plain_reader.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return envelope_of(members_of(value))
    return _checked(
        Envelope(
            plain.specversion,
            plain.id,
            plain.source,
            plain.type,
            plain.subject,
            _time(plain.time),
            plain.datacontenttype,
            plain.traceparent,
            plain.data,
        )
    )


def members_of(value: bytes) -> Members:
    """What a JSON CloudEvent in UTF-8 says, nothing of it checked. Raises ``BadRecordError``: json,
    envelope."""
    try:
        return _members_reader.decode(value)
    except msgspec.ValidationError:
        json_of(value)  # what is no object is told before its end is seen: it may be no JSON at all
        raise BadRecordError("envelope", "a CloudEvent must be a JSON object") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None


def envelope_of(members: Members) -> Envelope:
    """The envelope of an event's members. Raises ``BadRecordError``, which names the one at fault: bytes,
    json, envelope, time."""
    text: dict[str, str] = {}
    for name in _TEXTS:
        value = _text(members, name)
        if value is None:
            raise BadRecordError("envelope", f"{name} is missing", name)
        text[name] = value
    time = _time(members.get("time", _NULL))
    others = {name: _value(name, raw) for name, raw in members.items() if name not in KNOWN}
    if others.get(RESERVED) is not None:
        raise BadRecordError("tenant_reserved", f"{RESERVED} is reserved: leave it out", RESERVED)
    return _checked(
        Envelope(
            **text,
            time=time,
            datacontenttype=_text(members, "datacontenttype"),
            traceparent=_text(members, "traceparent"),
            data=data_of(members),
            extensions={name: value for name, value in others.items() if value is not None},
        )
    )


def present(members: Members) -> Members:
    """The members that say something, data as JSON, for an event that is written as it came. They were
    judged before."""
    kept = {name: raw for name, raw in members.items() if raw != _NULL}
    if "data_base64" in kept:
        kept["data"] = data_of(kept)
        del kept["data_base64"]
    return kept


def data_of(members: Members) -> msgspec.Raw:
    """The data as JSON; an object without fields where there are none. Raises ``BadRecordError``: bytes,
    json, envelope."""
    data, field = members.get("data", NO_DATA), "data_base64"
    encoded = _text(members, field) if field in members else None
    if encoded is None:
        return data
    if data is not NO_DATA and data != _NULL:
        raise BadRecordError("envelope", "data is there already", field)
    try:
        content = binascii.a2b_base64(encoded, strict_mode=True)
        content.decode()
    except UnicodeDecodeError as error:
        raise BadRecordError("bytes", f"not UTF-8: {error.reason} at byte {error.start}", field) from None
    except ValueError as error:
        raise BadRecordError("envelope", f"not base64: {error}", field) from None
    return json_of(content.removeprefix(_BOM), field)


def _text(members: Members, name: str) -> str | None:
    raw = members.get(name)
    if raw is None:
        return None
    try:
        return _text_reader.decode(raw)
    except msgspec.ValidationError:
        raise BadRecordError("envelope", f"{name} must be a string", name) from None
    except msgspec.DecodeError as error:
        raise BadRecordError("json", str(error)) from None


def _value(name: str, raw: msgspec.Raw) -> object:
    try:
        return _value_reader.decode(raw)
    except msgspec.ValidationError as error:
        raise BadRecordError("envelope", f"an extension: {error}", name) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecordError("json", str(error)) from None


def _time(raw: msgspec.Raw) -> datetime:
    try:
        if len(bytes(raw)) <= SHORT_TIME + len('""'):
            return _time_reader.decode(raw)
    except msgspec.DecodeError:
        pass  # a leap second, perhaps
    try:
        text = _text_reader.decode(raw)
    except msgspec.ValidationError:
        raise BadRecordError("time", "time must be a string", "time") from None
    except msgspec.DecodeError as error:
        raise BadRecordError("json", str(error)) from None
    if text is None:
        raise BadRecordError("envelope", "time is missing", "time")
    try:
        return parse_time(text)
    except ValueError as error:
        raise BadRecordError("time", f"time is {error}", "time") from None


def _checked(envelope: Envelope) -> Envelope:
    """The envelope with its time in UTC, every attribute found good."""
    if envelope.specversion != "1.0":
        raise BadRecordError("envelope", "specversion must be 1.0", "specversion")
    if _are_names(f"{envelope.id} {envelope.subject} {envelope.source}") is None:
        raise _bad_name(envelope)
    if not envelope.type:
        raise BadRecordError("envelope", "type is empty", "type")
    media = envelope.datacontenttype
    if media is not None and media != JSON and not is_json(media):
        raise BadRecordError("envelope", "datacontenttype must be JSON", "datacontenttype")
    if envelope.traceparent is not None and is_traceparent(envelope.traceparent) is None:
        # W3C: a broken trace context is dropped, the message is not.
        envelope = msgspec.structs.replace(envelope, traceparent=None)
    if envelope.time.tzinfo is not UTC:
        try:
            envelope = msgspec.structs.replace(envelope, time=envelope.time.astimezone(UTC))
        except OverflowError:
            raise BadRecordError("time", "time is out of range", "time") from None
    return envelope


def _bad_name(envelope: Envelope) -> BadRecordError:
    for name in ("id", "subject"):
        if _is_id(getattr(envelope, name)) is None:
            return BadRecordError("envelope", f"{name} must match {ID_PATTERN}", name)
    return BadRecordError("envelope", "source must be 1 to 256 visible ASCII characters", "source")


def is_json(media: str) -> bool:
    """Whether a content type is one of JSON, by CloudEvents' rule; its case and parameters do not matter."""
    return _is_json_media(media) is not None
