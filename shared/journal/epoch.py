"""One epoch per partition: who may write it, held by the store itself.

A takeover raises the epoch of the partition's document; the first write of every transaction matches it. So a
worker that lost its partition without knowing can write nothing at all, and a transaction that it left open
holds up the takeover, not the data: the takeover ends it.
"""

import os
import socket
from asyncio import CancelledError
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from math import gcd
from typing import Any

import pymongo
import structlog
from bson.binary import UUID_SUBTYPE, Binary
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from shared.runtime.mongo import COMMIT_SECONDS, WRITING_SECONDS
from shared.runtime.words import words
from shared.worker.processing import FencedError

log = structlog.get_logger(__name__)

COLLECTION = "partitions"
"""``{_id: partition, epoch, owner, sessions: [id, ...], writes, attempt, counts}``, and what a service adds:
``counts`` are the numbers of partitions of which it was one at a takeover, ``began`` its watermark before the
first one under each."""
UNKNOWN = "UnknownTransactionCommitResult"


class Epochs:
    """The partitions of one database, as one process takes them over and writes them.

    ``sessions`` are the server sessions that the epoch's writer uses: a worker that is killed in a
    transaction leaves it open for up to a minute (``transactionLifetimeLimitSeconds``), and the takeover,
    which writes the document that the transaction wrote first, would wait for that. Killing them only saves
    the wait.
    """

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], database: AsyncDatabase[dict[str, Any]]):
        self._client = client
        self._partitions = database[COLLECTION]
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._announced: set[tuple[int, int, bytes]] = set()
        """Partition, epoch and session: the driver uses a few sessions again and again."""
        self._open: set[bytes] = set()
        """Sessions in a transaction now."""
        self._doubtful: set[bytes] = set()
        """Those whose last transaction may be open still, or may have committed."""

    async def take_over(self, partition: int, count: int) -> dict[str, Any]:
        """Raise the epoch of the partition, one of ``count``, and return its document: nobody from before can
        write it any more.

        What the writers before have announced by now is ended; what one announces later goes with its epoch.
        The first time under this count, event time has come as far as it had for any of its keys.
        """
        read = {"sessions": 1, "counts": 1, "watermark": 1}
        found = await self._partitions.find_one({"_id": partition}, read) or {}
        announced = {bytes(id) for id in found.get("sessions", ())}
        mine = {id for _, _, id in self._announced} - self._open
        await self._end((announced - mine) | self._doubtful)
        begun: dict[str, Any] = {"owner": self._owner, "sessions": [], "attempt": 0}
        change: dict[str, Any] = {
            "$inc": {"epoch": 1, "writes": 1},
            "$set": begun,
            "$addToSet": {"counts": count},
        }
        if count not in found.get("counts", ()):
            begun[f"began.{count}"] = found.get("watermark")
            watermark = await self._watermark_before(partition, count)
            if watermark is not None:
                change["$max"] = {"watermark": watermark}
        try:
            raised = await self._raise(partition, change)
        except DuplicateKeyError:  # two made the document at once
            raised = await self._raise(partition, change)
        self._announced = {a for a in self._announced if a[0] != partition}
        return raised

    async def _watermark_before(self, partition: int, count: int) -> datetime | None:
        """How far event time had come where the partition's keys may have been when the count changed. Others
        may have been taken over before, and have come further since."""
        latest = None
        async for d in self._partitions.find({}, {"counts": 1, "watermark": 1, "began": 1}):
            shares = any(
                (d["_id"] - partition) % gcd(n, count) == 0 for n in d.get("counts", ()) if n != count
            )
            begun = count in d.get("counts", ())
            watermark = d.get("began", {}).get(str(count)) if begun else d.get("watermark")
            if shares and watermark is not None:
                latest = watermark if latest is None else max(latest, watermark)
        return latest

    async def first_count(self) -> int:
        """The smallest number of partitions under which one was taken over: what was on the topics before
        they grew beyond it has been handled. 0 before the first takeover."""
        partitions = await self._partitions.find({}, {"counts": 1}).to_list()
        return min((n for d in partitions for n in d.get("counts", ())), default=0)

    async def _raise(self, partition: int, change: Mapping[str, Any]) -> dict[str, Any]:
        # With upsert and the document after, there always is one.
        raised: Any = await self._partitions.find_one_and_update(
            {"_id": partition}, change, upsert=True, return_document=ReturnDocument.AFTER
        )
        return dict(raised)

    async def settle(self, partition: int, epoch: int) -> int:
        """The ``attempt`` that was written last. Once this returns, each transaction of ours that was in
        doubt has committed or never will: the write here is to the document that it wrote first. Raises
        ``FencedError``."""
        await self._end(self._doubtful)
        found = await self._partitions.find_one_and_update(
            {"_id": partition, "epoch": epoch},
            {"$inc": {"writes": 1}},
            projection={"attempt": 1},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise FencedError(f"partition {partition} has another epoch than {epoch}")
        return int(found["attempt"])

    async def write(
        self,
        partition: int,
        epoch: int,
        change: Mapping[str, Any],
        session: AsyncClientSession | None = None,
        **matching: Any,
    ) -> None:
        """Change the partition's document, if it still has this epoch (and is ``matching``). It is counted,
        so that it is never without effect and two writers always meet. Raises ``FencedError``."""
        counted = {**change, "$inc": {"writes": 1, **change.get("$inc", {})}}
        await self._update({"_id": partition, "epoch": epoch, **matching}, counted, session)

    async def _update(
        self, partition: dict[str, Any], change: Mapping[str, Any], session: AsyncClientSession | None
    ) -> None:
        result = await self._partitions.update_one(partition, change, session=session)
        if result.matched_count != 1:
            raise FencedError(f"this worker's partition is not there any more: {partition}")

    @asynccontextmanager
    async def transaction(
        self, epochs: Mapping[int, int], seconds: float | None = None
    ) -> AsyncIterator[AsyncClientSession]:
        """A transaction for these partitions, each under its epoch. Its first writes must be ``write``'s;
        all of them have so many ``seconds``, by default ``WRITING_SECONDS``."""
        await self._end(self._doubtful)
        async with self._client.start_session() as session:
            for partition, epoch in epochs.items():
                await self._announce(session, partition, epoch)
            id = bytes(session.session_id["id"])
            self._open.add(id)
            try:
                async with await session.start_transaction():  # aborted, if so, outside these limits
                    with pymongo.timeout(seconds or WRITING_SECONDS):
                        yield session
                    with pymongo.timeout(COMMIT_SECONDS):
                        await session.commit_transaction()
            except BaseException as error:
                if _leaves_open(error):
                    self._doubtful.add(id)
                raise
            finally:
                self._open.discard(id)

    async def _announce(self, session: AsyncClientSession, partition: int, epoch: int) -> None:
        """Before a session's first transaction under an epoch: the successor is to know of it."""
        id: Binary = session.session_id["id"]
        announced = partition, epoch, bytes(id)
        if announced not in self._announced:
            used = {"$addToSet": {"sessions": id}}
            await self._update({"_id": partition, "epoch": epoch}, used, None)
            self._announced.add(announced)

    async def _end(self, sessions: set[bytes]) -> None:
        """Abort what these sessions left open."""
        if not sessions:
            return
        ids = [{"id": Binary(id, UUID_SUBTYPE)} for id in sorted(sessions)]
        try:
            await self._client.admin.command({"killSessions": ids})
        except OperationFailure as error:
            # Not allowed, or not known to this server: then they end by themselves.
            log.warning("open transactions are waited for", error=words(error))
        self._doubtful -= sessions


def _leaves_open(error: BaseException) -> bool:
    """Whether a transaction that ended so may be open still, or may have committed: nobody answered."""
    if isinstance(error, OperationFailure):
        return error.has_error_label(UNKNOWN)
    return isinstance(error, PyMongoError | OSError | CancelledError)
