"""Times as whole microseconds since 1970: the unit of every state. Exact, quick to compare, the same after
the store, which keeps datetimes to the millisecond only."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeAlias

Micros: TypeAlias = int
"""Microseconds since 1970-01-01 (UTC)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Micros = 1_000
SECOND: Micros = 1_000_000
DAY: Micros = 86_400_000_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def micros(time: datetime) -> Micros:
    """An aware time as microseconds."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(at: Micros) -> datetime:
    """Microseconds as an aware time in UTC."""
    return EPOCH + timedelta(microseconds=at)


def in_zone(time: datetime, where: tzinfo) -> datetime:
    """An aware time where somebody lives; at the ends of the calendar, where there is none, as it is."""
    try:
        return time.astimezone(where)
    except OverflowError:
        return time


def maybe_moment(at: Micros | None) -> datetime | None:
    """``moment`` of what may not have happened."""
    return None if at is None else moment(at)


def timer_instant(at: Micros) -> Micros:
    """The first whole millisecond at or after ``at``: timers keep milliseconds and must not be early."""
    return -(-at // MILLISECOND) * MILLISECOND


def day_of(at: Micros) -> int:
    """The UTC day of a time, counted from 1970-01-01."""
    return at // DAY


def date_of(day: int) -> date:
    """The date of a counted day."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def day_number(when: date) -> int:
    """A date as a counted day."""
    return when.toordinal() - _EPOCH_ORDINAL
