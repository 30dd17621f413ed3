"""Metrics' processor: exactly-once counts without a document per event.

Events take effect in memory. About once a second one transaction writes what changed: cells, customers'
records, the ids seen, and the offsets all that stands for. After a crash the worker reads on from those
offsets, and what was in memory is counted again from the log.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from functools import partial
from time import monotonic, perf_counter
from typing import NoReturn

import structlog

from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.themes import Matcher
from services.metrics.journal import SERVICE
from services.metrics.journal.applying import PoisonError, apply_all, aside
from services.metrics.journal.erasing import Erased
from services.metrics.journal.flushing import Flushing
from services.metrics.journal.library import Library
from services.metrics.journal.looking import Looker, Looking
from services.metrics.journal.narrowing import RefusedWriteError
from services.metrics.journal.outbox import Publish
from services.metrics.journal.partition import NO_THEMES, Partition
from services.metrics.journal.port import Store
from services.metrics.journal.residues import Residue
from services.metrics.journal.seen import event_hash
from services.metrics.journal.watching import Watching
from shared.journal.erasing import Chore
from shared.journal.returned import AT_ONCE, erased_again
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.schemas.customers import CustomerErased
from shared.schemas.times import Micros, micros
from shared.worker.budget import Budget
from shared.worker.processing import Batch, FencedError, Message, Origin, TopicOffset, Wanted
from shared.worker.retry import retry

log = structlog.get_logger(__name__)

REVOKE_SECONDS = 4.0
"""The loop gives a revoke five."""

_COUNTED = frozenset(CONSUMES)


class CompactProcessor:
    """Implements ``shared.worker.processing.Processor``."""

    def __init__(
        self,
        store: Store,
        publish: Publish,
        *,
        stream: bool,
        erased_by: bytes,
        flush_seconds: float = 1.0,
        recent_ids: int = 1_000_000,
        page_bytes: int = 32 * 1024 * 1024,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        budget: Budget | None = None,
        watching: Watching | None = None,
        looking: Looking | None = None,
        themes: Matcher = NO_THEMES,
    ) -> None:
        """``erased_by``: the key of erased ids' hashes. ``budget`` is the process's, for all that it keeps in
        memory; ``watching`` says what figures do; ``looking`` how customers' health is looked at. None of
        either: it is not. ``themes``: what texts are read for."""
        self._themes = themes
        self._watching = watching
        self._budget = budget or Budget()
        self._store = store
        self._publish = publish
        self._stream = stream
        self._library = Library(store.ids, recent_ids=recent_ids, page_bytes=page_bytes)
        self._budget.ask("ids", lambda: self._library.bytes)
        self._wall_clock = wall_clock
        self._erased = Erased(erased_by, self._budget)
        self._partitions: dict[int, Partition] = {}
        self._let_go: dict[int, Partition] = {}
        """Perhaps to be taken over again, with the ids that are in memory."""
        self._returned: dict[int, list[Chore]] = {}
        """By partition, who came back with an older store and is to be erased again."""
        self._count = 0
        self._poison: set[Origin] = set()
        self._looker = Looker(store, looking, stream=stream, clock=clock) if looking is not None else None
        self._flushing = Flushing(store, publish, self._looker, clock, flush_seconds)
        self._narrowing = self._flushing.narrowing
        self._busy = False
        """Something was processed since the last look."""
        # A revoke comes from the consumer's own task, whatever is under way here.
        self._lock = asyncio.Lock()

    def _wall(self) -> Micros:
        return micros(self._wall_clock())

    @property
    def id_bytes(self) -> int:
        """What the ids of events take in memory."""
        return self._library.bytes

    async def assigned(self, partitions: frozenset[int], count: int) -> Mapping[TopicOffset, int]:
        async with self._lock:
            self._close(frozenset(self._partitions))
            before, self._let_go = self._let_go, {}
            taken = await self._take_over(sorted(partitions), count, before)
            for part in taken.values():  # what was left, before anything new is decided
                await part.outbox.publish(self._publish)
            self._partitions = taken
            if self._looker is not None:
                self._looker.begin(taken.values())
            stored = {(t, p): offset for p, part in taken.items() for t, offset in part.offsets.items()}
            # Their commit may have been lost in a rebalance, and nobody reads these records again.
            self._flushing.begin(stored)
            return stored

    async def _take_over(
        self, numbers: Sequence[int], count: int, before: Mapping[int, Partition]
    ) -> dict[int, Partition]:
        """Claim all, then read the ids that are not in memory: those of partitions that others wrote, or that
        may have been written without an answer."""
        stored, kept = {}, {}
        for number in numbers:
            stored[number] = await retry(SERVICE, "mongo", partial(self._store.claim, number, count))
            was = before.get(number)
            if was is not None and was.known.residue == Residue(count, number):
                as_stored = was.ids_as_stored(stored[number].version)
                if as_stored is not None:
                    kept[Residue(count, number)] = as_stored
        find = self._store.returned
        self._returned = {n: await retry(SERVICE, "mongo", partial(find, n, count)) for n in numbers}
        self._count = count
        # After the claims: nobody else writes a hash of these partitions from then on.
        self._erased.read(await retry(SERVICE, "mongo", self._store.erased))
        opened = await self._library.open([Residue(count, number) for number in numbers], kept)
        return {
            n: Partition.take_over(
                n,
                stored[n],
                *opened[Residue(count, n)],
                self._budget,
                self._wall,
                self._themes,
                erased=self._erased,
            )
            for n in numbers
        }

    async def first_count(self) -> int:
        return await retry(SERVICE, "mongo", self._store.first_count)

    async def watermark(self, partition: int) -> datetime | None:
        part = self._partitions.get(partition)
        return part.watermark if part is not None else None

    async def process(self, batch: Batch) -> None:
        for some in self._narrowing.cut(batch):
            await self._process(some)
            if self._narrowing.limit(batch.partition) is not None:
                await self._write_few(some)

    async def _write_few(self, batch: Batch) -> None:
        """After a write was refused: each time that there are as many events as may be written together they
        are, so that at last the one at fault stands alone. Raises ``FencedError``, then."""
        async with self._lock:
            part, most = self._partitions.get(batch.partition), self._narrowing.limit(batch.partition)
            if part is None or most is None or (part.events < most and most > 1):
                return
            events = part.events
            try:
                await retry(SERVICE, "mongo", lambda: self._flushing.flush([part]))
            except RefusedWriteError as refused:
                alone = most == 1 and not part.looks.told
                if alone and batch.messages and await self._flushing.takes_another(part):
                    await self._set_aside(PoisonError(batch.messages[0]), refused.__cause__)
                raise
            if events:
                self._narrowing.written(batch.partition)

    async def _process(self, batch: Batch) -> None:
        started, wall = perf_counter(), micros(batch.now)
        async with self._lock:
            part = self._partitions.get(batch.partition)
            if part is None:
                return  # let go meanwhile; the next owner reads these again
            fresh = [
                (message, event_hash(message.event.uid))
                for message in batch.messages
                if type(message.event.data) in _COUNTED and message.origin not in self._poison
            ]
            seen = await self._library.seen(part.known, ((m.event.subject, h) for m, h in fresh))
            await self._load(part, fresh, seen)
            try:
                apply_all(part, fresh, lambda m: micros(m.at) if self._stream else wall, seen, batch.now)
            except PoisonError as poison:
                await self._set_aside(poison, poison.__cause__)
            part.grow(type(message.event.data) for message, _ in fresh)
            if batch.records:
                await retry(SERVICE, "kafka", lambda: self._publish(batch.records))
            part.advance(
                {topic: offset for (topic, _), offset in batch.offsets.items()},
                batch.horizon if self._stream and batch.offsets else None,
            )
            telemetry.BATCH_SIZE.labels(SERVICE).observe(len(batch.messages))
            self._busy = self._busy or bool(batch.messages)
            if self._narrowing.limit(batch.partition) == 1:
                pass  # it is written alone
            elif self._flushing.is_too_much(self._partitions.values(), self._budget):
                await retry(SERVICE, "mongo", lambda: self._flushing.flush(self._partitions.values()))
            else:
                await self._flushing.flush_if_due(self._partitions.values(), self._library)
        telemetry.BATCH_SECONDS.labels(SERVICE, "total").observe(perf_counter() - started)

    async def idle(self, settled: Mapping[int, frozenset[str]] | None = None) -> Wanted:
        more = await self._erase_again()
        async with self._lock:
            await self._flushing.flush_if_due(self._partitions.values(), self._library)
            if self._watching is not None:
                await self._watching.work(self._partitions, self._wall())
            busy, self._busy = self._busy, False
            await self._flushing.look(self._partitions, self._wall(), busy=busy)
        return Wanted(soon=more)

    async def _erase_again(self) -> bool:
        """Some of those who came back, as if it were told that they are erased. Whether there are more."""
        for number, chores in self._returned.items():
            part = self._partitions.get(number)
            if part is None or not chores:
                continue
            some, self._returned[number] = chores[:AT_ONCE], chores[AT_ONCE:]
            for chore in some:
                self._erased.discard(chore.hash)  # or it would have no effect
            now = part.watermark if self._stream else self._wall_clock()
            await self._process(erased_again(SERVICE, number, self._count, some, now))
            return True
        return False

    async def revoked(self, partitions: frozenset[int]) -> None:
        try:
            async with asyncio.timeout(REVOKE_SECONDS), self._lock:
                await self._flushing.flush([p for n, p in self._partitions.items() if n in partitions])
        except Exception as error:
            # Nothing is lost: the next owner counts from the offsets that stand.
            log.warning("let go without a last flush", error=words(error))
        finally:
            self._close(partitions)

    def _close(self, partitions: frozenset[int]) -> None:
        for number in partitions & self._partitions.keys():
            part = self._let_go[number] = self._partitions.pop(number)
            part.close()

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._flushing.durable = self._flushing.durable, {}
        return offsets

    async def _load(self, part: Partition, fresh: Sequence[tuple[Message, int]], seen: Set[int]) -> None:
        recent = part.known.recent
        new = [m.event for m, h in fresh if h not in seen and h not in recent]
        subjects = dict.fromkeys(event.data.state_id(event.subject) for event in new)
        self._budget.advance()
        missing = part.hold(subjects)
        for event in new:
            if type(event.data) is CustomerErased:
                part.erasing.found[event.subject] = await self._rows_about(event.subject)
        if not missing:
            return
        started = perf_counter()
        found = await retry(SERVICE, "mongo", lambda: self._store.customers(missing))
        for subject in missing:
            if subject not in self._erased:
                part.remember(subject, found.get(subject))
            elif subject in found:  # it came back with an older store, or is still to go
                part.erasing.remove(await self._rows_about(subject))
        telemetry.BATCH_SECONDS.labels(SERVICE, "load").observe(perf_counter() - started)

    async def _rows_about(self, customer: str) -> Mapping[str, tuple[str, ...]]:
        return await retry(SERVICE, "mongo", partial(self._store.rows_about, customer))

    async def _set_aside(self, poison: PoisonError, cause: BaseException | None) -> NoReturn:
        """Dead-letter an event that cannot be counted. It may be half applied: start again without it."""
        message = poison.message
        record = aside(message, cause, self._wall_clock())
        if record is not None:
            await retry(SERVICE, "kafka", lambda: self._publish([record]))
        telemetry.EVENTS.labels(SERVICE, message.event.type, "dead_lettered").inc()
        self._poison.add(message.origin)
        raise FencedError(f"set aside {message.event.uid}") from cause
