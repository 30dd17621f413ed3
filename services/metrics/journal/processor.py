"""Metrics' processor: exactly-once counts without a document per event.

Events take effect in memory. About once a second one transaction writes what changed: cells, customers'
records, the ids seen, and the offsets all that stands for. After a crash the worker reads on from those
offsets, and what was in memory is counted again from the log.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from time import monotonic, perf_counter
from typing import NoReturn, Protocol, TypeVar

import structlog

from services.metrics.domain.apply import CONSUMES
from services.metrics.journal.partition import Partition
from services.metrics.journal.seen import IdSet, event_hash
from services.metrics.journal.store import Stored, Write
from shared.kafka.publisher import Record
from shared.runtime import telemetry
from shared.schemas.times import micros
from shared.worker import faults
from shared.worker.dead_letters import dead_letter
from shared.worker.processing import Batch, FencedError, Message, Origin, TopicOffset
from shared.worker.retry import passes, retry

log = structlog.get_logger(__name__)
T = TypeVar("T")

SERVICE = "metrics"
MAX_PENDING = 20_000
"""Events kept in memory at most: with the store away, reading waits here."""
SHARE = 4
"""After a flush of d seconds the next waits at least 4 d: writing takes a fifth of the time at most."""
LONGEST_REST_SECONDS = 10.0
"""But no longer than this: a flush that hung through an outage would keep the numbers late long after it."""
FOLD_SECONDS = 30.0
REVOKE_SECONDS = 4.0
"""The loop gives a revoke five."""

_COUNTED = frozenset(CONSUMES)

Publish = Callable[[Sequence[Record]], Awaitable[None]]


class Store(Protocol):
    """What the processor needs of ``WorkerStore``."""

    async def claim(self, partition: int) -> Stored: ...

    def seen(self, partition: int) -> AsyncIterator[bytes]: ...

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]: ...

    async def write(self, writes: Sequence[Write]) -> None: ...


class _PoisonError(Exception):
    """An event that the domain fails on."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.event.uid)
        self.message = message


class CompactProcessor:
    """Implements ``shared.worker.processing.Processor``."""

    def __init__(
        self,
        store: Store,
        publish: Publish,
        *,
        stream: bool,
        flush_seconds: float = 1.0,
        warm_customers: int = 50_000,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._publish = publish
        self._stream = stream
        self._flush_seconds = flush_seconds
        self._warm_customers = warm_customers
        self._clock = clock
        self._wall_clock = wall_clock
        self._partitions: dict[int, Partition] = {}
        self._durable: dict[TopicOffset, int] = {}
        self._next_flush = self._next_fold = 0.0
        self._poison: set[Origin] = set()
        # A revoke comes from the consumer's own task, whatever is under way here.
        self._lock = asyncio.Lock()

    async def assigned(self, partitions: frozenset[int]) -> Mapping[TopicOffset, int]:
        async with self._lock:
            self._partitions = {}
            self._durable.clear()
            taken = {}
            for number in sorted(partitions):
                taken[number] = await retry(SERVICE, "mongo", partial(self._take_over, number))
            self._partitions = taken
            self._next_fold = self._clock() + FOLD_SECONDS
            stored = {(t, p): offset for p, part in taken.items() for t, offset in part.offsets.items()}
            # Their commit may have been lost in a rebalance, and nobody reads these records again.
            self._durable = dict(stored)
            return stored

    async def _take_over(self, number: int) -> Partition:
        stored = await self._store.claim(number)
        seen = IdSet()
        async for chunk in self._store.seen(number):
            # In a thread: heartbeats must not wait for millions of ids.
            await asyncio.to_thread(seen.load, chunk)
        await asyncio.to_thread(seen.sort)
        return Partition.take_over(number, stored, seen)

    async def watermark(self, partition: int) -> datetime | None:
        part = self._partitions.get(partition)
        return part.watermark if part is not None else None

    async def process(self, batch: Batch) -> None:
        started = perf_counter()
        async with self._lock:
            part = self._partitions.get(batch.partition)
            if part is None:
                return  # let go meanwhile; the next owner reads these again
            fresh = [
                (message, event_hash(message.event.uid))
                for message in batch.messages
                if type(message.event.data) in _COUNTED and message.origin not in self._poison
            ]
            await self._load(part, fresh)
            try:
                self._apply(part, fresh, batch.now)
            except _PoisonError as poison:
                await self._set_aside(poison)
            if batch.records:
                await retry(SERVICE, "kafka", lambda: self._publish(batch.records))
            part.advance(
                {topic: offset for (topic, _), offset in batch.offsets.items()},
                batch.horizon if self._stream and batch.offsets else None,
            )
            telemetry.BATCH_SIZE.labels(SERVICE).observe(len(batch.messages))
            if sum(p.events for p in self._partitions.values()) > MAX_PENDING:
                await retry(SERVICE, "mongo", lambda: self._flush(self._partitions.values()))
            else:
                await self._flush_if_due()
        telemetry.BATCH_SECONDS.labels(SERVICE, "total").observe(perf_counter() - started)

    async def idle(self) -> None:
        async with self._lock:
            await self._flush_if_due()

    async def revoked(self, partitions: frozenset[int]) -> None:
        try:
            async with asyncio.timeout(REVOKE_SECONDS), self._lock:
                await self._flush([p for n, p in self._partitions.items() if n in partitions])
        except Exception as error:
            # Nothing is lost: the next owner counts from the offsets that stand.
            log.warning("let go without a last flush", error=f"{type(error).__name__}: {error}"[:300])
        finally:
            for number in partitions:
                self._partitions.pop(number, None)

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets

    async def _load(self, part: Partition, fresh: Sequence[tuple[Message, int]]) -> None:
        subjects = dict.fromkeys(message.event.subject for message, h in fresh if h not in part.seen)
        missing = [s for s in subjects if s not in part.customers]
        if not missing:
            return
        started = perf_counter()
        found = await retry(SERVICE, "mongo", lambda: self._store.customers(missing))
        for subject in missing:
            part.remember(subject, found.get(subject))
        telemetry.BATCH_SECONDS.labels(SERVICE, "load").observe(perf_counter() - started)

    def _apply(self, part: Partition, fresh: Sequence[tuple[Message, int]], now: datetime) -> None:
        """Let all take effect, with no await between. Raises ``_PoisonError``."""
        started, wall = perf_counter(), micros(now)
        results: Counter[tuple[str, str]] = Counter()
        for message, h in fresh:
            try:
                applied = part.apply(message.event, h, micros(message.at) if self._stream else wall)
            except Exception as error:  # a bug in the domain: the event goes aside with its reason
                raise _PoisonError(message) from error
            results[message.event.type, "applied" if applied else "duplicate"] += 1
        faults.point("mid_batch")
        for (kind, result), n in results.items():
            telemetry.EVENTS.labels(SERVICE, kind, result).inc(n)
            if result == "duplicate":
                telemetry.JOURNAL_DUPLICATES.labels(SERVICE).inc(n)
        telemetry.BATCH_SECONDS.labels(SERVICE, "apply").observe(perf_counter() - started)

    async def _set_aside(self, poison: "_PoisonError") -> NoReturn:
        """Dead-letter an event that cannot be counted. It may be half applied: start again without it."""
        message, cause = poison.message, poison.__cause__
        detail = f"{type(cause).__name__}: {cause}"
        log.error("event cannot be counted", event_id=message.event.uid, error=detail, exc_info=cause)
        if message.raw is not None:
            aside = dead_letter(
                SERVICE,
                message.origin,
                message.raw,
                code="internal",
                detail=detail,
                failed_at=self._wall_clock(),
            )
            await retry(SERVICE, "kafka", lambda: self._publish([aside]))
        telemetry.EVENTS.labels(SERVICE, message.event.type, "dead_lettered").inc()
        self._poison.add(message.origin)
        raise FencedError(f"set aside {message.event.uid}") from cause

    async def _flush_if_due(self) -> None:
        if self._clock() < self._next_flush:
            return
        try:
            await self._flush(self._partitions.values())
        except Exception as error:
            if not passes(error):
                raise
            telemetry.RETRIES.labels(SERVICE, "mongo").inc()
            log.warning("the store is away; counting goes on in memory", error=str(error)[:300])
            self._next_flush = self._clock() + self._flush_seconds

    async def _flush(self, partitions: Iterable[Partition]) -> None:
        """Write what changed, in one transaction; it has all taken effect, or none of it."""
        began, started = self._clock(), perf_counter()
        fold = began >= self._next_fold
        dirty = [part for part in partitions if part.dirty]
        if not dirty:
            return
        writes = [part.write(fold=fold) for part in dirty]
        await self._store.write(writes)
        faults.point("after_transaction")
        for part, write in zip(dirty, writes, strict=True):
            part.written(write, self._warm_customers // max(1, len(self._partitions)))
            self._durable.update({(t, part.number): offset for t, offset in write.offsets.items()})
        ended = self._clock()
        rest = min(SHARE * (ended - began), LONGEST_REST_SECONDS)
        self._next_flush = ended + max(self._flush_seconds, rest)
        if fold:
            self._next_fold = ended + FOLD_SECONDS
        telemetry.BATCH_SECONDS.labels(SERVICE, "transaction").observe(perf_counter() - started)
