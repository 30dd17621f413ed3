"""Which server sessions a partition's writer uses, so that its successor can end what it left open.

A worker that is killed leaves its transaction open: the server goes on holding what it wrote, for up to
a minute (MongoDB's ``transactionLifetimeLimitSeconds``), and whoever writes the same documents conflicts
with it. The successor ends it at once.
"""

from typing import Any

import structlog
from bson import Binary
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

log = structlog.get_logger(__name__)

COLLECTION = "writers"
"""``{_id: partition, sessions: [id, ...]}``."""


class Sessions:
    """The sessions of one process. The driver keeps a few and uses them again, so it is few writes."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], database: AsyncDatabase[dict[str, Any]]):
        self._client = client
        self._writers = database[COLLECTION]
        self._announced: set[tuple[int, bytes]] = set()

    async def announce(self, session: AsyncClientSession, partition: int) -> None:
        """Before a session's first transaction for a partition: the successor is to know of it."""
        id = session.session_id["id"]
        if (partition, bytes(id)) in self._announced:
            return
        await self._writers.update_one({"_id": partition}, {"$addToSet": {"sessions": id}}, upsert=True)
        self._announced.add((partition, bytes(id)))

    async def take_over(self, partition: int) -> None:
        """End the transactions that the writers before left open. A writer that lives on without knowing
        that it lost the partition fails its transaction, and would be fenced anyway."""
        found = await self._writers.find_one({"_id": partition})
        mine = {id for _, id in self._announced}
        left: list[Binary] = [id for id in (found or {}).get("sessions", ()) if bytes(id) not in mine]
        if left:
            try:
                await self._client.admin.command({"killSessions": [{"id": id} for id in left]})
            except OperationFailure as error:
                # Not allowed, or not known to this server: then they end by themselves.
                log.warning("open transactions are waited for", partition=partition, error=str(error)[:200])
        await self._writers.delete_one({"_id": partition})
        self._announced = {(p, id) for p, id in self._announced if p != partition}
