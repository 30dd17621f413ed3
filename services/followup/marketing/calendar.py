"""What is planned for the next days. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

CALENDAR_DAYS = 30
HEATS = 4
"""Shades of a day, from few messages to the most."""


def calendar(
    today: date, waiting: Mapping[str, Mapping[date, int]], href: Callable[[str], str]
) -> dict[str, Any]:
    """Messages that wait, by rule and day. ``href``: where a rule's page is."""
    days = [today + timedelta(days=n) for n in range(CALENDAR_DAYS)]
    most = max((n for by_day in waiting.values() for n in by_day.values()), default=0)
    rows = [
        {
            "rule": rule,
            "href": href(rule),
            "cells": [{"text": _count(by_day, day), "heat": _heat(by_day.get(day, 0), most)} for day in days],
            "total": f"{sum(by_day.get(day, 0) for day in days):,}",
        }
        for rule, by_day in waiting.items()
        if any(by_day.get(day, 0) for day in days)
    ]
    sums = {day: sum(by_day.get(day, 0) for by_day in waiting.values()) for day in days}
    return {
        "days": [
            {"weekday": f"{day:%a}"[:2], "number": day.day, "first": day.day == 1 or day.weekday() == 0}
            for day in days
        ],
        "rows": rows,
        "totals": [_count(sums, day) for day in days],
        "total": f"{sum(sums.values()):,}",
    }


def _count(by_day: Mapping[date, int], day: date) -> str:
    count = by_day.get(day, 0)
    if not count:
        return ""
    return f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"


def _heat(count: int, most: int) -> int:
    """0 for none, then 1 to ``HEATS``."""
    return -(-count * HEATS // most) if count and most else 0
