"""Durations, times of day and instants as the YAML file writes them, checked when it is read.

Durations are written ``45m``, ``2h``, ``60d``, ``1d12h``; times of day ``"21:00"``, in quotes.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, model_validator

from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.times import MILLISECOND, Micros, micros

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST = timedelta(days=36_500)
"""Of a duration: what is due after it is still in the calendar."""
_OFFSETS = "-30d or 12h"
_MICROSECOND = timedelta(microseconds=1)


def parse_duration(value: object, like: str = "45m, 2h, 60d or 1d12h") -> timedelta:
    """``"1d12h"`` -> a timedelta. Raises ``ValueError``; ``like``: what may be written."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9]{1,18}[wdhms])+", value):
        raise ValueError(f"write a duration such as {like}")
    parts = re.findall(r"(\d+)([wdhms])", value)
    seconds = sum(int(number) * UNITS[unit] for number, unit in parts)
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"it is longer than {write_duration(LONGEST)}")
    return timedelta(seconds=seconds)


@lru_cache(maxsize=1_000)
def write_duration(value: timedelta) -> str:
    """The inverse of ``parse_duration``, in the largest units (days at most)."""
    rest, text = int(value.total_seconds()), ""
    for unit in "dhms":
        number, rest = divmod(rest, UNITS[unit])
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def parse_offset(value: object) -> timedelta:
    """``"-30d"`` -> a timedelta that may be negative. Raises ``ValueError``."""
    if isinstance(value, str) and value[:1] in ("-", "+"):
        return parse_duration(value[1:], _OFFSETS) * (-1 if value[0] == "-" else 1)
    return parse_duration(value, _OFFSETS)


def write_offset(value: timedelta) -> str:
    """The inverse of ``parse_offset``, with its sign."""
    return f"{'-' if value < timedelta(0) else '+'}{write_duration(abs(value))}"


def span(duration: timedelta) -> Micros:
    """A duration in the unit of states."""
    return duration // _MICROSECOND


def cut(at: Micros) -> Micros:
    """To the millisecond, which is what timers and rows keep: so they and the state say the same."""
    return at // MILLISECOND * MILLISECOND


def due(at: Micros, delay: timedelta) -> Micros:
    """When a message is due whose trigger happened ``at``."""
    return cut(at) + span(delay)


def parse_time_of_day(value: object) -> time:
    """``"21:00"`` -> a naive time of day. Raises ``ValueError``."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        # YAML reads a bare 21:00 as the number 1260.
        raise ValueError('write a time of day from "00:00" to "23:59", in quotes')
    return time.fromisoformat(value)


def write_time_of_day(value: time) -> str:
    """The inverse of ``parse_time_of_day``."""
    return value.isoformat("minutes")


def parse_instant(value: object) -> object:
    """A date of the file is its first instant, in UTC. Raises ``ValueError``."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("write a date such as 2026-11-27, or a time with an offset such as Z")
    if isinstance(value, int | float):  # a bool is an int
        raise ValueError("write a date such as 2026-11-27")
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, str)]
Offset = Annotated[timedelta, BeforeValidator(parse_offset), PlainSerializer(write_offset, str)]
TimeOfDay = Annotated[time, BeforeValidator(parse_time_of_day), PlainSerializer(write_time_of_day, str)]
Instant = Annotated[AwareDatetime, BeforeValidator(parse_instant)]
"""A time with an offset, or a date: its first instant in UTC."""


class Active(Strict):
    """When a rule starts anything: from ``from`` until before ``to``, or without an end."""

    start: Annotated[Instant | None, Field(alias="from")] = None
    end: Annotated[Instant | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _in_order(self) -> "Active":
        if self.start is None and self.end is None:
            raise fault("from", "is missing, and so is to; leave active out where the rule always holds")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise fault("to", "must be after from")
        return self

    def covers(self, at: Micros) -> bool:
        """Whether a trigger of this instant starts the rule."""
        return (self.start is None or at >= micros(self.start)) and (
            self.end is None or at < micros(self.end)
        )
