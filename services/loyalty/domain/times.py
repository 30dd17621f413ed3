"""Times as whole microseconds since 1970: exact, quick to compare, and the same after the store."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
MILLISECOND = 1_000


def micros(time: datetime) -> int:
    """An aware time as microseconds."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(at: int) -> datetime:
    """Microseconds as an aware time in UTC."""
    return EPOCH + timedelta(microseconds=at)


def timer_instant(at: int) -> int:
    """The first whole millisecond at or after ``at``: timers keep milliseconds and must not be early."""
    return -(-at // MILLISECOND) * MILLISECOND
