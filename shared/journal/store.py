"""The service's MongoDB database as the worker writes it: one transaction per step.

Collections: ``state`` (one document per customer, and those of other kinds), ``journal`` (one per handled
event), ``timers``, ``partitions`` (see ``epoch``; with ``outbox``, the journal entries of fired timers not
yet known to be published, and ``watermark`` under the stream clock), ``counters`` (shared by all partitions:
name and ``used``), ``erased``, ``erasing`` and ``keys`` (see ``erasing``), and those that the handler's rows
name.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, OperationFailure

from shared.domain import Collection, Handler, S
from shared.journal.bisection import StatesTooLargeError
from shared.journal.documents import Change, Journalled, Writes, journalled, writes_of
from shared.journal.epoch import COLLECTION as PARTITIONS
from shared.journal.epoch import Epochs
from shared.journal.erasing import ERASED_IDS, ERASING, KEYS
from shared.journal.erasing_store import ANSWERED, ErasingStore
from shared.journal.later import read_state, size_of
from shared.journal.plan import Plan, StoredState, Timer
from shared.kafka.publisher import Record
from shared.runtime.mongo import Document
from shared.runtime.trail import AUDIT
from shared.worker.processing import FencedError
from shared.worker.retry import codes_of

COLLECTIONS = (
    Collection("state", owner="_id", personal=("data",)),
    Collection(
        "journal",
        owner="subject",
        personal=("outcome", "emitted", "refusal"),
        also=("emitted.about", *ANSWERED),
    ),
    Collection("timers", owner="subject", personal=("payload",), indexes=("due_at,_id",)),
    Collection(PARTITIONS, owner=None, personal=()),
    Collection("counters", owner=None, personal=()),
    ERASED_IDS,
    ERASING,
    KEYS,
    AUDIT,
)
"""The journal's own."""
NAMESPACE_EXISTS = 48
WRITE_CONFLICT = 112
DUPLICATE_KEY = 11000


class DuplicateEventsError(Exception):
    """Some events of the plan stand in the journal already; nothing was written."""


class GoneMovedError(Exception):
    """Others are erased than the plan takes for it, of those of whom it tells somebody else; nothing was
    written."""

    def __init__(self, gone: frozenset[str]) -> None:
        super().__init__(f"{len(gone)} are erased")
        self.gone = gone
        """The hashes of those that are."""


class CountersMovedError(Exception):
    """Another worker has taken from a shared counter of the plan meanwhile; nothing was written."""


async def prepare(database: AsyncDatabase[Document], collections: Sequence[Collection]) -> None:
    """Make these collections with their indexes, before the first transaction: two that are the first to
    write a collection would be in each other's way. Safe to repeat, and for workers that start together."""
    there = set(await database.list_collection_names())
    for collection in collections:
        if collection.name in there:
            continue
        try:
            await database.create_collection(collection.name, check_exists=False)
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:
                raise
    for collection in collections:
        for keys in collection.indexes:
            await database[collection.name].create_index(
                [(k.lstrip("-"), DESCENDING if k.startswith("-") else ASCENDING) for k in keys.split(",")]
            )
        if collection.expires is not None:
            field, kept = collection.expires
            await database[collection.name].create_index(field, expireAfterSeconds=int(kept.total_seconds()))


class WorkerStore(Generic[S]):
    """Reads and writes for one handler's worker."""

    def __init__(
        self, client: AsyncMongoClient[Document], handler: Handler[S], *, compact: bool = False
    ) -> None:
        """``compact``: states are written in that form where their model can (``compact``)."""
        self._handler = handler
        self._compact = compact
        self.database: AsyncDatabase[Document] = client[f"rapport_{handler.service}"]
        self._epochs = Epochs(client, self.database)
        self.erasing = ErasingStore(self.database, self._epochs, (*COLLECTIONS, *handler.collections))

    async def prepare(self) -> None:
        """Make the journal's collections and the handler's, with their indexes; see ``prepare``."""
        await prepare(self.database, (*COLLECTIONS, *self._handler.collections))

    async def take_over(self, partition: int, count: int) -> int:
        """Before the first read of a partition, one of ``count``: only who has this epoch writes it now."""
        epoch: int = (await self._epochs.take_over(partition, count))["epoch"]
        return epoch

    async def first_count(self) -> int:
        """The smallest number of partitions under which the database was in use."""
        return await self._epochs.first_count()

    async def settle(self, partition: int, epoch: int) -> int:
        """After a write that had no answer: the attempt that was written last, and none after it ever will be
        that began before. Raises ``FencedError``."""
        return await self._epochs.settle(partition, epoch)

    async def prove(self, partition: int, epoch: int) -> None:
        """Write nothing but the partition's document: a store that refuses this refuses anything."""
        await self._epochs.write(partition, epoch, {})

    async def load(self, ids: Sequence[str], most: int) -> dict[str, StoredState[S]]:
        """The states of these ids; of a new one, the initial state at version 0. Raises
        ``StatesTooLargeError`` if they are several, of more than ``most`` characters."""
        handler = self._handler
        found: dict[str, StoredState[S]] = {id: StoredState(handler.of(id).initial(id), 0) for id in ids}
        if len(ids) == 1:
            cursor = self.database["state"].find({"_id": ids[0]})
        else:
            known = {"_id": {"$in": list(ids)}}
            cursor = self.database["state"].find(known, batch_size=len(ids) + 1)  # one reply, no getMore
        read, largest, documents = 0, 1, await cursor.to_list(1)
        while documents:
            for d in documents:
                id, data = d["_id"], d["data"]
                size = size_of(data)
                read, largest = read + size, max(largest, size)
                found[id] = StoredState(read_state(handler.of(id).state, data), d["version"], size)
            if read > most and len(ids) > 1:
                await cursor.close()
                raise StatesTooLargeError(f"{len(ids)} states are of more than {most} characters")
            # How large the next are is not known before: as many as fit if they are like the largest so far.
            documents = await cursor.to_list(max(1, (most - read) // largest))
        return found

    async def erased(self) -> set[str]:
        """The hashes of all ids that were erased, of all partitions."""
        return {d["_id"] async for d in self.database[ERASED_IDS.name].find({}, {"_id": 1})}

    async def due_timers(self, partition: int, partitions: int, horizon: datetime, limit: int) -> list[Timer]:
        """The partition's timers due by ``horizon``, the earliest first, at most ``limit``."""
        query = {"due_at": {"$lte": horizon}, "key_hash": {"$mod": [partitions, partition]}}
        order = [("due_at", 1), ("_id", 1)]  # of one instant by their keys, as the planner has them
        rows = await self.database["timers"].find(query).sort(order).limit(limit).to_list()
        return [Timer(r["subject"], r["name"], r["due_at"], r["payload"]) for r in rows]

    async def journalled(self, uids: Sequence[str]) -> dict[str, Journalled]:
        """Those of the events that have been handled before."""
        entries = await self.database["journal"].find({"_id": {"$in": list(uids)}}).to_list()
        return {e["_id"]: journalled(e) for e in entries}

    async def counters(self, names: Sequence[str]) -> dict[str, int | None]:
        """What is taken of each shared counter now, None for one without a document."""
        found: dict[str, int | None] = dict.fromkeys(names)
        async for document in self.database["counters"].find({"_id": {"$in": list(names)}}):
            found[document["_id"]] = document["used"]
        return found

    async def outbox(self, partition: int) -> dict[str, tuple[Record, ...]]:
        """What may not be published yet of fired timers: by their entries' uids, in order."""
        document = await self.database[PARTITIONS].find_one({"_id": partition}, {"outbox": 1})
        uids = (document or {}).get("outbox", ())
        entries = await self.journalled(uids) if uids else {}
        return {uid: entries[uid].emitted if uid in entries else () for uid in uids}

    async def clear_outbox(self, partition: int, epoch: int, uids: Sequence[str]) -> None:
        """These are published. Raises ``FencedError``."""
        await self._epochs.write(partition, epoch, {"$pullAll": {"outbox": list(uids)}})

    async def watermark(self, partition: int) -> datetime | None:
        """Aware, UTC; None before the first batch under the stream clock."""
        document = await self.database[PARTITIONS].find_one({"_id": partition}, {"watermark": 1})
        return (document or {}).get("watermark")

    async def write(
        self,
        plan: Plan[S],
        stored: Mapping[str, StoredState[S]],
        *,
        partition: int,
        epoch: int,
        attempt: int,
        watermark: datetime | None,
        counters_first: bool = False,
        told_of: frozenset[str] = frozenset(),
        gone: frozenset[str] = frozenset(),
    ) -> None:
        """Write the plan in one transaction. No two under an epoch are the same ``attempt``, from 1.

        Shared counters come last, so that a worker that dies here holds up no other; ``counters_first``
        instead lets a long transaction win against others' short ones. Of those of whom it tells somebody
        else, ``told_of``, it takes ``gone`` for erased. Raises ``DuplicateEventsError``,
        ``CountersMovedError``, ``GoneMovedError``, ``FencedError``: nothing is written then. After one of
        PyMongo's errors it may have been, or may yet be, until ``settle`` tells.
        """
        writes = writes_of(
            plan, stored, partition=partition, attempt=attempt, watermark=watermark, compact=self._compact
        )
        async with self._epochs.transaction({partition: epoch}) as session:
            await self._epochs.write(partition, epoch, writes.partition, session)
            if told_of:
                found = await self._erased_of(told_of, session)
                if found != gone:
                    raise GoneMovedError(found)
            await self._write_all(writes, session, counters_first=counters_first)

    async def _erased_of(self, hashes: frozenset[str], session: AsyncClientSession) -> frozenset[str]:
        asked = {"_id": {"$in": sorted(hashes)}}
        cursor = self.database[ERASED_IDS.name].find(asked, {"_id": 1}, session=session)
        return frozenset([d["_id"] async for d in cursor])

    async def _write_all(self, writes: Writes, session: AsyncClientSession, *, counters_first: bool) -> None:
        if counters_first:
            await self._write_counters(writes.counters, session)
        await self._write_journal(writes, session)
        await self._write_states(writes.states, session)
        for collection, documents in writes.inserts.items():
            await self.database[collection].insert_many(documents, ordered=False, session=session)
        for collection, changes in writes.changes.items():
            await self.database[collection].bulk_write(changes, ordered=False, session=session)
        if not counters_first:
            await self._write_counters(writes.counters, session)

    async def _write_journal(self, writes: Writes, session: AsyncClientSession) -> None:
        journal = self.database["journal"]
        if writes.forgotten:
            await journal.bulk_write(writes.forgotten, ordered=False, session=session)
        if not writes.journal:
            return
        try:
            await journal.insert_many(writes.journal, ordered=False, session=session)
        except BulkWriteError as error:
            if DUPLICATE_KEY in codes_of(error):
                raise DuplicateEventsError from error
            raise

    async def _write_counters(self, changes: Sequence[Change], session: AsyncClientSession) -> None:
        if not changes:
            return
        try:
            result = await self.database["counters"].bulk_write(changes, ordered=False, session=session)
        except OperationFailure as error:
            if codes_of(error) & {DUPLICATE_KEY, WRITE_CONFLICT}:
                raise CountersMovedError from error
            raise
        if result.inserted_count + result.matched_count + result.upserted_count != len(changes):
            raise CountersMovedError

    async def _write_states(self, writes: Sequence[Change], session: AsyncClientSession) -> None:
        if not writes:
            return
        try:
            result = await self.database["state"].bulk_write(writes, ordered=False, session=session)
        except BulkWriteError as error:
            if DUPLICATE_KEY in codes_of(error):
                raise FencedError("another worker has created the customer's state") from error
            raise
        if result.inserted_count + result.matched_count + result.deleted_count != len(writes):
            raise FencedError("another worker has changed the customer's state")
