"""Which minutes are open, by asking of each: nothing here knows the calendar arithmetic.

It reads the file's own dictionaries, and tells the time by a clock on the wall that, for windows, never goes
back (of two equal local times the first counts).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays

MINUTE = 60_000_000
EPOCH = date(1970, 1, 1)


def minutes_of(text: str) -> int:
    """``1h30m`` -> 90."""
    total, number = 0, ""
    for letter in text:
        if letter.isdigit():
            number += letter
        else:
            total += int(number) * {"d": 1440, "h": 60, "m": 1}[letter]
            number = ""
    return total


def windows_on(calendar: Mapping[str, Any], day: date) -> list[tuple[int, int]]:
    """The windows that begin on a day, in minutes of it."""
    if day in calendar.get("open", {}):
        texts = calendar["open"][day]
    elif day in calendar.get("closed", []) or (
        "holidays" in calendar
        and day
        in holidays.country_holidays(
            calendar["holidays"]["country"], subdiv=calendar["holidays"].get("subdivision")
        )
    ):
        texts = []
    elif calendar["hours"] == "all":
        texts = ["00:00-24:00"]
    else:
        texts = calendar["hours"].get(("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()], [])
    found = []
    for text in texts:
        begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        found.append((begin, end if end > begin else end + 1440))
    return found


@lru_cache(maxsize=100_000)
def offset(zone: str, quarter: int) -> int:
    """Minutes that the wall clock is ahead of UTC in that quarter of an hour since 1970: it stays so."""
    ahead = datetime.fromtimestamp(quarter * 900, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds()) // 60


class Minutes:
    """Which minutes from ``first`` to ``last`` (since 1970) are open in a calendar."""

    def __init__(self, calendar: Mapping[str, Any], first: int, last: int) -> None:
        self.first = first
        self.open = bytearray(last - first)
        begun: dict[int, set[int]] = {}
        latest = 0
        for minute in range(first - 1500, last):
            latest = max(latest, minute + offset(calendar["timezone"], minute // 15))
            if minute < first:
                continue
            today = latest // 1440
            for day in (today, today - 1):
                if day not in begun:
                    windows = windows_on(calendar, EPOCH + timedelta(days=day))
                    begun[day] = {at for begin, end in windows for at in range(begin, end)}
                if latest - day * 1440 in begun[day]:
                    self.open[minute - first] = 1

    def __getitem__(self, minute: int) -> bool:
        return bool(self.open[minute - self.first])

    def count(self, start: int, end: int) -> int:
        return sum(self.open[start - self.first : end - self.first])
