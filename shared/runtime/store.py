"""The service's MongoDB database as the worker writes it: one transaction a batch.

Collections: ``state`` (a document a customer), ``journal`` (one a handled event), ``timers``,
``outbox`` (the journal entries of fired timers not yet known to be published, a document a
partition), ``watermarks`` (stream clock), and those that the handler's rows name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from shared.runtime.effects import Handler, S
from shared.runtime.keys import key_hash
from shared.runtime.plan import Entry, Held, Plan, Timer, command_digest
from shared.runtime.processing import Fenced, Origin
from shared.runtime.publisher import Record

Document = dict[str, Any]
DUPLICATE_KEY = 11000


class DuplicateEvents(Exception):
    """Some events of the batch stand in the journal already; nothing was written."""


@dataclass(frozen=True, slots=True)
class Journalled:
    """What the journal says of an event handled before."""

    origin: Origin
    emitted: tuple[Record, ...]


class WorkerStore(Generic[S]):
    """Reads and writes for one handler's worker."""

    def __init__(self, client: AsyncMongoClient[Document], handler: Handler[S]) -> None:
        self._client = client
        self._handler = handler
        self.database: AsyncDatabase[Document] = client[f"rapport_{handler.service}"]

    async def prepare(self) -> None:
        """Make the indexes. Safe to repeat."""
        await self.database["timers"].create_index("due_at")
        for collection, indexes in self._handler.indexes.items():
            for keys in indexes:
                await self.database[collection].create_index(
                    [(k.lstrip("-"), DESCENDING if k.startswith("-") else ASCENDING) for k in keys.split(",")]
                )

    async def load(self, subjects: Sequence[str]) -> dict[str, Held[S]]:
        """The states of these customers; of a new one, the initial state at version 0."""
        found: dict[str, Held[S]] = {s: Held(self._handler.initial(s), 0) for s in subjects}
        if len(subjects) == 1:
            documents = [d async for d in self.database["state"].find({"_id": subjects[0]})]
        else:
            documents = await self.database["state"].find({"_id": {"$in": list(subjects)}}).to_list()
        for d in documents:
            found[d["_id"]] = Held(self._handler.state.model_validate(d["data"]), d["version"])
        return found

    async def due_timers(self, partition: int, partitions: int, horizon: datetime, limit: int) -> list[Timer]:
        """The partition's timers due by ``horizon``, the earliest first, at most ``limit``."""
        query = {"due_at": {"$lte": horizon}, "key_hash": {"$mod": [partitions, partition]}}
        rows = await self.database["timers"].find(query).sort("due_at", 1).limit(limit).to_list()
        return [Timer(r["subject"], r["name"], r["due_at"], r["payload"]) for r in rows]

    async def journalled(self, uids: Sequence[str]) -> dict[str, Journalled]:
        """Those of the events that have been handled before."""
        entries = await self.database["journal"].find({"_id": {"$in": list(uids)}}).to_list()
        return {e["_id"]: _journalled(e) for e in entries}

    async def outbox(self, partition: int) -> list[Record]:
        """What a worker that died may not have published of its fired timers."""
        document = await self.database["outbox"].find_one({"_id": partition})
        if document is None:
            return []
        entries = await self.journalled(document["entries"])
        return [record for uid in document["entries"] for record in entries[uid].emitted]

    async def clear_outbox(self, partition: int) -> None:
        await self.database["outbox"].delete_one({"_id": partition})

    async def drop_timer(self, subject: str, name: str) -> None:
        await self.database["timers"].delete_one({"_id": f"{subject}|{name}"})

    async def watermark(self, partition: int) -> datetime | None:
        document = await self.database["watermarks"].find_one({"_id": partition})
        return document["to"] if document else None

    async def write(
        self,
        plan: Plan[S],
        held: Mapping[str, Held[S]],
        *,
        partition: int,
        watermark: datetime | None,
        deadline_ms: int = 10_000,
    ) -> bool:
        """Write the plan in one transaction; True if it put timers' entries into the outbox.

        Raises ``DuplicateEvents``, ``Fenced``, or PyMongo's errors; after any of them nothing is written.
        """
        outbox = [e.event.uid for e in plan.entries if e.origin.offset < 0 and e.emitted]
        async with (
            self._client.start_session() as session,
            await session.start_transaction(max_commit_time_ms=deadline_ms),
        ):
            await self._insert_journal(plan.entries, session)
            await self._write_states(plan.states, held, session)
            await self._write_rows(plan, session)
            if outbox:
                document = {"_id": partition, "entries": outbox}
                await self.database["outbox"].replace_one(
                    {"_id": partition}, document, upsert=True, session=session
                )
            if watermark is not None:
                await self.database["watermarks"].update_one(
                    {"_id": partition}, {"$max": {"to": watermark}}, upsert=True, session=session
                )
        return bool(outbox)

    async def _insert_journal(self, entries: Sequence[Entry], session: AsyncClientSession) -> None:
        if not entries:
            return
        documents = [_document(entry) for entry in entries]
        try:
            await self.database["journal"].insert_many(documents, ordered=False, session=session)
        except BulkWriteError as error:
            if _is_duplicate(error):
                raise DuplicateEvents from error
            raise

    async def _write_states(
        self, states: Mapping[str, S], held: Mapping[str, Held[S]], session: AsyncClientSession
    ) -> None:
        if not states:
            return
        writes: list[InsertOne[Document] | UpdateOne] = []
        for subject, state in states.items():
            version = held[subject].version
            data = state.model_dump()
            if version == 0:
                writes.append(InsertOne({"_id": subject, "version": 1, "data": data}))
            else:
                writes.append(
                    UpdateOne(
                        {"_id": subject, "version": version}, {"$set": {"version": version + 1, "data": data}}
                    )
                )
        try:
            result = await self.database["state"].bulk_write(writes, ordered=False, session=session)
        except BulkWriteError as error:
            if _is_duplicate(error):
                raise Fenced("another worker has created the customer's state") from error
            raise
        if result.inserted_count + result.matched_count != len(writes):
            raise Fenced("another worker has changed the customer's state")

    async def _write_rows(self, plan: Plan[S], session: AsyncClientSession) -> None:
        if plan.timers:
            writes = [_timer_write(key, timer) for key, timer in plan.timers.items()]
            await self.database["timers"].bulk_write(writes, ordered=False, session=session)
        for collection, documents in plan.appends.items():
            await self.database[collection].insert_many(
                [dict(d) for d in documents], ordered=False, session=session
            )
        for collection, puts in plan.puts.items():
            await self.database[collection].bulk_write(
                [ReplaceOne({"_id": d["_id"]}, dict(d), upsert=True) for d in puts.values()],
                ordered=False,
                session=session,
            )


def _timer_write(key: str, timer: Timer | None) -> DeleteOne | ReplaceOne[Document]:
    if timer is None:
        return DeleteOne({"_id": key})
    return ReplaceOne(
        {"_id": key},
        {
            "_id": key,
            "subject": timer.subject,
            "name": timer.name,
            "due_at": timer.due_at,
            "key_hash": key_hash(timer.subject.encode()),
            "payload": dict(timer.payload),
        },
        upsert=True,
    )


def _document(entry: Entry) -> Document:
    event, origin = entry.event, entry.origin
    document: Document = {
        "_id": event.uid,
        "type": event.type,
        "subject": event.subject,
        "at": event.time,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
    }
    if entry.status is not None:
        document["outcome"] = {"status": entry.status, "body": dict(entry.body or {})}
        document["digest"] = command_digest(entry)
    if entry.emitted:
        document["emitted"] = [
            {"topic": r.topic, "key": r.key, "value": r.value, "headers": [list(h) for h in r.headers]}
            for r in entry.emitted
        ]
    return document


def _journalled(document: Mapping[str, Any]) -> Journalled:
    origin = Origin(document["topic"], document["partition"], document["offset"])
    return Journalled(origin, tuple(_record(r) for r in document.get("emitted", ())))


def _record(stored: Mapping[str, Any]) -> Record:
    headers = tuple((name, bytes(value)) for name, value in stored["headers"])
    return Record(stored["topic"], bytes(stored["key"]), bytes(stored["value"]), headers)


def _is_duplicate(error: BulkWriteError) -> bool:
    problems: Iterable[Mapping[str, Any]] = (error.details or {}).get("writeErrors", [])
    return any(p.get("code") == DUPLICATE_KEY for p in problems)
