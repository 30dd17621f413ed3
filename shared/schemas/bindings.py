"""Where a CloudEvent stands in a Kafka record and in an HTTP request: the two bindings' rules, and no more.

Structured mode is one JSON text, binary mode headers and a body that is the data. What an event says is
judged in ``envelope.py``, the same by whichever door it came.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from shared.schemas.envelope import (
    KNOWN,
    NO_DATA,
    NO_VALUE,
    STRUCTURED,
    BadRecordError,
    Envelope,
    Members,
    envelope_of,
    json_of,
    structured,
    utf8,
)

_BODY = frozenset({"data", "data_base64"})
_write = msgspec.json.Encoder().encode
_is_quoted = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL).fullmatch
_escaped = re.compile(rb"\\(.)", re.DOTALL)


def open_envelope(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Envelope:
    """The envelope of a Kafka record, its data not yet looked at.

    Binary mode is told by a ``ce_specversion`` header; a record without any header is read as
    structured. In binary mode a record without a value is an event without data. Raises
    ``BadRecordError``: empty, bytes, json, envelope, time, key.
    """
    envelope = envelope_of(_of_record(value, headers)) if is_binary(headers) else structured(utf8(value))
    if key is None or key != envelope.subject.encode():
        raise BadRecordError("key", "the record's key must be the subject", "subject")
    return envelope


def is_binary(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a Kafka record is in binary mode by its headers. Raises ``BadRecordError``: envelope."""
    media, binary = b"", False
    for name, content in headers:
        name = name.lower()
        if name == "content-type":
            media = content or b""
        elif name == "ce_specversion":
            binary = True
    media = media.split(b";")[0].strip().lower()
    if media.startswith(b"application/cloudevents"):
        if media != STRUCTURED.encode():
            raise BadRecordError("envelope", f"the content type must be {STRUCTURED}", "content-type")
        return False
    return binary


def _of_record(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Members:
    """An event in binary mode. Header values are UTF-8 and stand for themselves: no quotes, no percent."""
    return _binary(value, ((name.lower(), content) for name, content in headers), "ce_", NO_VALUE)


def of_request(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Members:
    """An event in binary mode over HTTP, from the raw headers; an empty body is an event without data.
    Raises ``BadRecordError``: bytes, json."""
    pairs = ((name.decode("latin-1").lower(), value) for name, value in headers)
    unescaped = ((name, header_value(value) if name.startswith("ce-") else value) for name, value in pairs)
    return _binary(body, unescaped, "ce-", NO_DATA)


def header_value(value: bytes) -> bytes:
    """What an attribute's HTTP header stands for (HTTP binding 3.1.3.2): a value in double quotes is
    unquoted, then percents are decoded, once. A percent that begins no code stands for itself."""
    value = value.strip(b" \t")
    if _is_quoted(value):
        value = _escaped.sub(rb"\1", value[1:-1])
    return unquote_to_bytes(value)


def _binary(
    body: bytes | None, headers: Iterable[tuple[str, bytes | None]], prefix: str, nothing: msgspec.Raw
) -> Members:
    """The members of an event in binary mode. The content type is the data's, and no attribute is named
    ``data``; ``nothing`` is the data where there is no body."""
    content = utf8(body) if body else b""
    members: Members = {}
    media: msgspec.Raw | None = None
    for header, value in headers:
        name = header.removeprefix(prefix)
        if (name == header and name != "content-type") or name in _BODY or value is None:
            continue
        try:
            text = msgspec.Raw(_write(value.decode()))
        except UnicodeDecodeError:
            # Names of extensions are whatever a sender makes up.
            shown = header if name in KNOWN else "of an extension"
            raise BadRecordError("bytes", f"header {shown} is not UTF-8", name) from None
        if name == header:
            media = text
        else:
            members[name] = text
    if media is not None:
        members["datacontenttype"] = media
    members["data"] = json_of(content) if content else nothing
    return members
