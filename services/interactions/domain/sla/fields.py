"""The kinds of value that an SLA file may hold: durations, windows of a day, dates, names in lists."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.schemas.faults import fault
from shared.schemas.times import DAY, Micros

MINUTE: Micros = 60_000_000
HOUR: Micros = 60 * MINUTE
DAY_MINUTES = 24 * 60

LONGEST_DURATION: Micros = 9_999 * DAY
_DURATION = re.compile(r"(?:([0-9]{1,18})d)?(?:([0-9]{1,18})h)?(?:([0-9]{1,18})m)?")
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Duration:
    """So much open time, such as 45m, 4h or 1d12h."""

    micros: Micros
    by_day: bool
    """Whether it was written with days, which only a calendar that is always open has."""

    def __str__(self) -> str:
        days, rest = divmod(self.micros, DAY) if self.by_day else (0, self.micros)
        parts = ((days, "d"), (rest // HOUR, "h"), (rest % HOUR // MINUTE, "m"))
        return "".join(f"{number}{unit}" for number, unit in parts if number) or "0m"


@dataclass(frozen=True, slots=True)
class Window:
    """Such as 09:00-12:30: from ``begin`` until ``end``, in minutes of the day it begins; beyond 1,440 it
    ends on the next day."""

    begin: int
    end: int

    def __str__(self) -> str:
        return (
            f"{_clock(self.begin)}-{_clock(self.end if self.end <= DAY_MINUTES else self.end - DAY_MINUTES)}"
        )


WHOLE_DAY = Window(0, DAY_MINUTES)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _duration(value: object) -> object:
    if isinstance(value, Duration):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found or not value:
        raise fault("", "must be a duration such as 4h, 30m, 1h30m or 1d")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    micros = days * DAY + hours * HOUR + minutes * MINUTE
    if micros > LONGEST_DURATION:
        raise fault("", f"must be {Duration(LONGEST_DURATION, by_day=True)} at most")
    return Duration(micros, by_day=found[1] is not None)


def _positive(value: Duration) -> Duration:
    if value.micros == 0:
        raise fault("", "must be more than 0")
    return value


def _window(value: object) -> object:
    if isinstance(value, Window):
        return value
    found = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise fault("", "must be a window such as 09:00-17:30")
    h1, m1, h2, m2 = map(int, found.groups())
    begin, end = h1 * 60 + m1, h2 * 60 + m2
    if max(m1, m2) > 59 or begin >= DAY_MINUTES or end > DAY_MINUTES:
        raise fault("", "has a time that no day has: the last begin is 23:59, the last end 24:00")
    if begin == end:
        raise fault("", "begins when it ends: a whole day is 00:00-24:00")
    return Window(begin, end if end > begin else end + DAY_MINUTES)


def _day(value: object) -> object:
    """A date as YAML reads it, or its text."""
    if isinstance(value, str):
        looks = re.fullmatch(r"\d{4}-\d\d-\d\d", value)
        try:
            value = date.fromisoformat(value)
        except ValueError:
            why = "; there is no such day" if looks else ""
            raise fault("", f"must be a date such as 2026-12-24{why}") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise fault("", "must be a date such as 2026-12-24")
    if not 1970 <= value.year <= 2200:
        raise fault("", "must be in the years 1970 to 2200")
    return value


def _by_day(value: object) -> object:
    # As text, or a path would show a key as datetime.date(2026, 12, 20).
    if not isinstance(value, Mapping):
        return value
    return {k.isoformat() if isinstance(k, date) else k: v for k, v in value.items()}


def _code(value: object) -> object:
    # YAML reads NO (Norway) and ON (Ontario) as no and on, and 9 as a number.
    if isinstance(value, bool | int):
        raise fault("", 'must be text: write it in quotes, such as "NO"')
    return value


Spent = Annotated[Duration, BeforeValidator(_duration)]
"""A duration that may be 0."""


def _spent(value: object) -> object:
    duration = _duration(value)
    return _positive(duration) if isinstance(duration, Duration) else duration


Given = Annotated[Duration, BeforeValidator(_spent)]
"""A duration of more than 0."""
Windows = Annotated[tuple[Annotated[Window, BeforeValidator(_window)], ...], Field(max_length=100)]
Day = Annotated[date, BeforeValidator(_day)]
ByDay = Annotated[dict[Day, Windows], BeforeValidator(_by_day), Field(max_length=4_000)]
Code = Annotated[str, BeforeValidator(_code), Field(min_length=1, max_length=64)]
