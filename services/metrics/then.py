"""What was told of figures at some time: the sums of now, less what moved days that were told since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.metrics import errors
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import window
from services.metrics.domain.restating import before, last_told, levels_before
from services.metrics.figures_store import FiguresStore, in_reading
from services.metrics.report import Point, measured, spans
from services.metrics.store import MetricsStore, Reading
from shared.schemas.times import date_of, day_of, micros


@dataclass(frozen=True, slots=True)
class Then:
    """What is read for an answer of then."""

    sums: MetricsStore
    figures: FiguresStore
    now: datetime
    at: datetime
    """When it was told."""

    @property
    def last(self) -> int:
        """The last day that it says something of: that was told by then, or today as it is, if that is the
        day of then."""
        today = day_of(micros(self.now))
        return today if day_of(micros(self.at)) == today else last_told(micros(self.at))

    async def read(self, first: int) -> Reading:
        """The days from ``first`` on as they were told. Raises ``not_kept``."""
        reading = await self.sums.read(first, gaps=True)
        moved = in_reading(await self.figures.moved_after(micros(self.at)), reading)
        lost = [one for one in moved if one.sums is None and one.days[1] >= first]
        if lost:
            days = min(one.days[0] for one in lost), max(one.days[1] for one in lost)
            raise errors.NOT_KEPT(first=date_of(days[0]).isoformat(), last=date_of(days[1]).isoformat())
        return Reading(before(reading.days, moved, first), levels_before(reading.levels, moved))

    async def live(self, days: int) -> tuple[int, Mapping[str, Result]]:
        """Every KPI of the window of so many days that ends with the last one, and its first day."""
        first = self.last - days + 1
        reading = await self.read(first)
        found = window(reading.days, reading.levels, first=first, last=self.last, one_channel=False)
        return first, {name: measured(kpi, [found])[0] for name, kpi in KPIS.items()}

    async def series(self, kpi: Kpi, *, first: int, last: int, step: int) -> list[Point]:
        """The KPI of each ``step`` days from day ``first`` to ``last``, the newest first."""
        reading = await self.read(first)
        days = list(spans(first, min(last, self.last), step))
        windows = [
            window(reading.days, reading.levels, first=start, last=end, one_channel=False)
            for start, end in days
        ]
        results = measured(kpi, windows)
        return [Point(start, end, result) for (start, end), result in zip(days, results, strict=True)][::-1]
