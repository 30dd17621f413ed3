"""Watches the figures of days that are closed: what late facts made of them, and which left what is usual.

Each KPI has one worker that decides: the one whose partition the KPI's name hashes to. It reads the sums of
all partitions and what moved them (``moved``), and what it tells goes out with where that leaves it
(``told``), in one transaction of its partition: exactly once, whoever dies. A worker that takes the partition
over goes on from there.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec
import structlog

from services.metrics import telemetry
from services.metrics.domain.baseline import judged_up_to, known_latest, latest, not_restated, turns
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.registry import KPIS
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.restating import (
    HOUR,
    MINUTE,
    Moved,
    cause,
    changed,
    last_told,
    oldest_kept,
)
from services.metrics.domain.rows import TOLD
from services.metrics.domain.told import KEPT, Due, Told, due
from services.metrics.figures_store import FiguresStore, in_reading
from services.metrics.journal import SERVICE
from services.metrics.journal.acting import Acting
from services.metrics.journal.judging import LONGEST_NAME, Judging, as_of, result_of
from services.metrics.journal.partition import Partition
from services.metrics.journal.rising import Rising
from services.metrics.journal.saying import Saying
from services.metrics.store import MetricsStore, Reading
from shared.kafka.keys import partition_of
from shared.runtime import telemetry as common
from shared.runtime.words import words
from shared.schemas.insights import KpiRestated
from shared.schemas.times import SECOND, Micros, date_of
from shared.worker.retry import passes

log = structlog.get_logger(__name__)

EVERY: Micros = SECOND
KEEP_EVERY: Micros = 10 * MINUTE


class Watching:
    """Of one worker. All of it is called in the processor's lock."""

    def __init__(
        self, sums: MetricsStore, store: FiguresStore, policy: MetricsPolicy, *, stream: bool
    ) -> None:
        self._sums = sums
        self._store = store
        self._policy = policy
        self._stream = stream
        self._judging = Judging(sums, store, policy)
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
        loading, loaded = after.loading, bool(told.loading) and not after.loading
        nothing_new = told.judged is not None and last is not None and last <= told.judged
        if not days and (last is None or (nothing_new and not loaded)):
            if after.since // KEEP_EVERY > told.since // KEEP_EVERY:
                _keep(part, after)  # else who takes over reads again all that moved since something was told
            self._told[key] = after
            return
        lives = replace(self._policy.lives, loading=after.is_loading(wall), loaded=loaded)
        judging = turns(kpis, told.judged, last, days, lives)
        first = min([*days, *self._judging.first(judging)], default=last or 0)
        reading = await self._sums.read(first, gaps=True, back=self._judging.back(judging, first))
        known = in_reading(await self._store.moved_since(told.since), reading)
        found, _, after = due(known, told, wall, self._policy.restating)
        at, say = wall if now is None else now, Saying()
        for one in found:
            self._restate(say, kpis, reading, one, at, wall)
            await asyncio.sleep(0)
        if judging:
            await self._judging.judge(say, judging, reading, at)
        days_before = known_latest(told.latest, kpis, told.judged, lives)
        after = msgspec.structs.replace(after, loading=loading, latest=latest(days_before, judging))
        if last is not None:
            after = msgspec.structs.replace(after, judged=judged_up_to(told.judged, last))
        say.into(part)
        _keep(part, after)
        self._told[key] = after

    def _restate(
        self, say: Saying, kpis: Sequence[Kpi], reading: Reading, one: Due, at: Micros, wall: Micros
    ) -> None:
        then, now = (
            as_of(reading, one.day, moved, self._policy.churn) for moved in (one.since_told, one.since)
        )
        why = cause(one.late, one.day)
        for kpi in (kpi for kpi in kpis if not not_restated(kpi)):
            figures = changed(kpi.figures(result_of(kpi, then)), kpi.figures(result_of(kpi, now)))
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


def watched(number: int, count: int) -> list[Kpi]:
    """Those for which the worker of this of so many partitions decides."""
    return [kpi for name, kpi in KPIS.items() if partition_of(name.encode(), count) == number]


def _keep(part: Partition, told: Told) -> None:
    part.outbox.put(TOLD, {"_id": part.number, "told": msgspec.msgpack.encode(told)})


def _holds(parts: Mapping[int, Partition], key: tuple[int, int]) -> bool:
    number, epoch = key
    return number in parts and parts[number].epoch == epoch
