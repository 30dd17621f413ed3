"""Quiet hours in a customer's own time, across midnight and daylight saving. Pure: zones are constants."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from services.followup.domain.rules.times import TimeOfDay
from shared.schemas.base import Strict


class QuietHours(Strict):
    """From ``start`` until before ``end``, in the customer's local time; may span midnight."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _not_empty(self) -> "QuietHours":
        if self.start == self.end:
            raise ValueError("from and to are the same time; leave quiet_hours out to have none")
        return self


def zone(name: str | None, default: str) -> ZoneInfo:
    """The zone of that IANA name, or the default if it is none."""
    for candidate in (name, default):
        try:
            if candidate:
                return ZoneInfo(candidate)
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def is_quiet(local: time, hours: QuietHours) -> bool:
    """Whether this local time of day lies in the quiet hours; ``end`` itself does not."""
    if hours.start < hours.end:
        return hours.start <= local < hours.end
    return local >= hours.start or local < hours.end


def quiet_until(moment: datetime, where: ZoneInfo, hours: QuietHours | None) -> datetime | None:
    """The first moment (UTC) after ``moment`` that is not quiet, or None if ``moment`` is not."""
    if hours is None or not is_quiet(moment.astimezone(where).time(), hours):
        return None
    local = moment.astimezone(where)
    for day in (local.date(), local.date() + timedelta(days=1), local.date() + timedelta(days=2)):
        # The same local time comes twice when clocks go back: take the first that lies ahead. In the
        # hour that clocks skip, the offset of before names the moment just as far behind the gap, where
        # it may be later than the first moment that is not quiet: that is the gap's own end.
        for fold in (0, 1):
            end = datetime.combine(day, hours.end, where).replace(fold=fold).astimezone(UTC)
            if end.astimezone(where).time() != hours.end:
                end = _gap_end(end, where)
            if end > moment and not is_quiet(end.astimezone(where).time(), hours):
                return end
    raise AssertionError("quiet hours end every day")


def _gap_end(inside: datetime, where: ZoneInfo) -> datetime:
    """The moment of the clock change nearest to ``inside``, by bisection to the second."""
    low, high = inside - timedelta(hours=3), inside + timedelta(hours=3)
    before = low.astimezone(where).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(where).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
