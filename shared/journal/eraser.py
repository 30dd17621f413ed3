"""Removes what is left of customers who were erased: rows, and what the journal has of them.

It works between batches, a slice at a time, so that nobody waits for it and nothing of it is in a batch's
transaction; what is to be removed is read meanwhile. A crash anywhere leaves the chore, and all begins again
with what is there. At the end ``ErasureCompleted`` is told, always the same one, and the chore goes.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from math import inf
from time import monotonic
from typing import Generic

import structlog

from shared.domain import Collection, Context, Handler, Put, S
from shared.journal.derived import Derived, record_of
from shared.journal.erasing import Chore, named_in
from shared.journal.erasing_store import Bare, Removal, Untold, told_of
from shared.journal.partition import PartitionMemory
from shared.journal.store import WorkerStore
from shared.journal.sweep import End, Found, Sweep
from shared.kafka.publisher import Publisher, Record
from shared.runtime import telemetry
from shared.runtime.mongo import Document
from shared.runtime.words import words
from shared.schemas.customers import CustomerErased, ErasureCompleted
from shared.schemas.event import Event
from shared.schemas.topics import TOPICS
from shared.worker import faults
from shared.worker.processing import FencedError, Wanted

log = structlog.get_logger(__name__)

WORK_SECONDS = 0.1
"""Between two batches; a slice that is begun is ended."""
ASK_SECONDS = 2.0
"""Between two questions what has been handled."""
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 1.0, 60.0
"""After trouble; it doubles."""


class Eraser(Generic[S]):
    """For one handler's worker."""

    def __init__(
        self,
        handler: Handler[S],
        store: WorkerStore[S],
        publisher: Publisher,
        secret_key: bytes,
        *,
        stream: bool,
        wall_clock: Callable[[], datetime],
        mark_of: Callable[[str, str], str],
    ) -> None:
        """``mark_of`` is the planner's."""
        self._mark_of = mark_of
        self._handler, self._store, self._publisher = handler, store, publisher
        self._source = f"/rapport/{handler.service}"
        self._read = {*TOPICS} if handler.reads_everything else {data.topic for data in handler.consumes}
        self._derived = Derived(self._source, secret_key)
        self._stream, self._wall_clock = stream, wall_clock
        self._sweeps: dict[int, Sweep] = {}
        self._asks_at = self._rests_until = 0.0
        self._rest = FIRST_REST_SECONDS

    def drop(self, partition: int) -> None:
        """The partition is let go, or to be begun with anew."""
        if (sweep := self._sweeps.pop(partition, None)) is not None:
            sweep.close()

    async def work(
        self, held: Mapping[int, PartitionMemory[S]], settled: Mapping[int, frozenset[str]] | None
    ) -> Wanted:
        """Go on for ``WORK_SECONDS``. ``settled`` are the topics of which all has been handled, by partition,
        if that was asked for. Raises ``FencedError``; other trouble is waited for without holding up anything
        else."""
        for partition, topics in (settled or {}).items():
            if partition in held:
                held[partition].settled |= topics
        service = self._handler.service
        telemetry.ERASURES_OPEN.labels(service).set(sum(len(memory.chores) for memory in held.values()))
        now = monotonic()
        if now < self._rests_until:
            return Wanted()
        until = now + WORK_SECONDS
        more = asks = False
        for partition, memory in held.items():
            if not memory.chores:
                continue
            try:
                more |= await self._advance(partition, memory, until, asked=settled is not None)
                asks |= memory.unsaid
                self._rest = FIRST_REST_SECONDS
            except FencedError:
                raise
            except Exception as error:  # no event is to blame or to wait: it is told, and tried again
                log.warning("an erasure waits", partition=partition, error=words(error))
                memory.forget_ended()
                telemetry.RETRIES.labels(service, "mongo").inc()
                self.drop(partition)
                self._rests_until = monotonic() + self._rest
                self._rest = min(2 * self._rest, LONGEST_REST_SECONDS)
                return Wanted()
        asks = asks and monotonic() >= self._asks_at
        if asks:
            self._asks_at = monotonic() + ASK_SECONDS
        return Wanted(more, asks)

    async def finish(self, partition: int, memory: PartitionMemory[S]) -> None:
        """To the end, now: somebody waits for it. Raises ``FencedError`` and what store and broker raise."""
        self.drop(partition)
        sweep = Sweep.begin(self._store.erasing, memory.chores.values())
        try:
            while isinstance(found := await sweep.next(), Found):
                await self._remove(partition, memory, sweep, found, now=True)
            await self._end(partition, memory, sweep, found, inf)
        finally:
            sweep.close()
            memory.forget_ended()

    async def _advance(
        self, partition: int, memory: PartitionMemory[S], until: float, *, asked: bool
    ) -> bool:
        """Whether there is more to do at once."""
        while memory.chores:
            sweep = self._sweeps.get(partition)
            if sweep is None:
                if memory.unsaid and not asked:
                    return False
                memory.unsaid = False
                sweep = Sweep.begin(self._store.erasing, memory.chores.values())
                self._sweeps[partition] = sweep
            found = sweep.end or sweep.now()
            if found is None:
                return False
            if isinstance(found, End):
                sweep.end = found
                if await self._end(partition, memory, sweep, found, until):
                    memory.forget_ended()
                    self.drop(partition)
                    asked = False
            else:
                await self._remove(partition, memory, sweep, found)
            if monotonic() >= until:
                return bool(memory.chores)
        return False

    async def _remove(
        self, partition: int, memory: PartitionMemory[S], sweep: Sweep, found: Found, *, now: bool = False
    ) -> None:
        removal, records = Removal(), []
        if found.collection is not None:
            records = self._take(removal, sweep, found.collection, found.documents)
        else:
            unsaid = self._strip(removal, partition, memory, sweep, found.documents, now=now)
            entries = await self._store.journalled(unsaid) if unsaid else {}
            records = [record for uid in unsaid if uid in entries for record in entries[uid].emitted]
        if records:
            await self._publisher.publish(records)
        if removal.counts:
            await self._store.erasing.remove(partition, memory.epoch, removal)
            total = sum(n for counts in removal.counts.values() for n in counts.values())
            telemetry.ERASURES_DOCUMENTS.labels(self._handler.service).inc(total)
        faults.point("mid_erasure")

    def _take(
        self, removal: Removal, sweep: Sweep, collection: Collection, rows: Sequence[Document]
    ) -> list[Record]:
        """Their rows go, and others' tell of them no more. Returns what is told of it elsewhere."""
        records: list[Record] = []
        for row in rows:
            owner = next((owner for owner in collection.owners if row.get(owner) in sweep.chores), None)
            if owner is None:
                if gone := frozenset(named_in(collection, row) & sweep.chores.keys()):
                    told = {"_id": row["_id"], **collection.without(row, gone)}
                    removal.changed.setdefault(collection.name, []).append(told)
                    removal.count(sweep.chores[min(gone)].hash, collection.name)
                continue
            chore = sweep.chores[row[owner]]
            theirs = {"_id": row["_id"], owner: chore.customer}
            removal.documents.setdefault(collection.name, []).append(theirs)
            removal.count(chore.hash, collection.name)
            if collection.forget is not None and (emit := collection.forget(row)) is not None:
                id = f"{chore.hash} {chore.at.isoformat()} {collection.name} {row['_id']}"
                cause = Event(id, f"{self._source}/erasing", chore.customer, chore.at, CustomerErased())
                records += self._derived.records(cause, (emit,))
        return records

    def _strip(
        self,
        removal: Removal,
        partition: int,
        memory: PartitionMemory[S],
        sweep: Sweep,
        traces: Sequence[Document],
        *,
        now: bool,
    ) -> list[str]:
        """Facts of theirs go, as an entry's very name says whom it is about; commands stay, without what they
        held; what others' entries tell of them goes. What may not be published yet is left for later, or,
        where it is to be ``now`` or its topic is read no more, its uids are returned."""
        unsaid: list[str] = []
        for trace in traces:
            chore, is_command = sweep.chores.get(trace["subject"]), "outcome" in trace
            # A fact's entry is all that tells its redelivery from news: a lift would let them come back.
            waits = trace.get("emitted") or "refusal" in trace or (chore is not None and not is_command)
            if waits and not memory.has_said(trace["topic"], trace["partition"], trace["offset"], partition):
                if not now and trace["topic"] in self._read:  # else no record will bring it again
                    sweep.unsaid = True
                    continue
                unsaid.append(trace["_id"])
            if chore is None:
                told = [id for id in told_of(trace) if id in sweep.chores]
                mark = self._mark_of(trace["_id"], trace["subject"] or "")
                removal.untold[trace["_id"]] = Untold(told, mark)
                removal.count(sweep.chores[told[0]].hash, "journal")
                continue
            if is_command:
                # The one that erased them answers as it did.
                mark = self._mark_of(trace["_id"], chore.customer)
                removal.bare[trace["_id"]] = Bare(mark, trace["_id"] == chore.uid)
            else:
                removal.documents.setdefault("journal", []).append({"_id": trace["_id"]})
            removal.count(chore.hash, "journal")
        return unsaid

    async def _end(
        self, partition: int, memory: PartitionMemory[S], sweep: Sweep, end: End, until: float
    ) -> bool:
        """Nothing is left: it is told, and the chores go, one at least. Whether all of them are done with."""
        if end.error is not None:
            raise end.error
        if sweep.unsaid:
            memory.unsaid = True
            return True
        watermark = await self._store.watermark(partition) if self._stream else self._wall_clock()
        while sweep.chores:
            customer, chore = next(iter(sweep.chores.items()))
            await self._finish(partition, memory, chore, max(chore.at, watermark or chore.at))
            memory.ended.add(customer)
            del sweep.chores[customer]
            if monotonic() >= until:
                break
        return not sweep.chores

    async def _finish(self, partition: int, memory: PartitionMemory[S], chore: Chore, at: datetime) -> None:
        ended = await self._store.erasing.end(partition, memory.epoch, chore, at)
        if ended is not None:
            records, rows = self._told(ended, ended.ended or at)
            await self._publisher.publish(records)
            faults.point("after_erasure_told")
            await self._store.erasing.forget(partition, memory.epoch, ended, rows)
            telemetry.ERASURES_COMPLETED.labels(self._handler.service).inc()
        memory.chores.pop(chore.hash, None)

    def _told(self, chore: Chore, at: datetime) -> tuple[list[Record], Sequence[Put]]:
        """What is told of the end, and the rows that the service keeps of it: both the same each time."""
        if not chore.is_customers:
            return [], ()
        service, hash = self._handler.service, chore.hash
        name = f"{self._source} {hash} {chore.uid} {chore.at.isoformat()}"
        id = hashlib.sha256(name.encode()).hexdigest()[:32]
        data = ErasureCompleted(service=service, removed=dict(chore.removed))
        event = Event(id, self._source, chore.customer, at, data)
        records = [record_of(event)]
        if self._handler.of_erased is None or not issubclass(ErasureCompleted, self._handler.consumes):
            return records, ()
        context = Context(
            at,
            partial(self._derived.new_id, event),
            partial(self._derived.secret, event),
            emitted=partial(self._derived.event_id, event),
        )
        heard = self._handler.of_erased(hash, event, context)
        if heard is None:
            return records, ()
        return [*records, *self._derived.records(event, heard.emits)], [
            r for r in heard.rows if isinstance(r, Put)
        ]
