"""An in-memory MongoDB, the server's side: documents in versions, transactions with snapshots and
conflicts.

What it promises and refuses is that of a replica set at the level of one document (``tests/integration/
test_simulated_store.py`` runs the same scripts on both). Every call here is one command that has
arrived: it takes effect at once and whole, or raises what the server answers. The way there and back is
``client``'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from tests.simulation.documents import Document, freeze, ids_of, matches, seed, thaw, updated

Name: TypeAlias = tuple[str, str]
"""A database and a collection."""
Place: TypeAlias = tuple[Name, Any]
"""A document's collection and ``_id``."""
LIFETIME_SECONDS = 60.0
"""``transactionLifetimeLimitSeconds``."""
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
TRANSIENT = "TransientTransactionError"


class BlockedError(Exception):
    """A write outside of transactions waits for one that has written the same document."""


def failure(code: int, text: str, *labels: str) -> OperationFailure:
    details = {"ok": 0.0, "code": code, "errmsg": text, "errorLabels": list(labels)}
    return OperationFailure(text, code, details)


@dataclass(slots=True, eq=False)
class Transaction:
    """One that is open."""

    session: bytes
    number: int
    snapshot: int
    writes: dict[Place, bytes | None] = field(default_factory=dict)
    """None for a document that goes. In the order in which they were written last."""


class Server:
    """All databases. ``call_later`` is the loop's, for transactions that nobody ends."""

    def __init__(self, call_later: Callable[[float, Callable[[], None]], Any]) -> None:
        self._call_later = call_later
        self._collections: dict[Name, dict[Any, list[tuple[int, bytes | None]]]] = {}
        self._time = 0
        """Counts commits."""
        self._open: dict[bytes, Transaction] = {}
        self._numbers: dict[bytes, int] = {}
        """The highest transaction number by session."""
        self._committed: set[tuple[bytes, int]] = set()
        self.commits: list[Mapping[Place, bytes | None]] = []
        """What each transaction wrote, in the order of commits."""
        self._locks: dict[Place, Transaction] = {}

    # Transactions

    def begin(self, session: bytes, number: int, *, first: bool) -> Transaction:
        """The session's transaction of this number, for one more command. Raises 251, 225."""
        open_one = self._open.get(session)
        if open_one is not None and open_one.number == number:
            return open_one
        if number < self._numbers.get(session, -1):
            raise failure(225, "TransactionTooOld: a newer transaction has started in this session")
        if not first or self._numbers.get(session) == number:
            raise failure(251, "NoSuchTransaction: the transaction has been aborted", TRANSIENT)
        if open_one is not None:
            self._end(open_one)
        transaction = Transaction(session, number, self._time)
        self._open[session] = transaction
        self._numbers[session] = number
        self._call_later(LIFETIME_SECONDS, lambda: self._end(transaction))
        return transaction

    def commit(self, session: bytes, number: int) -> None:
        """Raises 251 where it has been aborted; done twice, the second does nothing."""
        if (session, number) in self._committed:
            return
        transaction = self._open.get(session)
        if transaction is None or transaction.number != number:
            raise failure(251, "NoSuchTransaction: the transaction has been aborted", TRANSIENT)
        if transaction.writes:
            self._time += 1
            self.commits.append(transaction.writes)
            for (name, id), raw in transaction.writes.items():
                self._append(name, id, raw)
        self._committed.add((session, number))
        self._end(transaction)

    def abort(self, session: bytes, number: int) -> None:
        transaction = self._open.get(session)
        if transaction is not None and transaction.number == number:
            self._end(transaction)

    def kill(self, sessions: Sequence[bytes]) -> None:
        """``killSessions``: what they have open is aborted."""
        for session in sessions:
            if session in self._open:
                self._end(self._open[session])

    def restart(self) -> None:
        """Another node is elected: no transaction that was open outlives it."""
        for transaction in list(self._open.values()):
            self._end(transaction)

    def _end(self, transaction: Transaction) -> None:
        if self._open.get(transaction.session) is transaction:
            del self._open[transaction.session]
        for place in transaction.writes:
            if self._locks.get(place) is transaction:
                del self._locks[place]

    # Reading

    def read(self, name: Name, id: Any, transaction: Transaction | None) -> Document | None:
        raw = self._raw(name, id, transaction)
        return None if raw is None else thaw(raw)

    def _raw(self, name: Name, id: Any, transaction: Transaction | None) -> bytes | None:
        if transaction is not None and (name, id) in transaction.writes:
            return transaction.writes[name, id]
        at = self._time if transaction is None else transaction.snapshot
        for time, raw in reversed(self._collections.get(name, {}).get(id, [])):
            if time <= at:
                return raw
        return None

    def find(
        self, name: Name, query: Mapping[str, Any], transaction: Transaction | None = None
    ) -> list[Document]:
        """All that the query finds, in the order in which they were first written."""
        ids = ids_of(query)
        if ids is None:
            ids = [*self._collections.get(name, {})]
            own = transaction.writes if transaction is not None else {}
            ids += [i for n, i in own if n == name and i not in self._collections.get(name, {})]
        found = []
        for id in dict.fromkeys(ids):
            document = self.read(name, id, transaction)
            if document is not None and matches(document, query):
                found.append(document)
        return found

    def names(self, database: str) -> list[str]:
        return [collection for d, collection in self._collections if d == database]

    def create(self, name: Name) -> None:
        if name in self._collections:
            raise failure(48, "NamespaceExists")
        self._collections[name] = {}

    # Writing

    def insert(self, name: Name, document: Mapping[str, Any], transaction: Transaction | None) -> None:
        id = document["_id"]
        raw = freeze(document)
        if len(raw) > MAX_DOCUMENT_BYTES:
            raise failure(10334, "BSONObjectTooLarge")
        if self._raw(name, id, transaction) is not None:
            raise DuplicateKeyError(f"E11000 duplicate key {name} {id!r}", 11000, {"code": 11000})
        self._put(name, id, raw, transaction)

    def update(
        self,
        name: Name,
        query: Mapping[str, Any],
        change: Mapping[str, Any],
        transaction: Transaction | None,
        *,
        upsert: bool = False,
        replace: bool = False,
    ) -> tuple[int, int, Any]:
        """The first document found: how many matched, how many were written, the ``_id`` of one inserted."""
        found = self.find(name, query, transaction)
        if found:
            before = found[0]
            after = {"_id": before["_id"], **change} if replace else updated(before, change)
            raw = freeze(after)
            if len(raw) > MAX_DOCUMENT_BYTES:
                raise failure(10334, "BSONObjectTooLarge")
            if raw == freeze(before):
                return 1, 0, None  # nothing is written, so nobody conflicts with it
            self._put(name, before["_id"], raw, transaction)
            return 1, 1, None
        if not upsert:
            return 0, 0, None
        begun = seed(query)
        made = {**begun, **change} if replace else updated(begun, change, inserting=True)
        self.insert(name, made, transaction)
        return 0, 0, made["_id"]

    def update_many(
        self, name: Name, query: Mapping[str, Any], change: Mapping[str, Any], transaction: Transaction | None
    ) -> tuple[int, int]:
        """Every document found: how many matched, how many were written."""
        ids = [document["_id"] for document in self.find(name, query, transaction)]
        written = [self.update(name, {**query, "_id": id}, change, transaction)[1] for id in ids]
        return len(ids), sum(written)

    def delete(
        self, name: Name, query: Mapping[str, Any], transaction: Transaction | None, *, many: bool = False
    ) -> int:
        found = self.find(name, query, transaction)
        found = found if many else found[:1]
        for document in found:
            self._put(name, document["_id"], None, transaction)
        return len(found)

    def bulk(
        self, name: Name, models: Sequence[Any], transaction: Transaction | None, *, ordered: bool
    ) -> dict[str, Any]:
        """``bulk_write``'s result. Raises ``BulkWriteError`` for documents that are at fault; in a
        transaction the first one ends it."""
        result: dict[str, Any] = {
            "nInserted": 0, "nMatched": 0, "nModified": 0, "nRemoved": 0, "nUpserted": 0, "upserted": [],
            "writeErrors": [], "writeConcernErrors": [],
        }  # fmt: skip
        for index, model in enumerate(models):
            try:
                self._one(name, model, transaction, index, result)
            except OperationFailure as error:
                if error.has_error_label(TRANSIENT):
                    raise
                wrong = {"index": index, "code": error.code, "errmsg": str(error)}
                result["writeErrors"].append(wrong)
                if ordered or transaction is not None:
                    break
        if result["writeErrors"]:
            raise BulkWriteError(result)
        return result

    def _one(
        self, name: Name, model: Any, transaction: Transaction | None, index: int, result: dict[str, Any]
    ) -> None:
        match type(model).__name__:
            case "InsertOne":
                self.insert(name, model._doc, transaction)
                result["nInserted"] += 1
            case "DeleteOne" | "DeleteMany" as kind:
                many = kind == "DeleteMany"
                result["nRemoved"] += self.delete(name, model._filter, transaction, many=many)
            case "UpdateOne" | "ReplaceOne" as kind:
                matched, written, upserted = self.update(
                    name,
                    model._filter,
                    model._doc,
                    transaction,
                    upsert=bool(model._upsert),
                    replace=kind == "ReplaceOne",
                )
                result["nMatched"] += matched
                if upserted is not None:
                    result["nUpserted"] += 1
                    result["upserted"].append({"index": index, "_id": upserted})
                else:
                    result["nModified"] += written
            case kind:
                raise NotImplementedError(kind)

    def _put(self, name: Name, id: Any, raw: bytes | None, transaction: Transaction | None) -> None:
        holder = self._locks.get((name, id))
        if transaction is None:
            if holder is not None:
                raise BlockedError
            self._time += 1
            self._append(name, id, raw)
            return
        versions = self._collections.get(name, {}).get(id)
        if holder not in (None, transaction) or (versions and versions[-1][0] > transaction.snapshot):
            self._end(transaction)
            raise failure(112, "WriteConflict error: this operation conflicted with another", TRANSIENT)
        self._locks[name, id] = transaction
        transaction.writes.pop((name, id), None)  # one deleted and made anew stands where it was made
        transaction.writes[name, id] = raw

    def _append(self, name: Name, id: Any, raw: bytes | None) -> None:
        versions = self._collections.setdefault(name, {}).setdefault(id, [])
        if not self._open:
            versions.clear()  # nobody reads the past
        versions.append((self._time, raw))
