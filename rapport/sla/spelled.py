"""Durations and local times as people write them."""

from datetime import date, datetime, time


def spelled(seconds: float) -> str:
    """Open time: ``3h 30m``, ``45m 10s``, ``0m``; parts of a second are left out."""
    minutes, left = divmod(int(seconds), 60)
    parts = ((minutes // 60, "h"), (minutes % 60, "m"), (left, "s"))
    return " ".join(f"{number:,}{unit}" for number, unit in parts if number) or "0m"


def day(of: date) -> str:
    """``Mon 2 Mar 2026``."""
    return f"{of:%a} {of.day} {of:%b %Y}"


def clock(of: datetime) -> str:
    """``09:00``, with seconds where there are any."""
    return f"{of:%H:%M:%S}" if of.second else f"{of:%H:%M}"


def instant(of: datetime) -> str:
    """``Mon 2 Mar 2026 09:00``."""
    return f"{day(of)} {clock(of)}"


def until(end: datetime, begin: datetime) -> str:
    """The end of a window: its time, ``24:00`` at midnight, the day too where it is another one."""
    if end.date() == begin.date():
        return clock(end)
    if end.time() == time() and (end.date() - begin.date()).days == 1:
        return "24:00"
    return f"{end:%a} {end.day} {clock(end)}"
