"""PyMongo's asynchronous API as far as the stores use it, on the in-memory MongoDB."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from pymongo import InsertOne, ReturnDocument
from pymongo.results import BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

from tests.simulation.client_session import SimSession
from tests.simulation.documents import Document, freeze, projected, thaw
from tests.simulation.scheduler import Node
from tests.simulation.server import Name, Transaction
from tests.simulation.store import Store


class SimClient:
    """One process's client."""

    def __init__(self, store: Store, node: Node) -> None:
        self.store = store
        self.node = node
        self.idle: list[tuple[bytes, int]] = []
        """Sessions to use again, with the number of their last transaction."""

    def __getitem__(self, name: str) -> "SimDatabase":
        return SimDatabase(self, name)

    def get_database(self, name: str, **options: Any) -> "SimDatabase":
        return self[name]

    @property
    def admin(self) -> "SimDatabase":
        return self["admin"]

    def start_session(self, **options: Any) -> "SimSession":
        return SimSession(self)

    async def close(self) -> None:
        """Nothing is open."""


class SimDatabase:
    def __init__(self, client: SimClient, name: str) -> None:
        self.client = client
        self.name = name

    def __getitem__(self, name: str) -> "SimCollection":
        return SimCollection(self, name)

    def get_collection(self, name: str, **options: Any) -> "SimCollection":
        return self[name]

    def with_options(self, **options: Any) -> "SimDatabase":
        return self

    async def list_collection_names(self) -> list[str]:
        return list(await self.call("list", lambda: self.client.store.server.names(self.name)))

    async def create_collection(self, name: str, **options: Any) -> None:
        await self.call(f"create {name}", lambda: self.client.store.server.create((self.name, name)))

    async def command(self, command: Any, *args: Any, **options: Any) -> Document:
        if isinstance(command, Mapping) and "killSessions" in command:
            ids = [bytes(s["id"]) for s in command["killSessions"]]
            await self.call("killSessions", lambda: self.client.store.kill_sessions(ids))
        elif command != "ping":
            raise NotImplementedError(command)
        return {"ok": 1.0}

    async def call(self, what: str, work: Callable[[], Any]) -> Any:
        return await self.client.store.call(self.client.node, what, work)


class SimCollection:
    def __init__(self, database: SimDatabase, name: str) -> None:
        self._client = database.client
        self._server = database.client.store.server
        self._name: Name = (database.name, name)

    def with_options(self, **options: Any) -> "SimCollection":
        return self

    async def _call(
        self, what: str, work: Callable[[Transaction | None], Any], session: SimSession | None
    ) -> Any:
        store, node, what = self._client.store, self._client.node, f"{what} {self._name[1]}"
        if session is None or not session.in_transaction:
            return await store.call(node, what, lambda: work(None))
        first, session.state = session.state == "starting", "open"
        id, number = session.id, session.number
        return await store.call(
            node, what, lambda: work(self._server.begin(id, number, first=first)), session=id, number=number
        )

    def find(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Any = None,
        *,
        session: SimSession | None = None,
        sort: Any = None,
        limit: int = 0,
        batch_size: int = 0,
    ) -> "SimCursor":
        cursor = SimCursor(self, dict(filter or {}), projection, session).limit(limit)
        return cursor.sort(sort) if sort else cursor

    async def fetch(self, cursor: "SimCursor") -> list[Document]:
        query = cursor.query
        found: list[Document] = await self._call(
            "find", lambda t: self._server.find(self._name, query, t), cursor.session
        )
        for key, direction in reversed(cursor.order):
            found.sort(key=lambda d: d[key], reverse=direction < 0)
        found = found[: cursor.most] if cursor.most else found
        return [projected(d, cursor.projection) for d in found]

    async def find_one(
        self, filter: Any = None, projection: Any = None, *, session: SimSession | None = None, **options: Any
    ) -> Document | None:
        query = filter if isinstance(filter, Mapping) else {} if filter is None else {"_id": filter}
        cursor = SimCursor(self, query, projection, session)
        found = await cursor.sort(options["sort"]).to_list() if "sort" in options else await cursor.to_list()
        return found[0] if found else None

    async def count_documents(self, filter: Mapping[str, Any], **options: Any) -> int:
        return len(await self.find(filter).to_list())

    async def insert_one(self, document: Any, session: SimSession | None = None) -> InsertOneResult:
        kept = thaw(freeze(document))
        await self._call("insert", lambda t: self._server.insert(self._name, kept, t), session)
        return InsertOneResult(kept["_id"], True)

    async def insert_many(
        self, documents: Sequence[Any], ordered: bool = True, *, session: SimSession | None = None
    ) -> InsertManyResult:
        await self.bulk_write([InsertOne(d) for d in documents], ordered=ordered, session=session)
        return InsertManyResult([d["_id"] for d in documents], True)

    async def bulk_write(
        self,
        requests: Sequence[Any],
        ordered: bool = True,
        *,
        session: SimSession | None = None,
        **options: Any,
    ) -> BulkWriteResult:
        for request in requests:
            freeze(getattr(request, "_doc", None) or {})  # what is no BSON never leaves the driver
        result = await self._call(
            "bulk", lambda t: self._server.bulk(self._name, requests, t, ordered=ordered), session
        )
        return BulkWriteResult(result, True)

    async def update_one(
        self,
        filter: Any,
        update: Any,
        upsert: bool = False,
        *,
        session: SimSession | None = None,
        **options: Any,
    ) -> UpdateResult:
        return await self._update(filter, update, session, upsert=upsert, replace=False)

    async def update_many(self, filter: Any, update: Any) -> UpdateResult:
        matched, written = await self._call(
            "update", lambda t: self._server.update_many(self._name, filter, update, t), None
        )
        return UpdateResult({"n": matched, "nModified": written}, True)

    async def replace_one(
        self, filter: Any, replacement: Any, upsert: bool = False, *, session: SimSession | None = None
    ) -> UpdateResult:
        return await self._update(filter, replacement, session, upsert=upsert, replace=True)

    async def _update(
        self, filter: Any, change: Any, session: SimSession | None, **how: bool
    ) -> UpdateResult:
        matched, written, upserted = await self._call(
            "update", lambda t: self._server.update(self._name, filter, change, t, **how), session
        )
        raw = {"n": matched + (upserted is not None), "nModified": written, "upserted": upserted}
        return UpdateResult(raw, True)

    async def delete_one(self, filter: Any, *, session: SimSession | None = None) -> DeleteResult:
        n = await self._call("delete", lambda t: self._server.delete(self._name, filter, t), session)
        return DeleteResult({"n": n}, True)

    async def delete_many(self, filter: Any, *, session: SimSession | None = None) -> DeleteResult:
        n = await self._call(
            "delete", lambda t: self._server.delete(self._name, filter, t, many=True), session
        )
        return DeleteResult({"n": n}, True)

    async def find_one_and_update(
        self,
        filter: Any,
        update: Any,
        projection: Any = None,
        *,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        session: SimSession | None = None,
    ) -> Document | None:
        def work(transaction: Transaction | None) -> Document | None:
            before = self._server.find(self._name, filter, transaction)
            _, _, upserted = self._server.update(self._name, filter, update, transaction, upsert=upsert)
            if return_document == ReturnDocument.BEFORE:
                return before[0] if before else None
            id = upserted if not before else before[0]["_id"]
            return None if id is None else self._server.read(self._name, id, transaction)

        found = await self._call("update", work, session)
        return None if found is None else projected(found, projection)

    async def create_index(self, keys: Any, **options: Any) -> str:
        if options.get("unique"):
            raise NotImplementedError("unique indexes")
        return str(keys)


class SimCursor:
    def __init__(
        self, collection: SimCollection, query: Mapping[str, Any], projection: Any, session: SimSession | None
    ) -> None:
        self._collection = collection
        self.query, self.projection, self.session = query, projection, session
        self.order: list[tuple[str, int]] = []
        self.most = 0
        self._left: list[Document] | None = None

    def sort(self, key: Any, direction: int = 1) -> "SimCursor":
        self.order = [(key, direction)] if isinstance(key, str) else list(key)
        return self

    def limit(self, most: int) -> "SimCursor":
        self.most = most
        return self

    def batch_size(self, size: int) -> "SimCursor":
        return self

    async def __aenter__(self) -> "SimCursor":
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Nothing is open."""

    async def to_list(self, length: int | None = None) -> list[Document]:
        if self._left is None:
            self._left = await self._collection.fetch(self)
        taken, self._left = self._left[:length], self._left[len(self._left) if length is None else length :]
        return taken

    async def close(self) -> None:
        """The server forgets it."""

    async def __aiter__(self) -> AsyncIterator[Document]:
        for document in await self._collection.fetch(self):
            yield document
