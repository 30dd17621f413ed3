"""Quiet hours in a customer's own time, across midnight and daylight saving. Pure: zones are constants."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from services.followup.domain.rules.hours import change_between, instant
from services.followup.domain.rules.times import TimeOfDay
from shared.schemas.base import Strict
from shared.schemas.zones import zone_of


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
    return zone_of(name) or zone_of(default) or ZoneInfo("UTC")


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
        # The same local time comes twice when clocks go back: take the first that lies ahead.
        again = datetime.combine(day, hours.end, where).replace(fold=1).astimezone(UTC)
        for end in (instant(day, hours.end, where), again):
            if end > moment and not is_quiet(end.astimezone(where).time(), hours):
                return _before(end, moment, where, hours)
    raise AssertionError("quiet hours end every day")


def _before(end: datetime, moment: datetime, where: ZoneInfo, hours: QuietHours) -> datetime:
    """The end, or the clock change before it that leaves the quiet hours: back, to before they began."""
    if moment.astimezone(where).utcoffset() == end.astimezone(where).utcoffset():
        return end
    change = change_between(moment.replace(microsecond=0), end, where)
    return end if is_quiet(change.astimezone(where).time(), hours) else change
