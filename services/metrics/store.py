"""Metrics' MongoDB database.

Collections:
``partitions``  {_id: partition, version, offsets: {topic: next}, tail, recent, folds, open: {cell: n}}: one
                document a partition; ``tail`` holds the changes of cells, and ``recent`` the ids, that are
                not yet in the collections below
``days``        {_id: "2026-11-22:<partition>", cells: {"<segment>|<channel>": {field: n}}}
``gaps``        the same, for the fields of ``purchases.is_gap``: read for windows of the past only
``customers``   {_id: customer, record: MessagePack of ``domain.customer.Customer``}
``seen``        {_id: "<partition>:<number>", ids: packed}
``watermarks``  {_id: partition, to}: stream clock only
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from pymongo import AsyncMongoClient, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.cells import Cell, Delta, from_date, merged, to_date
from services.metrics.domain.complaints import OPEN
from services.metrics.domain.gaps import is_gap
from services.metrics.journal.seen import ID_BYTES, Chunk
from shared.journal.sessions import Sessions
from shared.worker.processing import Fenced

Document = dict[str, Any]
LOOKUP = 100
"""Customers asked for in one query."""
DEADLINE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What a worker takes over with a partition."""

    version: int
    offsets: Mapping[str, int]
    """Topic -> the next offset to read."""
    watermark: datetime | None
    tail: Delta
    recent: bytes
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Move tail and recent ids to their places: the ids to chunk ``number``, then ``merge`` to one."""

    number: int
    merge: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """All that changed of a partition since it was last written."""

    partition: int
    version: int
    offsets: Mapping[str, int]
    tail: Delta
    recent: bytes
    customers: Mapping[str, bytes]
    watermark: datetime | None = None
    """Only if it moved."""
    fold: Fold | None = None


class WorkerStore:
    """What the worker reads and writes. PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document], client: AsyncMongoClient[Document]) -> None:
        self._db = database
        self._client = client
        self._sessions = Sessions(client, database)

    async def claim(self, partition: int) -> Stored:
        """Take the partition over: whoever held it before cannot write it any more."""
        await self._sessions.take_over(partition)
        # With upsert and the document after, there always is one.
        found: Any = await self._db["partitions"].find_one_and_update(
            {"_id": partition}, {"$inc": {"version": 1}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        watermark = await self._db["watermarks"].find_one({"_id": partition})
        chunks = [
            Chunk(int(d["_id"].partition(":")[2]), d["n"])
            async for d in self._db["seen"].find(_chunk_range(partition), {"n": 1}).sort("_id", 1)
        ]
        return Stored(
            version=found["version"],
            offsets=found.get("offsets", {}),
            watermark=watermark["to"] if watermark else None,
            tail=_tail(found),
            recent=bytes(found.get("recent", b"")),
            chunks=tuple(chunks),
        )

    async def seen(self, partition: int) -> AsyncIterator[bytes]:
        """The packed ids of each chunk."""
        async for document in self._db["seen"].find(_chunk_range(partition)):
            yield bytes(document["ids"])

    async def customers(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The records of those customers that have one."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), LOOKUP):
            wanted = list(ids[start : start + LOOKUP])
            query: Document = {"_id": wanted[0]} if len(wanted) == 1 else {"_id": {"$in": wanted}}
            async for document in self._db["customers"].find(query):
                found[document["_id"]] = bytes(document["record"])
        return found

    async def write(self, writes: Sequence[Write]) -> None:
        """Write all, in one transaction. Raises ``Fenced`` if a partition is no longer this worker's."""
        async with self._client.start_session() as session:
            for write in writes:
                await self._sessions.announce(session, write.partition)
            async with await session.start_transaction(max_commit_time_ms=DEADLINE_MS):
                await self._write_all(writes, session)

    async def _write_all(self, writes: Sequence[Write], session: AsyncClientSession) -> None:
        for write in writes:
            await self._write_partition(write, session)
        customers = {k: v for write in writes for k, v in write.customers.items()}
        if customers:
            await self._db["customers"].bulk_write(
                [ReplaceOne({"_id": k}, {"record": v}, upsert=True) for k, v in customers.items()],
                ordered=False,
                session=session,
            )
        folding = [write for write in writes if write.fold is not None]
        await self._fold_cells(folding, session)
        for write in folding:
            await self._fold_ids(write, session)

    async def _write_partition(self, write: Write, session: AsyncClientSession) -> None:
        fold = write.fold is not None
        change: Document = {
            "$set": {
                "offsets": dict(write.offsets),
                "tail": b""
                if fold
                else msgspec.msgpack.encode([(*cell, n) for cell, n in write.tail.items()]),
                "recent": b"" if fold else write.recent,
            },
            "$inc": {"version": 1, "folds": int(fold)},
        }
        if fold:
            for (_, segment, channel, name), n in write.tail.items():
                if name == OPEN:
                    path = f"open.{_cell_name(segment, channel)}"
                    change["$inc"][path] = change["$inc"].get(path, 0) + n
        result = await self._db["partitions"].update_one(
            {"_id": write.partition, "version": write.version}, change, session=session
        )
        if result.matched_count != 1:
            raise Fenced(f"another worker has taken over partition {write.partition}")
        if write.watermark is not None:
            await self._db["watermarks"].update_one(
                {"_id": write.partition}, {"$max": {"to": write.watermark}}, upsert=True, session=session
            )

    async def _fold_cells(self, writes: Iterable[Write], session: AsyncClientSession) -> None:
        increments: dict[str, dict[str, dict[str, int]]] = {"days": {}, "gaps": {}}
        for write in writes:
            for (day, segment, channel, name), n in write.tail.items():
                documents = increments["gaps" if is_gap(name) else "days"]
                paths = documents.setdefault(f"{to_date(day).isoformat()}:{write.partition}", {})
                paths[f"cells.{_cell_name(segment, channel)}.{name}"] = n
        for collection, documents in increments.items():
            if documents:
                await self._db[collection].bulk_write(
                    [UpdateOne({"_id": k}, {"$inc": paths}, upsert=True) for k, paths in documents.items()],
                    ordered=False,
                    session=session,
                )

    async def _fold_ids(self, write: Write, session: AsyncClientSession) -> None:
        fold, seen = write.fold, self._db["seen"]
        if fold is None or not write.recent:
            return
        ids = write.recent
        if fold.merge:
            names = [_chunk_name(write.partition, chunk.number) for chunk in fold.merge]
            merged_ids = [bytes(d["ids"]) async for d in seen.find({"_id": {"$in": names}}, session=session)]
            await seen.delete_many({"_id": {"$in": names}}, session=session)
            ids = b"".join((*merged_ids, ids))
        document = {"_id": _chunk_name(write.partition, fold.number), "n": len(ids) // ID_BYTES, "ids": ids}
        await seen.bulk_write([InsertOne(document)], session=session)


@dataclass(frozen=True, slots=True)
class Reading:
    """The cells of some days, summed over partitions and over what was asked for."""

    days: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Day -> field -> count."""
    open_now: int = 0
    """Complaints open now."""


class Reader:
    """What the API reads."""

    READ_AGAIN = 5

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._db = database

    async def read(
        self, first: int, *, segment: str | None = None, channel: str | None = None, gaps: bool = False
    ) -> Reading:
        """The days from ``first`` on, of one segment and one channel if given; ``gaps`` with the fields that
        a window needs which has ended."""
        for _ in range(self.READ_AGAIN):
            partitions = await self._db["partitions"].find({}).to_list()
            cells = [_documents(await self._from(first, "days"))]
            if gaps:
                cells.append(_documents(await self._from(first, "gaps")))
            folds = await self._db["partitions"].find({}, {"folds": 1}).to_list()
            # A tail that was folded while we read would count twice, or not at all.
            if _folds(partitions) == _folds(folds):
                break
        tails = [_tail(document) for document in partitions]
        days: dict[int, dict[str, int]] = {}
        for (day, in_segment, in_channel, name), n in merged((*cells, *tails)).items():
            if day >= first and segment in (None, in_segment) and channel in (None, in_channel):
                fields = days.setdefault(day, {})
                fields[name] = fields.get(name, 0) + n
        return Reading(days, _open(partitions, tails, segment, channel))

    async def _from(self, first: int, collection: str) -> list[Document]:
        start = to_date(first).isoformat()
        return await self._db[collection].find({"_id": {"$gte": start}}).to_list()


def _open(
    partitions: Iterable[Document], tails: Iterable[Delta], segment: str | None, channel: str | None
) -> int:
    total = 0
    for document in partitions:
        for cell, n in document.get("open", {}).items():
            in_segment, in_channel = _cell(cell)
            if segment in (None, in_segment) and channel in (None, in_channel):
                total += n
    for tail in tails:
        for (_, in_segment, in_channel, name), n in tail.items():
            if name == OPEN and segment in (None, in_segment) and channel in (None, in_channel):
                total += n
    return total


def _folds(partitions: Iterable[Document]) -> dict[int, int]:
    return {document["_id"]: document.get("folds", 0) for document in partitions}


def _tail(document: Document) -> Delta:
    packed = bytes(document.get("tail", b""))
    if not packed:
        return {}
    rows = msgspec.msgpack.decode(packed, type=list[tuple[int, str, str, str, int]])
    return {(day, segment, channel, name): n for day, segment, channel, name, n in rows}


def _documents(documents: Iterable[Document]) -> Delta:
    cells: dict[Cell, int] = {}
    for document in documents:
        day = from_date(date.fromisoformat(document["_id"].partition(":")[0]))
        for cell, fields in document["cells"].items():
            segment, channel = _cell(cell)
            for name, n in fields.items():
                key = (day, segment, channel, name)
                cells[key] = cells.get(key, 0) + n
    return cells


def _cell_name(segment: str, channel: str) -> str:
    """A field name of MongoDB: no dot, no dollar, whatever a segment is called."""
    return f"{_escape(segment)}|{_escape(channel)}"


def _cell(name: str) -> tuple[str, str]:
    segment, _, channel = name.partition("|")
    return unquote(segment), unquote(channel)


def _escape(text: str) -> str:
    return quote(text, safe=" ", errors="replace").replace(".", "%2E")


def _chunk_name(partition: int, number: int) -> str:
    return f"{partition}:{number:010d}"


def _chunk_range(partition: int) -> Document:
    # A semicolon is the character after the colon.
    return {"_id": {"$gte": f"{partition}:", "$lt": f"{partition};"}}


__all__ = ["Fold", "Reader", "Reading", "Stored", "WorkerStore", "Write"]
