"""Dead letters: records for ``<topic>.dlq``, with the reason in their headers."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from shared.kafka.clients import KafkaRecord, Record
from shared.kafka.publisher import MAX_RECORD_BYTES
from shared.runtime import telemetry
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.worker.processing import COMMANDS, TIMER_TOPIC, Origin

Headers = Sequence[tuple[str, bytes | None]]

MOST_BYTES = 2 * MAX_RECORD_BYTES - 16 * 1024
"""Of a record's key, value and headers: the producer's and the topics' limit, less room for a reason and the
frame. A record in the log may be larger: it was compressed, or its topic let it in."""
DETAIL_CHARACTERS = 1000
"""Of the reason in words."""
KEPT_BYTES = {"value": 64 * 1024, "key": 1024, "headers": 0}
"""What is left of a part that is cut: its beginning."""


def size(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Bytes that a record takes, at most, its frame apart."""
    return len(key or b"") + len(value or b"") + _headers_size(headers)


def dead_letter_of(
    service: str,
    origin: Origin,
    original: Record | KafkaRecord,
    *,
    code: str,
    detail: str,
    failed_at: datetime,
    topic: str | None = None,
    about: tuple[str, ...] = (),
) -> Record:
    """The record as it came, with the reason in its headers, for ``<topic>.dlq``, its origin's topic unless
    another is given. What no producer would take is cut, the largest part first, and the length and SHA-256
    of what was cut are kept. ``about``: of whom else it tells. Pure."""
    own = tuple((name, value) for name, value in original.headers if not name.startswith("rapport-"))
    reason = {
        "rapport-dead-letter-id": f"{service}/{origin.text}",
        "rapport-service": service,
        "rapport-error": code,
        "rapport-error-detail": detail[:DETAIL_CHARACTERS],
        "rapport-origin": origin.text,
        "rapport-failed-at": failed_at.isoformat(),
    }
    key, value, own, cut = _fitting(original.key, original.value, own)
    headers = own + tuple((name, text.encode()) for name, text in (reason | cut).items())
    return Record(f"{topic or origin.topic}.dlq", key, value, headers, origin.partition, about)


def _fitting(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...], dict[str, str]]:
    """Key, value and headers that together are small enough, and what to say of those that were cut."""
    said: dict[str, str] = {}
    while size(key, value, headers) > MOST_BYTES:
        sizes = {"value": len(value or b""), "headers": _headers_size(headers), "key": len(key or b"")}
        part = max(sizes, key=lambda name: sizes[name])
        whole = {"value": value, "headers": _as_bytes(headers), "key": key}[part] or b""
        said["rapport-cut"] = ",".join(filter(None, (said.get("rapport-cut"), part)))
        said[f"rapport-cut-{part}-length"] = str(len(whole))
        said[f"rapport-cut-{part}-sha256"] = hashlib.sha256(whole).hexdigest()
        beginning = whole[: KEPT_BYTES[part]]
        if part == "value":
            value = beginning
        elif part == "key":
            key = beginning
        else:
            headers = ()
    return key, value, headers, said


def _headers_size(headers: Headers) -> int:
    # Each has its lengths before it, of at most five bytes.
    return sum(len(name.encode()) + len(value or b"") + 10 for name, value in headers)


def _as_bytes(headers: Headers) -> bytes:
    """Headers in one text, so that two lists of them never have the same: netstrings of names and values."""
    parts = [part for name, value in headers for part in (name.encode(), value or b"")]
    return b"".join(b"%d:%b," % (len(part), part) for part in parts)


def dead_letter(
    service: str,
    origin: Origin,
    original: Record | KafkaRecord,
    *,
    code: str,
    detail: str,
    failed_at: datetime,
    topic: str | None = None,
) -> Record:
    """``dead_letter_of``, and counted: for one that is about to be published."""
    telemetry.DEAD_LETTERS.labels(service, code).inc()
    return dead_letter_of(
        service, origin, original, code=code, detail=detail, failed_at=failed_at, topic=topic
    )


def written_anew(event: Event, origin: Origin) -> tuple[Origin, Record]:
    """What a dead letter is made of where the record that came is not at hand: its place and the event in
    structured mode. A timer of our own was never a record: it goes where commands go."""
    if origin.topic == TIMER_TOPIC:
        origin = Origin(COMMANDS, 0, -1)
    value, headers = encode(event)
    return origin, Record(origin.topic, event.subject.encode(), value, tuple(headers))
