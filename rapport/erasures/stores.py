"""The four databases, as tombstones are read of them and written to them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pymongo import MongoClient, ReplaceOne, UpdateOne

from rapport.erasures.file import Tombstones
from rapport.erasures.key import Store, keep_key, other_key
from rapport.trouble import TroubleError
from shared.facts.erased import ERASED_IDS, ERASING, erased_hash, key_fingerprint
from shared.journal.erasing import Chore
from shared.runtime.mongo import PROMISES
from shared.runtime.transport import MongoSettings
from shared.schemas.services import SERVICES

T = TypeVar("T")
Came: TypeAlias = Callable[[str, int, int], None]
"""Hears of a service how many ids have been looked at, of how many."""

STEP = 1_000
_PATIENCE_MS = 10_000


class Imported(NamedTuple):
    """What an import did to a service's database."""

    service: str
    told: int
    """Tombstones in the file."""
    new: int
    """Of them those that the database did not have."""
    returned: int
    """Customers whom the worker erases again when it starts."""


class Databases:
    """Of one store. Use as a context. PyMongo's errors pass through."""

    def __init__(self, settings: MongoSettings, key: bytes) -> None:
        """``key``: the erasure key."""
        self._key = key
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            settings.mongo, serverSelectionTimeoutMS=_PATIENCE_MS, **settings.mongo_tls, **PROMISES
        )

    def __enter__(self) -> "Databases":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def export(self) -> Tombstones:
        """All of them. Raises TroubleError where a database's are of another key."""
        self._check()
        kept = {service: frozenset(_ids(self._of(service)[ERASED_IDS])) for service in SERVICES}
        return Tombstones(key_fingerprint(self._key), kept)

    def take(self, tombstones: Tombstones, at: datetime, came: Came) -> list[Imported]:
        """Every tombstone is there afterwards, those before it too; who is still there under one of them, or
        there again, is to be erased by the worker that starts next. Safe to repeat, and to stop at any time.

        Whoever interactions has again is looked for everywhere: every service then says once more that it
        is done, of which the certificate is made anew.

        Raises TroubleError, before anything is written, where a database has tombstones of another key."""
        self._check()
        for service in SERVICES:  # first: stopped at any time, no tombstone stands under another key's name
            keep_key(self._of(service), self._key)
        new = {service: self._remember(service, tombstones.erased[service]) for service in SERVICES}
        found = {service: self._found(service, tombstones.erased[service], came) for service in SERVICES}
        everywhere = found["interactions"]
        done = []
        for service in SERVICES:
            erased = tombstones.erased[service]
            gone = {hash: id for hash, id in (everywhere | found[service]).items() if hash in erased}
            self._begin(service, gone, at)
            done.append(Imported(service, len(erased), new[service], len(gone)))
        return done

    def _of(self, service: str) -> Store:
        return self._client[f"rapport_{service}"]

    def _check(self) -> None:
        for service in SERVICES:
            if (refusal := other_key(self._of(service), self._key)) is not None:
                raise TroubleError(refusal.sentence)

    def _remember(self, service: str, hashes: Iterable[str]) -> int:
        """How many are new."""
        new = 0
        for some in _steps(sorted(hashes)):
            puts = [ReplaceOne({"_id": hash}, {"_id": hash}, upsert=True) for hash in some]
            new += self._of(service)[ERASED_IDS].bulk_write(puts, ordered=False).upserted_count
        return new

    def _found(self, service: str, hashes: frozenset[str], came: Came) -> dict[str, str]:
        """Of those that are erased and have a state: by its hash the id."""
        if not hashes:
            return {}
        states = self._of(service)["customers" if service == "metrics" else "state"]
        total, found = states.estimated_document_count(), dict[str, str]()
        for count, id in enumerate(_ids(states), 1):
            if (hash := erased_hash(self._key, id)) in hashes:
                found[hash] = id
            if count % STEP == 0:
                came(service, count, max(count, total))
        came(service, total, total)
        return found

    def _begin(self, service: str, gone: Mapping[str, str], at: datetime) -> None:
        """What is to be done already stays as it is."""
        chores = [Chore(hash, id, None, at).document() for hash, id in sorted(gone.items())]
        for some in _steps(chores):
            noted = [UpdateOne({"_id": one["_id"]}, {"$setOnInsert": one}, upsert=True) for one in some]
            self._of(service)[ERASING].bulk_write(noted, ordered=False)


def _steps(all_: Iterable[T]) -> Iterator[list[T]]:
    left = iter(all_)
    while some := list(islice(left, STEP)):
        yield some


def _ids(collection: Any) -> Iterator[str]:
    for document in collection.find({}, {"_id": 1}, batch_size=STEP):
        yield document["_id"]
