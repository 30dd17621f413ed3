"""Tells which themes rose, once a week is closed for an hour.

Each theme has one worker that decides: the one whose partition the theme's name hashes to. What it tells
goes out with the week up to which it has decided (``rising``), in one transaction of its partition. A week is
judged once: what is heard later of it shows in ``GET /themes`` alone.
"""

from collections.abc import Iterable, Mapping

from services.metrics.domain.rows import RISING
from services.metrics.domain.themes import (
    MONTH_WEEKS,
    WEEK_DAYS,
    Theme,
    ThemesPolicy,
    closed_at,
    last_week,
    spoken,
)
from services.metrics.figures_store import FiguresStore
from services.metrics.journal.partition import Partition
from services.metrics.store import MetricsStore
from shared.kafka.keys import partition_of
from shared.schemas.insights import ThemeRising
from shared.schemas.times import Micros, date_of

MOST_WEEKS = 8
"""So many are judged at once."""


class Rising:
    """Of one worker. All of it is called in the processor's lock."""

    def __init__(self, sums: MetricsStore, store: FiguresStore, policy: ThemesPolicy) -> None:
        self._sums = sums
        self._store = store
        self._policy = policy
        self._judged: dict[tuple[int, int], int] = {}
        """The Monday of the last week that is judged, by partition and epoch."""

    async def work(self, parts: Mapping[int, Partition], now: Micros) -> None:
        """What is due ``now``, which all partitions have reached. PyMongo's errors pass through; then nothing
        is told, and it is done again."""
        keys = {(part.number, part.epoch) for part in parts.values()}
        self._judged = {key: week for key, week in self._judged.items() if key in keys}
        last = last_week(now)
        for part in parts.values():
            themes = themes_of(part, self._policy.names)
            if themes:
                await self._decide(part, themes, last)

    async def _decide(self, part: Partition, themes: Iterable[Theme], last: int) -> None:
        key = (part.number, part.epoch)
        if key not in self._judged:
            known = await self._store.rising(part.number)
            # What was counted before anybody looked is told of its last week alone.
            self._judged[key] = last - WEEK_DAYS if known is None else known
        weeks = range(self._judged[key] + WEEK_DAYS, last + 1, WEEK_DAYS)[:MOST_WEEKS]
        if not weeks:
            return
        days = (await self._sums.read(weeks[0] - MONTH_WEEKS * WEEK_DAYS)).days
        for week in weeks:
            for theme in themes:
                found = spoken(theme.name, days, week, self._policy)
                if found.rising and found.log_odds is not None:
                    monday = date_of(week).isoformat()
                    data = ThemeRising(
                        theme=theme.name,
                        week=monday,
                        mentions=found.mentions,
                        usual=found.usual,
                        log_odds=found.log_odds,
                    )
                    part.outbox.tell(data, theme.name, closed_at(week), monday)
        part.outbox.put(RISING, {"_id": part.number, "week": weeks[-1]})
        self._judged[key] = weeks[-1]


def themes_of(part: Partition, themes: Iterable[Theme]) -> list[Theme]:
    """Those for which the partition's worker decides."""
    count = part.known.residue.of
    return [theme for theme in themes if partition_of(theme.name.encode(), count) == part.number]
