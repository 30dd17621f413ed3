"""Which figures of a closed day left what is usual for them, and who moved them: told, and kept."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from services.metrics import telemetry
from services.metrics.domain.baseline import Judged, judged, weekdays_before
from services.metrics.domain.churn import is_of_lives
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.lives_moved import lives_moved_by, share_of, shares_of, tell
from services.metrics.domain.moved_by import moved_by
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.restating import Moved, before, levels_before
from services.metrics.domain.rows import ANOMALIES, anomaly_id
from services.metrics.figures_store import ByPlace, FiguresStore
from services.metrics.journal.saying import Saying
from services.metrics.store import MetricsStore, Reading
from shared.runtime.mongo import Document
from shared.schemas.insights import KpiAnomaly
from shared.schemas.times import Micros, date_of

LONGEST_NAME = 128


class Moves(Protocol):
    """Who moved a figure, read when it is asked for."""

    async def __call__(self, kpi: Kpi, one: Judged) -> Mapping[str, str]: ...


class Judging:
    """Of one worker."""

    def __init__(self, sums: MetricsStore, store: FiguresStore, policy: MetricsPolicy) -> None:
        self._sums = sums
        self._store = store
        self._policy = policy

    def first(self, judging: Iterable[int]) -> list[int]:
        """Of each of these days the first of those that it is compared with."""
        return [weekdays_before(day, self._policy.anomalies.weeks)[-1] for day in judging]

    def back(self, judging: Mapping[int, Sequence[Kpi]], first: int) -> int:
        """So many days before ``first`` must be read for those that look back."""
        looking = self.first(day for day, kpis in judging.items() if _looks_back(kpis))
        return max([0, *(first - (week - self._policy.churn.reach(1)) for week in looking)])

    async def judge(
        self, say: Saying, judging: Mapping[int, Sequence[Kpi]], reading: Reading, at: Micros
    ) -> None:
        """Say what is new of these days."""
        windows: dict[int, Window] = {}
        policy = self._policy.churn

        def results(kpi: Kpi, days: Sequence[int]) -> list[Result]:
            windows.update((day, as_of(reading, day, (), policy)) for day in days if day not in windows)
            return [result_of(kpi, windows[day]) for day in days]

        lived = await self._lived(reading) if any(map(_looks_back, judging.values())) else None
        known = {row["_id"]: row for row in await self._store.judged(judging)}
        for day, kpis in judging.items():
            await asyncio.sleep(0)
            weeks = weekdays_before(day, self._policy.anomalies.weeks)
            lives = [week for week in weeks if lived is not None and week - policy.reach(1) >= lived]
            moves = self._moves(day, weeks, lives, windows)
            for kpi in kpis:
                now, *usual = results(kpi, [day, *(lives if kpi.looks_back else weeks)])
                for one in judged(kpi, now, usual, self._policy.anomalies):
                    row = known.pop(anomaly_id(day, one.figure), None)
                    await self._flag(say, kpi, one, day, row, at, moves)
            names = {kpi.name for kpi in kpis}
            for row in known.values():
                if row["day"] == day and row["kpi"] in names and row["stands"]:
                    say.put(ANOMALIES, {**row, "stands": False})

    async def _lived(self, reading: Reading) -> int | None:
        """The first day on which there were customers; 0 before all that is read. Nobody leaves a shop that
        has just begun: that is not what is usual of it."""
        if await self._store.had_customers(min(reading.days, default=0)):
            return 0
        return next((day for day in sorted(reading.days) if is_of_lives(reading.days[day])), None)

    async def _flag(
        self, say: Saying, kpi: Kpi, one: Judged, day: int, row: Document | None, at: Micros, moves: Moves
    ) -> None:
        """Keep that a figure left what is usual, and tell it, if that is new."""
        told = row is not None and row["stands"] and row["direction"] == one.direction
        if told and row is not None and (row["value"], row["usual"]) == (one.value, one.usual):
            return
        moved = row["moved_by"] if told and row is not None else dict(await moves(kpi, one))
        fields = {"value": one.value, "usual": one.usual, "spread": one.spread, "direction": one.direction}
        document = {"_id": anomaly_id(day, one.figure), "kpi": kpi.name, "figure": one.figure, "day": day}
        more = {"score": one.score, "moved_by": moved, "at": at, "stands": True}
        say.put(ANOMALIES, {**document, **fields, **more})
        if not told:
            date = date_of(day).isoformat()
            data = KpiAnomaly(kpi=one.figure[:LONGEST_NAME], day=date, moved_by=moved, **fields)
            say.tell(data, kpi.name, at, f"{one.figure}@{day}@{one.direction}")
            telemetry.ANOMALIES.labels(kpi.name).inc()

    def _moves(
        self, day: int, weeks: Sequence[int], lives: Sequence[int], windows: Mapping[int, Window]
    ) -> Moves:
        """Of a day. What is read for one figure of it serves the others too."""
        places: dict[bool, Mapping[int, ByPlace]] = {}
        policy = self._policy.churn

        async def read(looks_back: bool) -> Mapping[int, ByPlace]:
            if not looks_back:
                return await self._store.places([day, *weeks])
            days, tells = tell([day, *lives], policy)
            return await self._store.places(days, gaps=True, tells=tells)

        def found(kpi: Kpi, one: Judged, read: Mapping[int, ByPlace]) -> Mapping[str, str]:
            if kpi.looks_back:
                days = [day, *(week for week in lives if share_of(kpi, windows[week]).whole)]
                total = [share_of(kpi, windows[one]) for one in days]
                return lives_moved_by(kpi, one.usual, total, shares_of(kpi, days, read, policy))
            pasts, own = [read[week] for week in weeks if week in read], read.get(day, {})
            levels = windows[day].levels
            return moved_by(kpi, one.figure, one.usual, day, own, pasts, levels, policy)

        async def moves(kpi: Kpi, one: Judged) -> Mapping[str, str]:
            if kpi.looks_back not in places:
                places[kpi.looks_back] = await read(kpi.looks_back)
            try:
                moved = found(kpi, one, places[kpi.looks_back])
            except Exception as error:  # one KPI's bug: nobody is named
                telemetry.failed(kpi, [error])
                return {}
            return {dimension: value[:LONGEST_NAME] for dimension, value in moved.items()}

        return moves


def _looks_back(kpis: Iterable[Kpi]) -> bool:
    return any(kpi.looks_back for kpi in kpis)


def as_of(reading: Reading, day: int, moved: Iterable[Moved], policy: ChurnPolicy) -> Window:
    """A day as it was before all of this; of what it looks back to nothing, where there is any."""
    moved = list(moved)
    days = before(reading.days, moved, day) if moved else reading.days
    levels = levels_before(reading.levels, moved)
    return window(days, levels, first=day, last=day, one_channel=False, policy=policy)


def result_of(kpi: Kpi, then: Window) -> Result:
    """Null where the KPI fails, which is counted and logged."""
    try:
        return kpi.of(then)
    except Exception as error:  # one KPI's bug: it is null and counted, and the others stand
        telemetry.failed(kpi, [error])
        return kpi.nothing
