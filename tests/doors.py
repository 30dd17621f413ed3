"""The two doors, in memory: what becomes of a message that comes to each."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers

from services.interactions.accepting import Told, record_of
from services.interactions.routes.events import check, split
from shared.facts.aliases import Identity
from shared.http.auth import Principal
from shared.http.problems import ProblemError
from shared.kafka.publisher import Record
from shared.schemas.codec import BadRecordError, decode, open_envelope
from shared.schemas.event import Event

ADMIN = Principal("test", frozenset({"admin"}))
IDENTITY = Identity(b"the key of the tests' aliases")
NO_JSON_TYPE = ("envelope", "datacontenttype")
"""What HTTP calls 415."""

Refusal = tuple[str, str | None] | str
"""The code and the field; or ``not_json``, as HTTP says of a body without naming one."""


def by_kafka(key: bytes, value: bytes | None, headers: Sequence[tuple[str, Any]]) -> Event | Refusal:
    """The event of a record, or the refusal."""
    try:
        return decode(open_envelope(key, value, headers), wall_now=datetime.now(UTC))
    except BadRecordError as bad:
        return bad.code, bad.field


def by_http(body: bytes, headers: Sequence[tuple[str, bytes]]) -> list[Event | Refusal] | Refusal:
    """The events that reach Kafka, or the refusal of the first at fault."""
    try:
        records = published(body, headers)
    except ProblemError as problem:
        if problem.status == 415:
            return NO_JSON_TYPE
        return next(((e["code"], e["field"]) for e in problem.errors or ()), "not_json")
    return [by_kafka(record.key or b"", record.value, record.headers) for record in records]


def published(body: bytes, headers: Sequence[tuple[str, bytes]]) -> list[Record]:
    """What ``POST /events`` publishes. Raises ``ProblemError``."""
    raw = [(name.lower().encode(), value) for name, value in headers]
    return [record_of(told) for told in asyncio.run(_checked(raw, body))]


async def _checked(raw: list[tuple[bytes, bytes]], body: bytes) -> list[Told]:
    return await check(split(Headers(raw=raw), body), ADMIN, lambda customer: None, IDENTITY)
