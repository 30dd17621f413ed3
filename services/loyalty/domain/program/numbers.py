"""The kinds of value that a program file may hold, each with its bounds."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from shared.schemas.faults import fault

MAX_POINTS = 2**53
"""What every JSON reader holds exactly; no balance goes beyond it."""


def _number(value: object) -> object:
    # YAML's yes and no, and a quoted number, are mistakes here and not numbers.
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number")
    return value


def _instant(value: object) -> object:
    """A date is its first instant, in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise PydanticCustomError("instant", "must be a date, or a time with an offset such as Z")
    if isinstance(value, int | float):  # a bool is an int
        raise PydanticCustomError("instant", "must be a date such as 2026-11-27")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
Exact = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(gt=0, le=1_000_000, decimal_places=9),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""A positive number of at most nine decimals, e.g. a multiplier. Only JSON shows it as a float."""
Share = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, le=1, decimal_places=9),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""From 0 to 1."""
Days = Annotated[Whole, Field(ge=1, le=36_500)]
Amount = Annotated[Whole, Field(ge=0, le=MAX_POINTS)]
"""Minor units, or points."""
Given = Annotated[Whole, Field(ge=1, le=MAX_POINTS)]
"""Points, at least one."""
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
"""A time with an offset, or a date: its first instant in UTC."""
Title = Annotated[str, Field(min_length=1, max_length=200)]


def distinct(names: list[str], field: str) -> None:
    """Raises the fault of the first name that is used twice."""
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            raise fault(f"[{number}].{field}", f"is used twice: {name}")
        seen.add(name)
