"""A calendar of an SLA file: the hours of a week, and the days that differ."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from services.interactions.domain.sla.fields import (
    DAY_MINUTES,
    WHOLE_DAY,
    ByDay,
    Code,
    Day,
    Window,
    Windows,
)
from services.interactions.domain.sla.open_time import ALWAYS, OpenTime, WindowTime
from services.interactions.domain.sla.public_holidays import holidays_in, knows_part, parts_of
from shared.schemas.base import Strict
from shared.schemas.faults import fault
from shared.schemas.fields import Timezone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _check_apart(name: str, windows: tuple[Window, ...]) -> None:
    """Raises a fault where two windows of one day overlap."""
    placed = sorted(enumerate(windows), key=lambda item: item[1].begin)
    for (first, one), (second, other) in pairwise(placed):
        if other.begin < one.end:
            raise fault(f"{name}[{max(first, second)}]", f"overlaps {windows[min(first, second)]}")


def _check_after(before: str, late: tuple[Window, ...], name: str, windows: tuple[Window, ...]) -> None:
    """Raises a fault where a window overlaps one that runs into its day."""
    for _, number in _covered(late, windows):
        raise fault(f"{name}[{number}]", f"overlaps a window of {before}, which runs past midnight")


def _covered(late: tuple[Window, ...], windows: tuple[Window, ...]) -> Iterator[tuple[int, int]]:
    """Of a day's windows and those of the next day, which overlap."""
    for place, one in enumerate(late):
        for number, other in enumerate(windows):
            if one.end - DAY_MINUTES > other.begin:
                yield place, number


class Week(Strict):
    """The windows that begin on each day; a day left out is closed."""

    mon: Windows = ()
    tue: Windows = ()
    wed: Windows = ()
    thu: Windows = ()
    fri: Windows = ()
    sat: Windows = ()
    sun: Windows = ()

    @model_validator(mode="after")
    def _apart(self) -> "Week":
        for name, windows in zip(WEEKDAYS, self.days, strict=True):
            _check_apart(name, windows)
        last = ("sun", self.sun)
        for name, windows in zip(WEEKDAYS, self.days, strict=True):
            _check_after(*last, name, windows)
            last = (name, windows)
        return self

    @cached_property
    def days(self) -> tuple[tuple[Window, ...], ...]:
        """Monday's windows first."""
        return self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun


class AllHours(Week):
    """``hours: all``: the one week that may be written so."""


ALL_HOURS = AllHours.model_validate(dict.fromkeys(WEEKDAYS, (WHOLE_DAY,)))


def _hours(value: object) -> object:
    if value == "all":
        return ALL_HOURS
    if isinstance(value, dict | Week):
        return value
    raise fault("", "must be all, or the windows of each day of the week")


class Holidays(Strict):
    """Whose public holidays are closed."""

    country: Code
    """ISO 3166, such as DE."""
    subdivision: Code | None = None
    """A part of it that has holidays of its own, such as BE (Berlin)."""

    @model_validator(mode="after")
    def _known(self) -> "Holidays":
        parts = parts_of(self.country)
        if parts is None:
            raise fault("country", f"no holidays are known of it: {self.country}")
        if self.subdivision is not None and not knows_part(self.country, self.subdivision):
            raise fault("subdivision", f"must be one of {', '.join(sorted(parts)) or 'none'}")
        return self

    def have(self, day: date) -> bool:
        """Whether the day is one of them."""
        return day in holidays_in(self.country, self.subdivision, day.year)


class Calendar(Strict):
    """When time counts. ``open`` beats ``closed`` beats ``holidays`` beats ``hours``."""

    timezone: Timezone
    hours: Annotated[Week, BeforeValidator(_hours)]
    holidays: Holidays | None = None
    closed: Annotated[frozenset[Day], Field(max_length=4_000)] = frozenset()
    open: Annotated[ByDay, Field(default_factory=dict)]

    @field_validator("closed", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple | frozenset):
            raise fault("", "must be a list of dates")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Calendar":
        if not any(self.hours.days):
            raise fault("hours", "has no open hour: no clock of it would ever run out")
        for day, windows in sorted(self.open.items()):
            name = f"open.{day}"
            if not windows:
                raise fault(name, "must name a window; days without any belong in closed")
            before, after = day - timedelta(days=1), day + timedelta(days=1)
            _check_apart(name, windows)
            _check_after(str(before), self.windows_on(before), name, windows)
            for number, _ in _covered(windows, self.windows_on(after)):
                raise fault(f"{name}[{number}]", f"overlaps the hours of {after}")
        return self

    def windows_on(self, day: date) -> tuple[Window, ...]:
        """The windows that begin on a day, in order."""
        windows = self.open.get(day)
        if windows is None:
            if day in self.closed or (self.holidays is not None and self.holidays.have(day)):
                return ()
            windows = self.hours.days[day.weekday()]
        return tuple(sorted(windows, key=lambda window: window.begin))

    @property
    def by_day(self) -> bool:
        """Whether a duration may be written in days."""
        return isinstance(self.hours, AllHours)

    @cached_property
    def open_time(self) -> OpenTime:
        """Its arithmetic."""
        if self.by_day and self.holidays is None and not self.closed and not self.open:
            return ALWAYS
        return WindowTime(ZoneInfo(self.timezone), self.windows_on)
