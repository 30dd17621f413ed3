"""From the store to the answers of the API: windows that end now, and series of windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.metrics.domain.kpis.registry import KPIS, Kpi, Window, window
from services.metrics.store import Reader
from shared.schemas.times import day_of, micros


@dataclass(frozen=True, slots=True)
class Point:
    """A KPI of the days ``first`` to ``last``, both included (UTC)."""

    first: int
    last: int
    kpi: Kpi


async def live_window(
    reader: Reader, now: datetime, days: int, *, segment: str | None = None, channel: str | None = None
) -> Window:
    """The window of so many UTC days that ends now: today, and the days before."""
    first = day_of(micros(now)) - days + 1
    reading = await reader.read(first, segment=segment, channel=channel)
    return window(reading.days, reading.open_now, first=first, last=None, one_channel=channel is not None)


async def series(
    reader: Reader,
    name: str,
    *,
    first: int,
    last: int,
    step: int,
    segment: str | None = None,
    channel: str | None = None,
) -> list[Point]:
    """The KPI of each ``step`` days from day ``first`` to ``last``, the newest first."""
    reading = await reader.read(first, segment=segment, channel=channel, gaps=name == "repeat_purchase_rate")
    points = []
    for start, end in spans(first, last, step):
        found = window(reading.days, reading.open_now, first=start, last=end, one_channel=channel is not None)
        points.append(Point(start, end, KPIS[name](found)))
    return points[::-1]


def spans(first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """The days cut into steps, first and last day of each; the last one may be shorter."""
    for start in range(first, last + 1, step):
        yield start, min(start + step - 1, last)
