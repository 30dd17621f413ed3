"""Local times as instants, and windows of the week in which messages may go. Pure: zones are constants.

A window is half-open and belongs to the day it begins. A local time that does not exist is the instant of the
clock change; of one that comes twice the first counts.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer, model_validator

from services.followup.domain.rules.times import TimeOfDay, write_time_of_day
from shared.schemas.base import Strict

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
ONE_DAY = timedelta(days=1)
MOST_DAYS = 16
"""Within so many days each window opens, even where the clocks swallow one of its days."""


@lru_cache(maxsize=16_384)
def instant(day: date, at: time, where: ZoneInfo) -> datetime:
    """When it is ``at`` on ``day`` there, in UTC."""
    local = datetime.combine(day, at, where)
    found = local.astimezone(UTC)
    if found.astimezone(where).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    return change_between(local.replace(fold=1).astimezone(UTC), found, where)


def change_between(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The clock change between two instants, of which there is one: the first second after it."""
    old = before.astimezone(where).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if middle.astimezone(where).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _in_order(days: frozenset[Weekday]) -> list[str]:
    return [day for day in WEEK if day in days]


class Window(Strict):
    """From ``start`` until before ``end`` on each of ``days``, in the customer's local time; may span
    midnight."""

    days: Annotated[frozenset[Weekday], PlainSerializer(_in_order, list[str])] = Field(
        frozenset(WEEK), min_length=1
    )
    """The days on which it begins; all where left out."""
    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _not_empty(self) -> "Window":
        if self.start == self.end:
            raise ValueError("from and to are the same time; leave the window out to have none")
        return self

    @property
    def words(self) -> str:
        start, end = write_time_of_day(self.start), write_time_of_day(self.end)
        return f"{', '.join(_in_order(self.days))} from {start} to {end}"

    def opens_at(self, now: datetime, where: ZoneInfo) -> datetime | None:
        """When it opens next (UTC); None where it is open now."""
        day = now.astimezone(where).date() - ONE_DAY
        for _ in range(MOST_DAYS):
            if WEEK[day.weekday()] in self.days:
                start = instant(day, self.start, where)
                end = instant(day if self.start < self.end else day + ONE_DAY, self.end, where)
                if now < end and start < end:
                    return None if start <= now else start
            day += ONE_DAY
        raise AssertionError("a window opens every week")
