"""What is made from an event alone, so that the event handled again makes the same: ids, secrets, the
events it causes. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from shared.domain import Emit, ErrorCode
from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.runtime.tracing import child_traceparent
from shared.schemas.codec import encode
from shared.schemas.event import Event

TOO_LARGE = ErrorCode(
    "too_large",
    422,
    "The event {type} would have {size} bytes; {most} is the most.",
    ours=("type", "size", "most"),
)


def record_of(event: Event) -> Record:
    """The record to publish. Raises ``too_large`` if no broker would take it."""
    data = event.data
    value, headers = encode(event)
    if len(value) > (most := MAX_RECORD_BYTES + data.room):
        raise TOO_LARGE(type=data.event_type, size=len(value), most=most)
    about = data.others() if data.tells_of else ()
    return Record(data.topic, event.subject.encode(), value, tuple(headers), about=about)


class Derived:
    """Derives for one service; ``source`` is that of the events it emits."""

    def __init__(self, source: str, secret_key: bytes) -> None:
        self._source = source
        self._secret_key = secret_key

    def new_id(self, cause: Event, tag: str) -> str:
        """24 hex digits."""
        return self._digest(cause, tag)[:24]

    def secret(self, cause: Event, tag: str) -> str:
        """16 characters (A-Z, 2-7) that nobody without the key can guess."""
        mac = hmac.new(self._secret_key, f"{self._source} {cause.uid} {tag}".encode(), hashlib.sha256)
        return base64.b32encode(mac.digest())[:16].decode()

    def event_id(self, cause: Event, place: int) -> str:
        """32 hex digits: of the event that the cause emits in that place."""
        return self._digest(cause, f"#{place}")

    def records(self, cause: Event, emits: Sequence[Emit]) -> tuple[Record, ...]:
        """The records to publish. Raises ``too_large`` for one that no broker would take."""
        if not emits:
            return ()
        trace = child_traceparent(cause.traceparent)
        records = []
        for number, emit in enumerate(emits):
            event = Event(
                id=self.event_id(cause, number),
                source=self._source,
                subject=emit.subject or cause.subject,
                time=emit.time,
                data=emit.data,
                traceparent=trace,
            )
            records.append(record_of(event))
        return tuple(records)

    def _digest(self, cause: Event, tag: str) -> str:
        """32 hex digits: 128 bits, so that no two are ever the same."""
        return hashlib.sha256(f"{self._source} {cause.uid} {tag}".encode()).hexdigest()[:32]
