"""Watches the figures of days that are closed: what late facts made of them, and which left what is usual.

Each KPI has one worker that decides: the one whose partition the KPI's name hashes to. It reads the sums of
all partitions and what moved them (``moved``), and what it tells goes out with where that leaves it
(``told``), in one transaction of its partition: exactly once, whoever dies. A worker that takes the partition
over goes on from there.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog

from services.metrics import telemetry
from services.metrics.domain.baseline import Judged, judged, judged_up_to, turns, weekdays_before
from services.metrics.domain.churn_policy import ChurnPolicy
from services.metrics.domain.kpis.kpi import Kpi, Result
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.kpis.window import Window, window
from services.metrics.domain.moved_by import moved_by
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.restating import (
    HOUR,
    MINUTE,
    Moved,
    before,
    cause,
    changed,
    last_told,
    levels_before,
    oldest_kept,
)
from services.metrics.domain.rows import ANOMALIES, TOLD, anomaly_id
from services.metrics.domain.told import KEPT, Due, Told, due
from services.metrics.figures_store import ByPlace, FiguresStore, in_reading
from services.metrics.journal import SERVICE
from services.metrics.journal.acting import Acting
from services.metrics.journal.partition import Partition
from services.metrics.journal.rising import Rising
from services.metrics.journal.saying import Saying
from services.metrics.store import MetricsStore, Reading
from shared.kafka.keys import partition_of
from shared.runtime import telemetry as common
from shared.runtime.mongo import Document
from shared.runtime.words import words
from shared.schemas.insights import KpiAnomaly, KpiRestated
from shared.schemas.times import SECOND, Micros, date_of
from shared.worker.retry import passes

log = structlog.get_logger(__name__)

EVERY: Micros = SECOND
KEEP_EVERY: Micros = 10 * MINUTE
LONGEST_NAME = 128


class Watching:
    """Of one worker. All of it is called in the processor's lock."""

    def __init__(
        self, sums: MetricsStore, store: FiguresStore, policy: MetricsPolicy, *, stream: bool
    ) -> None:
        self._sums = sums
        self._store = store
        self._policy = policy
        self._stream = stream
        self._rising = Rising(sums, store, policy.themes)
        self._acting = Acting(store)
        self._next: Micros = 0
        self._forgets: Micros = 0
        self._told: dict[tuple[int, int], Told] = {}
        """By partition and epoch."""

    async def work(self, parts: Mapping[int, Partition], wall: Micros) -> None:
        """What is due now, at most once a second. While the store is away nothing is."""
        if not parts or self._next - MINUTE <= wall < self._next:  # else the clock went back
            return
        self._next = wall + EVERY
        try:
            await self._acting.work(parts)
            now = await self._now(wall)
            await self._work(parts, now, wall)
            if now is not None and 0 in parts and now >= self._forgets:
                await self._store.forget_moved(oldest_kept(now))
                self._forgets = now + HOUR
            if now is not None:
                await self._rising.work(parts, now)
        except Exception as error:  # of the store, or a bug: both are told apart below
            if passes(error):
                common.RETRIES.labels(SERVICE, "mongo").inc()
                log.warning("the store is away; figures are not watched", error=words(error))
                return
            # A bug here must not stop the counting; nothing of what was to be told was kept.
            telemetry.WATCH_FAILURES.inc()
            log.error("figures are not watched for a minute", error=words(error), exc_info=error)
            self._next = wall + MINUTE

    async def _work(self, parts: Mapping[int, Partition], now: Micros | None, wall: Micros) -> None:
        counts = {part.number: part.known.residue.of for part in parts.values()}
        mine = {number: kpis for number, of in counts.items() if (kpis := watched(number, of))}
        self._told = {key: told for key, told in self._told.items() if _holds(parts, key)}
        if not mine:
            return
        for number in mine:
            await self._load(parts[number], wall)
        since = min(told.since for told in self._told.values())
        moved = await self._store.moved_since(since)
        for number, kpis in mine.items():
            await self._watch(parts[number], kpis, moved, now, wall)

    async def _now(self, wall: Micros) -> Micros | None:
        """Under the stream clock all partitions have come as far as this (None: nothing is heard yet). A
        clock that is ahead of ours closes no day."""
        if not self._stream:
            return wall
        heard = await self._store.watermarks()
        return min(*heard, wall) if heard else None

    async def _load(self, part: Partition, wall: Micros) -> None:
        key = (part.number, part.epoch)
        if key not in self._told:
            known = await self._store.told(part.number)
            # What was written before anybody watched was told by nobody.
            if known is None:
                known = Told(await self._store.versions(), since=wall - KEPT)
                _keep(part, known)
            self._told[key] = known

    async def _watch(
        self, part: Partition, kpis: Sequence[Kpi], moved: Iterable[Moved], now: Micros | None, wall: Micros
    ) -> None:
        key = (part.number, part.epoch)
        told = self._told[key]
        known = [one for one in moved if one.wall >= told.since]
        found, days, after = due(known, told, wall, self._policy.restating)
        last = None if now is None else last_told(now)
        if not days and (last is None or (told.judged is not None and last <= told.judged)):
            if after.since // KEEP_EVERY > told.since // KEEP_EVERY:
                _keep(part, after)  # else who takes over reads again all that moved since something was told
            self._told[key] = after
            return
        judging = turns(kpis, told.judged, last, days)
        first = min([*days, *(weekdays_before(day, self._policy.anomalies.weeks)[-1] for day in judging)])
        reading = await self._sums.read(first, gaps=True)
        known = in_reading(await self._store.moved_since(told.since), reading)
        found, _, after = due(known, told, wall, self._policy.restating)
        at, say = wall if now is None else now, Saying()
        for one in found:
            self._restate(say, kpis, reading, one, at, wall)
            await asyncio.sleep(0)
        if judging:
            await self._judge(say, judging, reading, at)
        if last is not None:
            after = msgspec.structs.replace(after, judged=judged_up_to(told.judged, last))
        say.into(part)
        _keep(part, after)
        self._told[key] = after

    def _restate(
        self, say: Saying, kpis: Sequence[Kpi], reading: Reading, one: Due, at: Micros, wall: Micros
    ) -> None:
        then, now = (
            _as_of(reading, one.day, moved, self._policy.churn) for moved in (one.since_told, one.since)
        )
        why = cause(one.late, one.day)
        for kpi in kpis:
            figures = changed(kpi.figures(_result(kpi, then)), kpi.figures(_result(kpi, now)))
            for figure, (before_it, after_it) in figures.items():
                data = KpiRestated(
                    kpi=figure[:LONGEST_NAME],
                    day=date_of(one.day).isoformat(),
                    **{"from": before_it},
                    to=after_it,
                    cause=why,
                )
                say.tell(data, kpi.name, at, f"{figure}@{one.day}@{wall // MINUTE}")
                telemetry.RESTATED.labels(kpi.name).inc()

    async def _judge(
        self, say: Saying, judging: Mapping[int, Sequence[Kpi]], reading: Reading, at: Micros
    ) -> None:
        policy = self._policy.anomalies
        windows: dict[int, Window] = {}

        def result(kpi: Kpi, day: int) -> Result:
            if day not in windows:
                windows[day] = _as_of(reading, day, (), self._policy.churn)
            return _result(kpi, windows[day])

        known = {row["_id"]: row for row in await self._store.judged(judging)}
        for day, kpis in judging.items():
            await asyncio.sleep(0)
            weeks, places = weekdays_before(day, policy.weeks), dict[int, ByPlace]()
            for kpi in kpis:
                found = judged(kpi, result(kpi, day), [result(kpi, week) for week in weeks], policy)
                for one in found:
                    row = known.pop(anomaly_id(day, one.figure), None)
                    by = partial(self._moved_by, kpi, one, day, weeks, windows[day], places)
                    await self._flag(say, kpi, one, day, row, at, by)
            names = {kpi.name for kpi in kpis}
            for row in known.values():
                if row["day"] == day and row["kpi"] in names and row["stands"]:
                    say.put(ANOMALIES, {**row, "stands": False})

    async def _flag(
        self, say: Saying, kpi: Kpi, one: Judged, day: int, row: Document | None, at: Micros, by: Any
    ) -> None:
        """Keep that a figure left what is usual, and tell it, if that is new."""
        told = row is not None and row["stands"] and row["direction"] == one.direction
        if told and row is not None and (row["value"], row["usual"]) == (one.value, one.usual):
            return
        moved = row["moved_by"] if told and row is not None else await by()
        fields = {"value": one.value, "usual": one.usual, "spread": one.spread, "direction": one.direction}
        document = {"_id": anomaly_id(day, one.figure), "kpi": kpi.name, "figure": one.figure, "day": day}
        more = {"score": one.score, "moved_by": moved, "at": at, "stands": True}
        say.put(ANOMALIES, {**document, **fields, **more})
        if not told:
            date = date_of(day).isoformat()
            data = KpiAnomaly(kpi=one.figure[:LONGEST_NAME], day=date, moved_by=moved, **fields)
            say.tell(data, kpi.name, at, f"{one.figure}@{day}@{one.direction}")
            telemetry.ANOMALIES.labels(kpi.name).inc()

    async def _moved_by(
        self,
        kpi: Kpi,
        one: Judged,
        day: int,
        weeks: Sequence[int],
        then: Window,
        places: dict[int, ByPlace],
    ) -> dict[str, str]:
        """``places``: of these days, once they are read: figures of a day share them."""
        if not places:
            places.update(await self._store.places([day, *weeks]))
        pasts = [places[week] for week in weeks if week in places]
        try:
            found = moved_by(
                kpi, one.figure, one.usual, day, places.get(day, {}), pasts, then.levels, self._policy.churn
            )
        except Exception as error:  # one KPI's bug: nobody is named
            telemetry.failed(kpi, [error])
            return {}
        return {dimension: value[:LONGEST_NAME] for dimension, value in found.items()}


def watched(number: int, count: int) -> list[Kpi]:
    """Those for which the worker of this of so many partitions decides: all that a day's fields tell."""
    mine = [kpi for name, kpi in KPIS.items() if partition_of(name.encode(), count) == number]
    return [kpi for kpi in mine if not kpi.looks_back]


def _keep(part: Partition, told: Told) -> None:
    part.outbox.put(TOLD, {"_id": part.number, "told": msgspec.msgpack.encode(told)})


def _holds(parts: Mapping[int, Partition], key: tuple[int, int]) -> bool:
    number, epoch = key
    return number in parts and parts[number].epoch == epoch


def _as_of(reading: Reading, day: int, moved: Iterable[Moved], policy: ChurnPolicy) -> Window:
    """A day as it was before all of this."""
    moved = list(moved)
    days = before(reading.days, moved, day) if moved else reading.days
    levels = levels_before(reading.levels, moved)
    return window(days, levels, first=day, last=day, one_channel=False, policy=policy)


def _result(kpi: Kpi, then: Window) -> Result:
    """Null where the KPI fails, which is counted and logged."""
    try:
        return kpi.of(then)
    except Exception as error:  # one KPI's bug: it is null and counted, and the others stand
        telemetry.failed(kpi, [error])
        return kpi.nothing
