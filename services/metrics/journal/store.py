"""Metrics' database as the worker writes it: takeover, and what changed in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from pymongo import AsyncMongoClient, DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.cells import LEVELS
from services.metrics.domain.fits import Fit
from services.metrics.domain.gaps import is_gap
from services.metrics.domain.places import escape
from services.metrics.domain.rows import (
    FOLDS,
    LAST_FOLDS,
    OWED,
    day_id,
    fit_of,
    fold_id,
    hour_id,
    named_under,
    owed_id,
    owed_version,
    pack_minutes,
    pack_names,
    pack_tail,
    unpack_minutes,
    unpack_names,
    unpack_tail,
)
from services.metrics.journal.dimensions import Dimensions
from services.metrics.journal.erasing import OWNED
from services.metrics.journal.id_store import IdStore
from services.metrics.journal.looks import Sweep
from services.metrics.journal.outbox import Leaving, pack_records, unpack_records
from services.metrics.journal.writes import Removal, Stored, Write
from shared.facts.erased import ERASED_IDS, ERASING
from shared.journal.epoch import Epochs
from shared.journal.erasing import Chore
from shared.kafka.publisher import Record
from shared.runtime.mongo import Document

LOOKUP = 100
"""Customers asked for in one query."""
MOST_FOLDED = 20_000
"""Of a fold of more cells it is not kept what it changed: who keeps the days reads them anew."""


class WorkerStore:
    """What the worker reads and writes. PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document], client: AsyncMongoClient[Document]) -> None:
        self._db = database
        self.ids = IdStore(database)
        self._dimensions = Dimensions(database)
        self._epochs = Epochs(client, database)

    async def claim(self, partition: int, count: int) -> Stored:
        """Take the partition over, of ``count``: whoever had it before cannot write it any more."""
        found = await self._epochs.take_over(partition, count)
        tail = unpack_tail(bytes(found.get("tail", b"")))
        tail.minutes = unpack_minutes(bytes(found.get("minutes", b"")))
        tail.since = found.get("since", 0)
        return Stored(
            epoch=found["epoch"],
            version=found["writes"],
            offsets=found.get("offsets", {}),
            watermark=found.get("watermark"),
            tail=tail,
            outbox=await self._outbox(partition),
            folds=found.get("folds", 0),
            before_minutes="since" not in found and "offsets" in found,
            sweep=Sweep(**found["sweep"]) if "sweep" in found else None,
            before_looks=await self._before_looks(found, count),
            owed=await self._owed(partition),
        )

    async def _outbox(self, partition: int) -> dict[str, tuple[Record, ...]]:
        found = self._db["outbox"].find({"_id": named_under(str(partition))}).sort("_id", 1)
        return {d["_id"]: unpack_records(bytes(d["records"])) async for d in found}

    async def _before_looks(self, found: Document, count: int) -> bool:
        """A partition that is new has customers of others, who may be as older versions left them."""
        if found.get("sweep", {}).get("of") == count:
            return False
        counted = {"offsets": {"$exists": True}, "sweep": {"$exists": False}}
        left = {"$or": [counted, {"sweep.first": True}]}
        return await self._db["partitions"].find_one(left, {"_id": 1}) is not None

    async def _owed(self, partition: int) -> dict[int, tuple[str, ...]]:
        found = self._db[OWED].find({"_id": named_under(str(partition))})
        return {owed_version(d["_id"]): unpack_names(bytes(d["customers"])) async for d in found}

    async def first_count(self) -> int:
        return await self._epochs.first_count()

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The records of those customers that have one."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), LOOKUP):
            wanted = list(ids[start : start + LOOKUP])
            query: Document = {"_id": wanted[0]} if len(wanted) == 1 else {"_id": {"$in": wanted}}
            async for document in self._db["customers"].find(query):
                found[document["_id"]] = bytes(document["record"])
        return found

    async def erased(self) -> list[str]:
        """The hashes of all ids that were erased."""
        return [d["_id"] async for d in self._db[ERASED_IDS].find({}, {"_id": 1})]

    async def returned(self, partition: int, count: int) -> list[Chore]:
        """The partition's customers who came back with an older store, as an import of tombstones found."""
        mine = {"key_hash": {"$mod": [count, partition]}}
        return [Chore.read(d) async for d in self._db[ERASING].find(mine)]

    async def rows_about(self, customer: str) -> dict[str, tuple[str, ...]]:
        """The ``_id`` of all documents about a customer, by collection."""
        found: dict[str, tuple[str, ...]] = {}
        for name, collection in OWNED.items():
            rows = self._db[name].find(collection.about(customer), {"_id": 1})
            found[name] = tuple([d["_id"] async for d in rows])
        return found

    async def fits(self) -> list[Fit]:
        """Of all models."""
        return [fit_of(row) async for row in self._db["models"].find({})]

    async def names(self, after: str, most: int) -> list[str]:
        """The next ids of customers, of all partitions."""
        found = self._db["customers"].find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1).limit(most)
        return [document["_id"] async for document in found]

    async def write(self, writes: Sequence[Write]) -> None:
        """Write all, in one transaction. Raises ``FencedError`` if a partition is no longer as this worker
        had it: another's, or written by this one without its knowing."""
        # Before the transaction: a value that got a name for a write that never came does no harm.
        writes = [replace(w, tail=await self._dimensions.bounded(w.tail)) for w in writes]
        epochs = {write.partition: write.epoch for write in writes}
        async with self._epochs.transaction(epochs) as session:
            await self._write_all(writes, session)

    async def prove(self, partition: int, epoch: int) -> None:
        """Write nothing but the partition's document. Raises ``FencedError``."""
        await self._epochs.write(partition, epoch, {})

    async def _write_all(self, writes: Sequence[Write], session: AsyncClientSession) -> None:
        for write in writes:
            await self._write_partition(write, session)
            await self._erase(write.removal, session)
        customers = {k: v for write in writes for k, v in write.customers.items()}
        if customers:
            await self._db["customers"].bulk_write(
                [ReplaceOne({"_id": k}, {"record": v}, upsert=True) for k, v in customers.items()],
                ordered=False,
                session=session,
            )
        folding = [write for write in writes if write.fold is not None]
        await self._fold_cells(folding, session)
        await self.ids.write(writes, session)
        for write in writes:
            if write.leaving:
                await self._leave(write.leaving, session)
            await self._owe(write, session)

    async def _erase(self, removal: Removal, session: AsyncClientSession) -> None:
        """Who was erased goes, before anything is written that came later."""
        for collection, ids in removal.rows.items():
            await self._db[collection].delete_many({"_id": {"$in": list(ids)}}, session=session)
        changes: list[ReplaceOne[Document] | DeleteOne] = [
            ReplaceOne({"_id": hash}, {"_id": hash}, upsert=True) if stands else DeleteOne({"_id": hash})
            for hash, stands in removal.tombstones.items()
        ]
        if changes:
            await self._db[ERASED_IDS].bulk_write(changes, ordered=False, session=session)

    async def _leave(self, leaving: Leaving, session: AsyncClientSession) -> None:
        """The outbox, in the transaction of what is told."""
        rows: dict[str, list[ReplaceOne[Document]]] = {}
        for put in leaving.put:
            replacing = ReplaceOne[Document]({"_id": put.document["_id"]}, {**put.document}, upsert=True)
            rows.setdefault(put.collection, []).append(replacing)
        for collection, some in rows.items():
            await self._db[collection].bulk_write(some, ordered=False, session=session)
        if leaving.told:
            told = [InsertOne({"_id": id, "records": pack_records(records)}) for id, records in leaving.told]
            await self._db["outbox"].bulk_write(told, ordered=False, session=session)
        if leaving.published:
            gone = {"_id": {"$in": list(leaving.published)}}
            await self._db["outbox"].delete_many(gone, session=session)

    async def _owe(self, write: Write, session: AsyncClientSession) -> None:
        """Who is owed a look since this write, and who no longer is."""
        owed, owing = self._db[OWED], write.owing
        if owing.new:
            id = owed_id(write.partition, write.version)
            await owed.insert_one({"_id": id, "customers": pack_names(owing.new)}, session=session)
        if owing.settled:
            gone = [owed_id(write.partition, version) for version in owing.settled]
            await owed.delete_many({"_id": {"$in": gone}}, session=session)

    async def _write_partition(self, write: Write, session: AsyncClientSession) -> None:
        fold = write.fold is not None
        change: Document = {
            "$set": {
                "offsets": dict(write.offsets),
                "tail": b"" if fold else pack_tail(write.tail),
                "minutes": b"" if fold else pack_minutes(write.tail.minutes),
                "since": write.tail.since,
            },
            "$inc": {"folds": int(fold)},
        }
        if fold:
            for (_, place, name), n in write.tail.items():
                if name in LEVELS:
                    path = f"{name}.{place}"
                    change["$inc"][path] = change["$inc"].get(path, 0) + n
        for segment, (n, score) in write.tally.items():
            where = f"segments.{escape(segment)}"
            change["$inc"] |= {f"{where}.customers": n, f"{where}.score": score}
        if write.sweep is not None:
            change["$set"]["sweep"] = asdict(write.sweep)
        if write.watermark is not None:
            change["$max"] = {"watermark": write.watermark}
        await self._epochs.write(write.partition, write.epoch, change, session, writes=write.version)

    async def _fold_cells(self, writes: Sequence[Write], session: AsyncClientSession) -> None:
        increments: dict[str, dict[str, dict[str, int]]] = {"days": {}, "gaps": {}, "minutes": {}}
        for write in writes:
            for (day, place, name), n in write.tail.items():
                documents = increments["gaps" if is_gap(name) else "days"]
                documents.setdefault(day_id(day, write.partition), {})[f"cells.{place}.{name}"] = n
            for minute, fields in write.tail.minutes.items():
                paths = increments["minutes"].setdefault(hour_id(minute // 60, write.partition), {})
                paths.update({f"cells.{minute % 60}.{name}": n for name, n in fields.items() if n})
        for collection, documents in increments.items():
            changes = [UpdateOne({"_id": k}, {"$inc": v}, upsert=True) for k, v in documents.items() if v]
            if changes:
                await self._db[collection].bulk_write(changes, ordered=False, session=session)
        await self._keep_folds(writes, session)
        for write in writes:
            if not write.tail.minutes:
                continue
            old = {
                "$gte": hour_id(0, write.partition),
                "$lt": hour_id(write.tail.since // 60, write.partition),
            }
            await self._db["minutes"].delete_many({"_id": old}, session=session)

    async def _keep_folds(self, writes: Iterable[Write], session: AsyncClientSession) -> None:
        """What each fold brings, in the place of the oldest that is kept."""
        changes: list[ReplaceOne[Document] | DeleteOne] = []
        for write in writes:
            number = write.folds + 1
            packed = pack_tail(write.tail) if len(write.tail) <= MOST_FOLDED else None
            id = {"_id": fold_id(write.partition, number)}
            changes.append(ReplaceOne(id, {"packed": packed}, upsert=True))
            if number > LAST_FOLDS:
                changes.append(DeleteOne({"_id": fold_id(write.partition, number - LAST_FOLDS)}))
        if changes:
            await self._db[FOLDS].bulk_write(changes, ordered=False, session=session)
