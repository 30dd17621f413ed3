"""Dates and times of day where the customer lives, as instants. Pure: zones are constants.

29 February is 28 February in years that have none: in its month, and never after its day.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.followup.domain.rules.hours import instant
from shared.schemas.times import Micros, micros, moment


def next_time_of_day(after: Micros, at: time, where: ZoneInfo) -> Micros:
    """The first instant from ``after`` on at which it is ``at`` there."""
    start = moment(after)
    day = start.astimezone(where).date()
    for ahead in range(-1, 3):
        found = instant(day + timedelta(days=ahead), at, where)
        if found >= start:
            return micros(found)
    raise AssertionError("every time of day comes each day")


def shifted(base: datetime, offset: timedelta, at: time | None, where: ZoneInfo) -> Micros:
    """The instant that is ``offset`` from ``base`` on the customer's clock, at the time of day ``at`` where
    one is given."""
    if not offset and at is None:
        return micros(base)
    local = base.astimezone(where).replace(tzinfo=None) + offset
    return micros(instant(local.date(), local.time() if at is None else at, where))


def in_year(month: int, day: int, year: int) -> date:
    """That day of that year."""
    if (month, day) == (2, 29) and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        day = 28
    return date(year, month, day)
