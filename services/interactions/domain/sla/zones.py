"""What a clock on the wall shows, as an instant."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.schemas.times import SECOND, Micros, micros, moment


def instant_of(zone: ZoneInfo, day: date, minute: int) -> Micros:
    """The first instant at which the wall clock of ``zone`` shows that minute of that day, or a later time.

    So of a time that comes twice it is the first, and a time that the clock skips is the instant of the
    change. It never falls as the local time rises. ``minute`` may lie beyond the day.
    """
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    first = local.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return micros(first)
    skipped = local.replace(tzinfo=zone, fold=1).astimezone(UTC)  # by the offset after the change: too early
    return _change(zone, local, micros(skipped) // SECOND, micros(first) // SECOND)


def _change(zone: ZoneInfo, local: datetime, before: int, after: int) -> Micros:
    """The first second in (before, after] at which the wall clock is past ``local``."""
    while after - before > 1:
        middle = (before + after) // 2
        if moment(middle * SECOND).astimezone(zone).replace(tzinfo=None) >= local:
            after = middle
        else:
            before = middle
    return after * SECOND
