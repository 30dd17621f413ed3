"""Writing what changed of a worker's partitions, one transaction for all, about once a second."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from time import perf_counter

import structlog

from services.metrics.journal import SERVICE
from services.metrics.journal.holding import UNWRITTEN
from services.metrics.journal.library import Library
from services.metrics.journal.looking import Looker
from services.metrics.journal.narrowing import ALWAYS_FIT, Narrowing, RefusedWriteError
from services.metrics.journal.outbox import Publish
from services.metrics.journal.partition import Partition
from services.metrics.journal.port import Store
from services.metrics.journal.writes import Write
from shared.runtime import telemetry
from shared.runtime.mongo import WRITING_SECONDS
from shared.runtime.words import words
from shared.schemas.times import Micros
from shared.worker import faults
from shared.worker.budget import Budget
from shared.worker.processing import TopicOffset
from shared.worker.retry import about_document, passes, takes_another

log = structlog.get_logger(__name__)

SHARE = 4
"""After a flush of d seconds the next waits at least 4 d: writing takes a fifth of the time at most."""
LONGEST_REST_SECONDS = 10.0
"""But no longer than this: a flush that hung through an outage would keep the numbers late long after it."""
FOLD_SECONDS = 30.0
MOST_CUSTOMERS = 20_000
"""So many are written together at most, and fewer where they would take the store longer than this:"""
WELL_IN_TIME = WRITING_SECONDS / 2
PENDING_SHARE = 3 / 8
"""What is not written takes this part of the memory at most: with the store away, reading waits here. Queues,
batches and clients may have the rest."""
MOST_CELLS = 200_000
"""Nor does it change more than so many: they must fit a transaction, as customers do."""


class Flushing:
    """Of one worker. All of it is called in the processor's lock."""

    def __init__(
        self,
        store: Store,
        publish: Publish,
        looker: Looker | None,
        clock: Callable[[], float],
        flush_seconds: float,
    ) -> None:
        self.narrowing = Narrowing()
        self.durable: dict[TopicOffset, int] = {}
        """Of what stands and is not committed."""
        self.next_flush = 0.0
        self.most_customers = MOST_CUSTOMERS
        """Who changed more than so many has them written, whatever the time."""
        self._next_fold = 0.0
        self._store = store
        self._publish = publish
        self._looker = looker
        self._clock = clock
        self._flush_seconds = flush_seconds

    def begin(self, stored: Mapping[TopicOffset, int]) -> None:
        """Partitions are taken over, with these offsets."""
        self.durable = dict(stored)
        self._next_fold = self._clock() + FOLD_SECONDS

    def is_too_much(self, partitions: Collection[Partition], budget: Budget) -> bool:
        """Whether so much changed that it is written before its time."""
        return (
            budget.kinds[UNWRITTEN] > budget.limit * PENDING_SHARE
            or sum(len(part.changed) for part in partitions) > self.most_customers
            or sum(len(part.tail) + part.past.cells for part in partitions) > MOST_CELLS
        )

    async def flush_if_due(self, partitions: Collection[Partition], library: Library) -> None:
        """Write what changed, if it is time, and do the next step of what is to be done about ids."""
        if self._clock() < self.next_flush:
            return
        try:
            await self.flush(partitions)
            for part in partitions:
                await library.work(part.known, part.epoch)
        except Exception as error:  # the store raises of many kinds
            if not passes(error) and not about_document(error):  # there is no event to be at fault
                raise
            telemetry.RETRIES.labels(SERVICE, "mongo").inc()
            log.warning("the store is away; counting goes on in memory", error=words(error))
            self.next_flush = self._clock() + self._flush_seconds

    async def look(self, parts: Mapping[int, Partition], wall: Micros, *, busy: bool) -> None:
        """The next step of looking at customers. Raises ``FencedError``."""
        looker, part = self._looker, None
        if looker is None:
            return

        def limited(number: int) -> bool:
            return self.narrowing.limit(number) is not None

        try:
            part = await looker.turn(parts, wall, busy=busy, limited=limited)
            if part is not None:
                await self.flush([part])
        except RefusedWriteError:
            if part is not None and len(part.looks.told) == 1 and await self.takes_another(part):
                looker.leave_out(part)
            raise
        except Exception as error:  # the next turn does it again
            if not passes(error):
                raise
            telemetry.RETRIES.labels(SERVICE, "mongo").inc()
            log.warning("the store is away; nobody is looked at", error=words(error))

    async def takes_another(self, part: Partition) -> bool:
        """Whether the store takes a write of nothing of this partition's."""
        return await takes_another(partial(self._store.prove, part.number, part.epoch))

    async def _write(self, dirty: Sequence[Partition], *, fold: bool) -> list[Write]:
        told = [len(part.looks.told) for part in dirty]
        try:
            writes = await self.narrowing.write(self._store, [p.write(fold=fold) for p in dirty], dirty)
        except Exception as error:  # told on, unless what is told may be at fault
            refused = isinstance(error, RefusedWriteError)
            if self._looker is None or not self._looker.refused(dirty, error.__cause__ if refused else error):
                raise
            raise RefusedWriteError(f"what is told may be at fault: {words(error)}") from error
        if self._looker is not None:
            for part, n in zip(dirty, told, strict=True):
                self._looker.written(part, n)
        return writes

    async def flush(self, partitions: Iterable[Partition]) -> None:
        """Write what changed, in one transaction; it has all taken effect, or none of it."""
        began, started = self._clock(), perf_counter()
        fold = began >= self._next_fold
        dirty = [part for part in partitions if part.dirty]
        if not dirty:
            return
        writes = await self._write(dirty, fold=fold)
        faults.point("after_transaction")
        leftover = [part.written(write) for part, write in zip(dirty, writes, strict=True)]
        _count_erased(writes)
        for part, write in zip(dirty, writes, strict=True):
            self.durable.update({(t, part.number): offset for t, offset in write.offsets.items()})
        ended = self._clock()
        self._pace(sum(len(write.customers) for write in writes), ended - began)
        rest = min(SHARE * (ended - began), LONGEST_REST_SECONDS)
        self.next_flush = ended + max(self._flush_seconds, rest)
        if fold:
            self._next_fold = ended + FOLD_SECONDS
        telemetry.BATCH_SECONDS.labels(SERVICE, "transaction").observe(perf_counter() - started)
        for taking_out in leftover:
            for _ in taking_out:
                await asyncio.sleep(0)
        for part in dirty:
            await part.outbox.publish(self._publish)

    def _pace(self, customers: int, seconds: float) -> None:
        """So many were written in this time."""
        if customers >= ALWAYS_FIT and seconds > 0:
            fit = int(customers * WELL_IN_TIME / seconds)
            self.most_customers = max(ALWAYS_FIT, min(fit, MOST_CUSTOMERS))


def _count_erased(writes: Iterable[Write]) -> None:
    """That writes stand which erase somebody: it begins and ends with them."""
    for write in writes:
        erased = sum(write.removal.tombstones.values())
        telemetry.ERASURES_BEGUN.labels(SERVICE).inc(erased)
        telemetry.ERASURES_COMPLETED.labels(SERVICE).inc(erased)
        telemetry.ERASURES_DOCUMENTS.labels(SERVICE).inc(sum(map(len, write.removal.rows.values())))
