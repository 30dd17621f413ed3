"""The calendar: when an anniversary or a birthday comes round."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.schemas.times import DAY, Micros, micros, moment
from shared.schemas.zones import zone_of

_UTC = ZoneInfo("UTC")

APART = 360 * DAY
"""A birthday that moves to another date must not give two bonuses in one year; two true birthdays are
further apart, leap years and moves to another time zone included."""


def next_anniversary(enrolled_at: Micros, after: Micros) -> Micros:
    """The first anniversary after ``after``, at the enrolment's time of day in UTC."""
    start = moment(enrolled_at)
    year = max(start.year + 1, moment(after).year)
    at = _in_year(start, year)
    return at if at > after else _in_year(start, year + 1)


def years_between(enrolled_at: Micros, anniversary: Micros) -> int:
    """Which anniversary that is: 1 or more."""
    return moment(anniversary).year - moment(enrolled_at).year


def next_birthday(birthday: str, timezone: str | None, after: Micros) -> Micros:
    """The first instant after ``after`` at which the birthday begins in that time zone (without one, UTC)."""
    month, day = int(birthday[-5:-3]), int(birthday[-2:])
    zone = zone_of(timezone) or _UTC
    year = moment(after).astimezone(zone).year
    at = _begins(year, month, day, zone)
    return at if at > after else _begins(year + 1, month, day, zone)


def _begins(year: int, month: int, day: int, zone: ZoneInfo) -> Micros:
    on = _date(year, month, day)
    return micros(datetime(on.year, on.month, on.day, tzinfo=zone))


def _in_year(start: datetime, year: int) -> Micros:
    on = _date(year, start.month, start.day)
    return micros(start.replace(year=on.year, month=on.month, day=on.day))


def _date(year: int, month: int, day: int) -> date:
    """29 February is kept on 28 February in other years: in its month, never after its day."""
    if (month, day) == (2, 29) and not _leap(year):
        day = 28
    return date(year, month, day)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
