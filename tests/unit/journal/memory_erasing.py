"""``ErasingStore`` in memory: what an erasure reads and removes of a ``MemoryStore``."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.domain import Collection, Outcome, Put
from shared.journal.erasing import Chore, named_in
from shared.journal.erasing_store import GONE, Removal, told_of
from shared.journal.testing_store import InMemoryStore
from shared.kafka.publisher import Record


class MemoryErasing:
    """``fence`` is called with partition and epoch before each write; ``dies`` after so many writes."""

    def __init__(self, store: InMemoryStore[Any], owned: Sequence[Collection], fence: Callable[..., None]):
        self._store = store
        self.owned = [Collection("state", owner="_id", personal=()), *owned]
        self._fence = fence
        self.dies: dict[int, BaseException] = {}
        """What the n-th write from now on ends in, once it is written."""
        self.writes = 0

    def _written(self) -> None:
        self.writes += 1
        if (error := self.dies.pop(self.writes, None)) is not None:
            raise error

    async def chores(self, partition: int, partitions: int) -> list[Chore]:
        return [*self._store.chores.values()]

    async def begin(self, partition: int, epoch: int, chores: Sequence[Chore]) -> None:
        self._fence(partition, epoch)
        self._store.chores |= {one.hash: one for one in chores if one.hash not in self._store.chores}
        self._written()

    async def rows(self, collection: Collection, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        rows = [dict(row) for row in self._store.rows.get(collection.name, {}).values()]
        if collection.name == "state":
            rows = [{"_id": id} for id in self._store.stored]
        wanted = {*ids}
        found = [row for row in rows if {row.get(owner) for owner in collection.owners} & wanted]
        found += [row for row in rows if row not in found and named_in(collection, row) & wanted]
        for start in range(0, len(found), 2):
            yield found[start : start + 2]

    async def traces(self, ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        for uid, subject in list(self._store.subjects.items()):
            entry = self._store.journal[uid]
            trace: dict[str, Any] = {
                "_id": uid,
                "subject": subject,
                "topic": entry.origin.topic,
                "partition": entry.origin.partition,
                "offset": entry.origin.offset,
                "emitted": [_stored(record) for record in entry.emitted],
            }
            if subject not in ids and not {*told_of(trace)} & {*ids}:
                continue
            trace |= {"refusal": {}} if entry.refusal else {}
            yield [trace | ({"outcome": {}} if uid in self._store.outcomes else {})]

    async def remove(self, partition: int, epoch: int, removal: Removal) -> None:
        self._fence(partition, epoch)
        store = self._store
        for name, found in removal.documents.items():
            for wanted in found:
                id = wanted["_id"]
                if name == "state":
                    store.stored.pop(id, None)
                elif name == "journal":
                    store.journal.pop(id, None)
                    store.subjects.pop(id, None)
                elif wanted.items() <= store.rows[name].get(id, {}).items():
                    del store.rows[name][id]
        for name, rows in removal.changed.items():
            for row in rows:
                store.rows[name][row["_id"]] = changed(store.rows[name][row["_id"]], row)
        for uid, left in removal.bare.items():
            store.subjects[uid] = None
            store.journal[uid] = replace(store.journal[uid], emitted=(), refusal=None)
            if not left.answers:
                store.outcomes[uid] = Outcome(**GONE["outcome"])  # type: ignore[arg-type]  # as JSON has it
        for uid, (ids, _) in removal.untold.items():
            entry = store.journal[uid]
            told = ((record, told_of({"emitted": [_stored(record)]})) for record in entry.emitted)
            store.journal[uid] = replace(entry, emitted=tuple(r for r, of in told if not {*of} & {*ids}))
        for hash, counts in removal.counts.items():
            chore = store.chores[hash]
            store.chores[hash] = replace(chore, removed=dict(Counter(chore.removed) + counts))
        self._written()

    async def end(self, partition: int, epoch: int, chore: Chore, at: datetime) -> Chore | None:
        self._fence(partition, epoch)
        found = self._store.chores.get(chore.hash)
        if found is not None and found.ended is None:
            found = self._store.chores[chore.hash] = replace(found, ended=at)
        self._written()
        return found

    async def forget(self, partition: int, epoch: int, chore: Chore, rows: Sequence[Put]) -> None:
        self._fence(partition, epoch)
        self._store.chores.pop(chore.hash, None)
        for row in rows:
            self._store.rows.setdefault(row.collection, {})[row.document["_id"]] = row.document
        self._written()


def _stored(record: Record) -> dict[str, Any]:
    """What the journal has of what an entry emitted."""
    return {"key": record.key, "about": list(record.about)}


def changed(row: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """As ``$set`` does it."""
    result: dict[str, Any] = dict(row)
    for path, value in fields.items():
        *parts, last = path.split(".")
        place = result
        for part in parts:
            place[part] = dict(place[part])
            place = place[part]
        place[last] = value
    return result
