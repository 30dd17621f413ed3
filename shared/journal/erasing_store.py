"""What an erasure reads and removes of a service's database, in pieces that nobody waits long for."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pymongo
from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from shared.domain import ERASED, Collection, Put
from shared.journal.documents import Change
from shared.journal.epoch import Epochs
from shared.journal.erasing import ERASING, Chore, nameless, remaining
from shared.journal.refusals import said
from shared.runtime.mongo import Document

SLICE = 500
"""Documents that are read, or removed, together."""
READ_SECONDS = 900
"""For one collection: where it has no index by its owners, all of it is read."""
ANSWERED = "outcome.body.customer_id"
"""Whose an alias is, as it was answered."""
TRACE = {
    "subject": 1,
    "topic": 1,
    "partition": 1,
    "offset": 1,
    "emitted.key": 1,
    "emitted.about": 1,
    ANSWERED: 1,
    "refusal.code": 1,
    "outcome.status": 1,
}
"""What of a journal entry says whom it is about and what is to be done about it."""
GONE = {"outcome": {"status": ERASED.status, "body": said(ERASED())}}
"""What a command of somebody who was erased is answered from then on."""


class Bare(NamedTuple):
    """What is left of a command's entry."""

    hash: str
    """Of whom it was about."""
    answers: bool
    """Its outcome stays."""


@dataclass(slots=True)
class Removal:
    """What goes in one transaction."""

    documents: dict[str, list[Any]] = field(default_factory=dict)
    """The ``_id`` of those to delete, by collection."""
    bare: dict[str, Bare] = field(default_factory=dict)
    """By uid, commands whose entries stay without what they held."""
    untold: dict[str, list[str]] = field(default_factory=dict)
    """By uid, entries about others, and of which customers they tell no longer."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """How many documents of each collection that is, by the hash of whom they were about."""

    def count(self, hash: str, collection: str) -> None:
        """One more."""
        self.counts.setdefault(hash, Counter())[collection] += 1


class ErasingStore:
    """For one service's worker."""

    def __init__(
        self, database: AsyncDatabase[Document], epochs: Epochs, collections: Sequence[Collection]
    ) -> None:
        """``collections`` are all that the service has."""
        self.database = database
        self._epochs = epochs
        self.owned = [one for one in collections if one.owners and one.name not in (ERASING.name, "journal")]
        """Those of which rows go."""

    async def chores(self, partition: int, partitions: int) -> list[Chore]:
        """What is still to be removed of the partition's customers who were erased."""
        mine = {"key_hash": {"$mod": [partitions, partition]}}
        return [Chore.read(d) async for d in self.database[ERASING.name].find(mine)]

    async def begin(self, partition: int, epoch: int, chores: Sequence[Chore]) -> None:
        """Note that these are to be done, if it is not noted yet. Raises ``FencedError``."""
        noted: list[Change] = [
            UpdateOne({"_id": chore.hash}, {"$setOnInsert": chore.document()}, upsert=True)
            for chore in chores
        ]
        await self._write(partition, epoch, {ERASING.name: noted})

    async def rows(self, collection: Collection, ids: Sequence[str]) -> AsyncIterator[list[Document]]:
        """The rows about any of these, slice by slice: who that is and their ``_id``, and all of them where
        the collection says what becomes of a row elsewhere."""
        query = remaining(collection, ids)
        fields = None if collection.forget is not None else dict.fromkeys(collection.owners, 1)
        async for found in self._slices(collection.name, query, fields):
            yield found

    async def traces(self, ids: Sequence[str]) -> AsyncIterator[list[Document]]:
        """What the journal has about any of these, slice by slice (``TRACE``): their own entries, and those
        of others that tell something of them."""
        keys = [id.encode() for id in ids]
        about = [{name: {"$in": list(ids)}} for name in ("subject", "emitted.about", ANSWERED)]
        query = {"$or": [*about, {"emitted.key": {"$in": keys}}]}
        async for found in self._slices("journal", query, TRACE):
            yield found

    async def _slices(
        self, collection: str, query: Mapping[str, Any], fields: Mapping[str, int] | None
    ) -> AsyncIterator[list[Document]]:
        with pymongo.timeout(READ_SECONDS):
            cursor = self.database[collection].find(query, fields, batch_size=SLICE)
        try:
            while True:
                with pymongo.timeout(READ_SECONDS):
                    found = await cursor.to_list(SLICE)
                if not found:
                    return
                yield found
        finally:
            await cursor.close()

    async def remove(self, partition: int, epoch: int, removal: Removal) -> None:
        """All of it, with how many that were. Raises ``FencedError``."""
        changes: dict[str, list[Change]] = {
            name: [DeleteOne({"_id": id}) for id in ids] for name, ids in removal.documents.items()
        }
        journal = [_bare(uid, left) for uid, left in removal.bare.items()]
        journal += [change for uid, ids in removal.untold.items() for change in _untold(uid, ids)]
        changes.setdefault("journal", []).extend(journal)
        changes[ERASING.name] = [
            UpdateOne({"_id": hash}, {"$inc": {f"removed.{name}": n for name, n in counts.items()}})
            for hash, counts in removal.counts.items()
        ]
        await self._write(partition, epoch, changes)

    async def end(self, partition: int, epoch: int, chore: Chore, at: datetime) -> Chore | None:
        """The chore as it ended: ``at``, unless it had before. None if it is no more. Raises
        ``FencedError``."""
        query = {"_id": chore.hash, "ended": None}
        await self._write(partition, epoch, {ERASING.name: [UpdateOne(query, {"$set": {"ended": at}})]})
        found = await self.database[ERASING.name].find_one({"_id": chore.hash})
        return None if found is None else Chore.read(found)

    async def forget(self, partition: int, epoch: int, chore: Chore, rows: Sequence[Put]) -> None:
        """The last that knows the id goes; ``rows`` are what the service keeps of it. Raises
        ``FencedError``."""
        changes: dict[str, list[Change]] = {ERASING.name: [DeleteOne({"_id": chore.hash})]}
        for row in rows:
            put = ReplaceOne({"_id": row.document["_id"]}, dict(row.document), upsert=True)
            changes.setdefault(row.collection, []).append(put)
        await self._write(partition, epoch, changes)

    async def _write(self, partition: int, epoch: int, changes: Mapping[str, Sequence[Change]]) -> None:
        async with self._epochs.transaction({partition: epoch}) as session:
            await self._epochs.write(partition, epoch, {}, session)
            for collection, found in changes.items():
                if found:
                    await self.database[collection].bulk_write([*found], ordered=False, session=session)


def _bare(uid: str, left: Bare) -> UpdateOne:
    kept = nameless(left.hash) | ({} if left.answers else GONE)
    return UpdateOne({"_id": uid}, {"$set": kept, "$unset": {"emitted": "", "refusal": "", "digest": ""}})


def _untold(uid: str, ids: Sequence[str]) -> list[UpdateOne]:
    keys = [id.encode() for id in ids]
    told = [{"key": {"$in": keys}}, {"about": {"$in": list(ids)}}]
    named = {"_id": uid, ANSWERED: {"$in": list(ids)}}
    return [
        *(UpdateOne({"_id": uid, "emitted": {"$exists": True}}, {"$pull": {"emitted": one}}) for one in told),
        UpdateOne(named, {"$unset": {ANSWERED: ""}}),
    ]


def told_of(trace: Document) -> list[str]:
    """Of whom an entry about others tells (``TRACE``), each once."""
    emitted = trace.get("emitted", ())
    ids = [bytes(one["key"]).decode(errors="replace") for one in emitted]
    ids += [id for one in emitted for id in one.get("about", ())]
    answered = trace.get("outcome", {}).get("body", {}).get("customer_id")
    return [*dict.fromkeys(ids if answered is None else [*ids, answered])]
