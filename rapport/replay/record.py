"""One event ready to be sent: where it goes, under which key, and its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.schemas.topics import TYPES

CONTENT_TYPE = ("content-type", b"application/cloudevents+json")
"""The header of a structured CloudEvent."""


@dataclass(frozen=True, slots=True)
class Record:
    """A structured CloudEvent and its place in the log."""

    at: datetime
    """When it reaches the log (aware, UTC). The event's own time, but for one that is reported late."""
    topic: str
    key: str
    """Customer id."""
    source: str
    value: bytes


def record(
    event: str,
    *,
    id: str,
    source: str,
    subject: str,
    time: datetime,
    data: Mapping[str, Any],
    arrives: datetime | None = None,
) -> Record:
    """The record of one event. ``event`` is the short type, e.g. ``purchase.made``; KeyError if unknown.

    ``arrives`` is set where the log gets the event later than it happened.
    """
    type_ = f"rapport.{event}.v1"
    value = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": type_,
            "subject": subject,
            "time": rfc3339(time),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    return Record(arrives or time, TYPES[type_].topic, subject, source, value)


def rfc3339(time: datetime) -> str:
    """The time in UTC, to the second, as ``2017-01-01T11:53:26Z``."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
