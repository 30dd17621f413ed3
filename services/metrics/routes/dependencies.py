"""What Metrics' routes are given, beside what all routes are."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from services.metrics.store import MetricsStore
from shared.http.auth import Principal, require
from shared.http.dependencies import Database

MAX_DAYS = 731


def get_store(database: Database) -> MetricsStore:
    return MetricsStore(database)


def days_in(value: str) -> int:
    """``7d`` -> 7."""
    return int(value.removesuffix("d"))


def _is_days(value: str) -> str:
    if re.fullmatch(r"[0-9]{1,3}d", value) is None or not 1 <= days_in(value) <= MAX_DAYS:
        raise PydanticCustomError(
            "days", "must be a number of days from 1d to {most}d, e.g. 7d", {"most": MAX_DAYS}
        )
    return value


def _aware(value: datetime) -> datetime:
    """A day begins, and a time without an offset is meant, in UTC."""
    if not 1970 <= value.year <= 9000:
        raise PydanticCustomError("year", "must be in the years 1970 to 9000")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


Store = Annotated[MetricsStore, Depends(get_store)]
Analyst = Annotated[Principal, Depends(require("metrics:read"))]
Days = Annotated[str, AfterValidator(_is_days), Query(json_schema_extra={"pattern": "^[0-9]{1,3}d$"})]
MaybeTime = Annotated[datetime | None, AfterValidator(lambda value: value and _aware(value))]
Segment = Annotated[str | None, Query(max_length=128, description="Customers in this segment now.")]
Channel = Annotated[
    str | None,
    Query(
        max_length=128, description="Complaints and purchases of this channel; answers and points have none."
    ),
]
