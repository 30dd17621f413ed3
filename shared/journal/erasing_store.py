"""What an erasure reads and removes of a service's database, in pieces that nobody waits long for."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pymongo
from pymongo import DeleteMany, DeleteOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from shared.domain import ERASED, Collection, Put
from shared.journal.documents import Change
from shared.journal.epoch import Epochs
from shared.journal.erasing import ERASING, Chore, nameless, remaining
from shared.journal.refusals import said
from shared.runtime.mongo import Document

SLICE = 500
"""Documents that are read, or removed, together."""
TOGETHER = 20
"""Documents of one statement, which costs the embedded server as much as several of them; more in one, and it
takes long to find each among their ids."""
READ_SECONDS = 900
"""For one collection: where it has no index by its owners, all of it is read."""
WHERE_ELSE = "outcome.body.merged_into"
"""Who an old id was, as a command was answered there; it says that of the outcome's own place too."""
ANSWERED = ("outcome.body.customer_id", "outcome.body.into", WHERE_ELSE)
"""Whose an alias is, and who another one is, as it was answered."""
TRACE = {
    "subject": 1,
    "topic": 1,
    "partition": 1,
    "offset": 1,
    "emitted.key": 1,
    "emitted.about": 1,
    **dict.fromkeys(ANSWERED, 1),
    "refusal.code": 1,
    "outcome.status": 1,
}
"""What of a journal entry says whom it is about and what is to be done about it."""
GONE = {"outcome": {"status": ERASED.status, "body": said(ERASED())}}
"""What a command of somebody who was erased is answered from then on."""


class Bare(NamedTuple):
    """What is left of a command's entry."""

    mark: str
    """Of whom it was about."""
    answers: bool
    """Its outcome stays."""


class Untold(NamedTuple):
    """What goes of an entry about somebody else."""

    customers: list[str]
    """Of whom it is not to tell any more."""
    mark: str
    """Of whom it is about."""


@dataclass(slots=True)
class Removal:
    """What goes in one transaction."""

    documents: dict[str, list[Document]] = field(default_factory=dict)
    """Those to delete, by collection: the ``_id``, and whose a row is, as it may be another's by now."""
    changed: dict[str, list[Document]] = field(default_factory=dict)
    """Rows about others, by collection: the ``_id``, and the fields that are set, so that they tell of nobody
    who is gone."""
    bare: dict[str, Bare] = field(default_factory=dict)
    """By uid, commands whose entries stay without what they held."""
    untold: dict[str, Untold] = field(default_factory=dict)
    """By uid, entries about others."""
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
        the collection says what becomes of a row elsewhere. And all of those about others that tell of
        them."""
        query = remaining(collection, ids)
        fields = None if collection.forget is not None else dict.fromkeys(collection.owners, 1)
        wanted = {*ids}
        async for found in self._slices(collection.name, query, fields):
            others = [row["_id"] for row in found if wanted.isdisjoint(map(row.get, collection.owners))]
            if others:
                whole = self.database[collection.name].find({"_id": {"$in": others}})
                found = [row for row in found if row["_id"] not in others] + await whole.to_list()
            yield found

    async def traces(self, ids: Sequence[str]) -> AsyncIterator[list[Document]]:
        """What the journal has about any of these, slice by slice (``TRACE``): their own entries, and those
        of others that tell something of them."""
        keys = [id.encode() for id in ids]
        about = [{name: {"$in": list(ids)}} for name in ("subject", "emitted.about", *ANSWERED)]
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
            name: [*deletes(found)] for name, found in removal.documents.items()
        }
        for name, rows in removal.changed.items():
            set_of = ((row["_id"], {k: v for k, v in row.items() if k != "_id"}) for row in rows)
            changes.setdefault(name, []).extend(UpdateOne({"_id": id}, {"$set": told}) for id, told in set_of)
        journal = [_bare(uid, left) for uid, left in removal.bare.items()]
        journal += [change for uid, one in removal.untold.items() for change in _untold(uid, one)]
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


def deletes(documents: Sequence[Document]) -> Iterator[DeleteMany]:
    """The removal of these, each as it says, ``TOGETHER`` in a statement."""
    alike: dict[tuple[tuple[str, Any], ...], list[Any]] = {}
    for one in documents:
        whose = tuple((name, value) for name, value in one.items() if name != "_id")
        alike.setdefault(whose, []).append(one["_id"])
    for whose, ids in alike.items():
        for start in range(0, len(ids), TOGETHER):
            yield DeleteMany({"_id": {"$in": ids[start : start + TOGETHER]}, **dict(whose)})


def _bare(uid: str, left: Bare) -> UpdateOne:
    kept = nameless(left.mark) | ({} if left.answers else GONE)
    return UpdateOne({"_id": uid}, {"$set": kept, "$unset": {"emitted": "", "refusal": "", "digest": ""}})


def _untold(uid: str, left: Untold) -> list[UpdateOne]:
    ids = left.customers
    keys = [id.encode() for id in ids]
    told = [{"key": {"$in": keys}}, {"about": {"$in": ids}}]
    asked = {"_id": uid, "digest": {"$exists": True}}
    return [
        *(UpdateOne({"_id": uid, "emitted": {"$exists": True}}, {"$pull": {"emitted": one}}) for one in told),
        # What went on there is answered as it is there by now.
        UpdateOne({"_id": uid, WHERE_ELSE: {"$in": ids}}, {"$set": GONE}),
        *(UpdateOne({"_id": uid, name: {"$in": ids}}, {"$unset": {name: ""}}) for name in ANSWERED),
        UpdateOne(asked, {"$unset": {"digest": ""}, "$set": {"erased": left.mark}}),
    ]


def told_of(trace: Document) -> list[str]:
    """Of whom an entry about others tells (``TRACE``), each once."""
    emitted = trace.get("emitted", ())
    ids = [bytes(one["key"]).decode(errors="replace") for one in emitted]
    ids += [id for one in emitted for id in one.get("about", ())]
    body = trace.get("outcome", {}).get("body", {})
    answered = (body.get(name.rpartition(".")[2]) for name in ANSWERED)
    return [*dict.fromkeys((*ids, *(id for id in answered if isinstance(id, str))))]
