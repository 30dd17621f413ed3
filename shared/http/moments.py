"""Days and times as a query gives them. Pydantic alone also reads ``0.5`` as half a second of 1970."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _like_a_day(value: Any) -> Any:
    if isinstance(value, str) and not _day.fullmatch(value):
        raise PydanticCustomError("day", "must be a day, e.g. 2026-11-22")
    return value


def _like_a_time(value: Any) -> Any:
    if isinstance(value, str) and not _day.match(value):
        raise PydanticCustomError("time", "must be a time or a day, e.g. 2026-11-22T10:00:00Z or 2026-11-22")
    return value


def _aware(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise PydanticCustomError("time", "must be in the years 1 to 9999 in UTC") from None


QueryDay = Annotated[date, BeforeValidator(_like_a_day)]
"""A day: YYYY-MM-DD."""
QueryTime = Annotated[
    datetime,
    BeforeValidator(_like_a_time),
    AfterValidator(_aware),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    ),
]
"""A time, in UTC; a day is its first instant, and a time without an offset is meant in UTC."""
