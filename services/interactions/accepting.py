"""The one way into the log that all share who tell what happened: ``POST /events``, the hooks of shops and
chats, mail, imports."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import structs

from shared.http.commands import Sender
from shared.http.problems import too_large
from shared.kafka.publisher import MAX_RECORD_BYTES, Record
from shared.runtime.tracing import current_traceparent
from shared.schemas.codec import AHEAD, STRUCTURED, BadRecordError, encode
from shared.schemas.envelope import members_of, present
from shared.schemas.event import Event

SLICE = 200
"""Events read or written before others get a turn."""

_write = msgspec.json.Encoder().encode
_HEADERS = (("content-type", STRUCTURED.encode()),)


class Told(NamedTuple):
    """An event that somebody tells."""

    event: Event
    raw: bytes | None = None
    """The CloudEvent as it came, where it came as one: it is published so, unknown attributes included."""


Naming: TypeAlias = Callable[[Sequence[Told]], Awaitable[Sequence[Told]]]
"""Puts customers' ids where subjects are aliases (``email:ann@example.com``)."""


async def accept(told: Sequence[Told], producer: Sender, naming: Naming | None = None) -> int:
    """Publish what was told; so many are in the log when it returns.

    Nothing is published where one is too large (413 ``too_large``) or of the future (``BadRecordError``).
    After ``BrokerAwayError`` some may have been: tell the same again, under the same ids.
    """
    now, trace = datetime.now(UTC), current_traceparent()
    records: list[Record] = []
    for index, one in enumerate(told if naming is None else await naming(told)):
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        if one.event.time - now > AHEAD:
            raise BadRecordError("future", "time is more than 24 h ahead", "time")
        records.append(record_of(one, trace))
    await producer.publish(records)
    return len(records)


def record_of(told: Told, trace: str | None = None) -> Record:
    """The event as it came, extensions and unknown fields too, with this request's ``trace`` if it has none;
    nulls are left out, and data in base64 becomes the JSON it is. Raises 413 ``too_large``."""
    event = told.event
    if told.raw is None:
        value, _ = encode(event if event.traceparent else structs.replace(event, traceparent=trace))
    else:
        fields = present(members_of(told.raw))
        fields["subject"] = msgspec.Raw(_write(event.subject))
        if event.traceparent is None and trace is not None:
            fields["traceparent"] = msgspec.Raw(_write(trace))
        value = _write(fields)
    if len(value) > MAX_RECORD_BYTES:
        raise too_large(MAX_RECORD_BYTES)
    return Record(event.data.topic, event.subject.encode(), value, _HEADERS)
