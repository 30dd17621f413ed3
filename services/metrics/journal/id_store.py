"""The ids of events as the store keeps them: collections ``ids``, ``seen``, ``pages`` and ``filters``."""

from array import array
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.rows import chunk_id, chunk_number, named_under, part_id, part_number
from services.metrics.journal.residues import Residue, parse
from services.metrics.journal.runs import PageName, RunInfo
from services.metrics.journal.seen import ID_BYTES, Chunk, pack
from services.metrics.journal.writes import StoredIds, Write

Document = dict[str, Any]
PAGES_A_CALL = 64
"""Written or read at once: 2 MB."""


class IdStore:
    """PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._db = database

    async def residues(self) -> list[StoredIds]:
        """All of which ids stand."""
        return [
            StoredIds(
                parse(d["_id"]),
                bytes(d["recent"]),
                tuple(RunInfo(run["id"], run["ids"]) for run in d.get("runs", ())),
                tuple(d.get("garbage", ())),
            )
            async for d in self._db["ids"].find({})
        ]

    async def chunks(self, residue: Residue) -> AsyncIterator[tuple[Chunk, bytes]]:
        """Each with its packed ids, in their order."""
        async for d in self._db["seen"].find({"_id": named_under(residue.name)}).sort("_id", 1):
            yield Chunk(chunk_number(d["_id"]), d["n"]), bytes(d["ids"])

    async def chunk(self, residue: Residue, number: int) -> bytes:
        """The packed ids of one."""
        found = await self._db["seen"].find_one({"_id": chunk_id(residue.name, number)})
        if found is None:
            raise LookupError(f"there is no chunk {number} of {residue.name}")
        return bytes(found["ids"])

    async def filter(self, run: str) -> AsyncIterator[bytes]:
        """Its pieces."""
        async for d in self._db["filters"].find({"_id": named_under(run)}).sort("_id", 1):
            yield bytes(d["bits"])

    async def pages(self, names: Collection[PageName]) -> dict[PageName, bytes]:
        """The packed, sorted ids of each; none for one that is not there, as it is empty."""
        asked = [*names]
        found: dict[PageName, bytes] = dict.fromkeys(asked, b"")
        for start in range(0, len(asked), PAGES_A_CALL):
            wanted = [part_id(name.run, name.page) for name in asked[start : start + PAGES_A_CALL]]
            async for d in self._db["pages"].find({"_id": {"$in": wanted}}):
                found[PageName(*part_number(d["_id"]))] = bytes(d["ids"])
        return found

    async def put_pages(self, pages: Mapping[PageName, "array[int]"]) -> None:
        """Write them, or write them again. In no transaction: nobody reads a run before a flush names it."""
        documents = [{"_id": part_id(n.run, n.page), "ids": pack(ids)} for n, ids in pages.items() if ids]
        for start in range(0, len(documents), PAGES_A_CALL):
            some = documents[start : start + PAGES_A_CALL]
            await self._db["pages"].bulk_write(
                [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in some], ordered=False
            )

    async def put_filter(self, run: str, pieces: Sequence[bytes]) -> None:
        """The same of a filter."""
        for number, bits in enumerate(pieces):
            document = {"_id": part_id(run, number), "bits": bits}
            await self._db["filters"].replace_one({"_id": document["_id"]}, document, upsert=True)

    async def drop(self, run: str) -> None:
        """All that there is of a run."""
        await self._db["filters"].delete_many({"_id": named_under(run)})
        await self._db["pages"].delete_many({"_id": named_under(run)})

    async def write(self, writes: Sequence[Write], session: AsyncClientSession) -> None:
        """What a flush says of ids, in its transaction."""
        changes = [_change(write) for write in writes]
        await self._db["ids"].bulk_write(changes, ordered=False, session=session)
        for write in writes:
            await self._fold(write, session)
            if write.manifest is not None and write.manifest.spilled:
                names = [chunk_id(write.residue.name, chunk.number) for chunk in write.manifest.spilled]
                await self._db["seen"].delete_many({"_id": {"$in": names}}, session=session)

    async def _fold(self, write: Write, session: AsyncClientSession) -> None:
        fold, seen, name = write.fold, self._db["seen"], write.residue.name
        if fold is None or not write.recent:
            return
        ids = write.recent
        if fold.merge:
            names = [chunk_id(name, chunk.number) for chunk in fold.merge]
            merged_ids = [bytes(d["ids"]) async for d in seen.find({"_id": {"$in": names}}, session=session)]
            await seen.delete_many({"_id": {"$in": names}}, session=session)
            ids = b"".join((*merged_ids, ids))
        document = {"_id": chunk_id(name, fold.number), "n": len(ids) // ID_BYTES, "ids": ids}
        await seen.bulk_write([InsertOne(document)], session=session)


def _change(write: Write) -> UpdateOne:
    values: Document = {"recent": b"" if write.fold is not None else write.recent}
    if write.manifest is not None:
        values["runs"] = [{"id": run.id, "ids": run.ids} for run in write.manifest.runs]
        values["garbage"] = list(write.manifest.garbage)
    return UpdateOne({"_id": write.residue.name}, {"$set": values}, upsert=True)
