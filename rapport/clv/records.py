"""Metrics' records as the nightly job reads them: all of one database, a batch at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from rapport.home import Home, read_env
from rapport.trouble import TroubleError
from services.metrics.domain.state import Customer, decode
from shared.schemas.times import Micros, micros

DATABASE = "rapport_metrics"
_BATCH = 1_000
_PATIENCE_MS = 10_000


def store_uri(environ: Mapping[str, str]) -> str:
    """``RAPPORT_MONGO``, else that of the stack that runs in this home. Raises TroubleError without both."""
    uri = environ.get("RAPPORT_MONGO") or read_env(Home.find(environ)).get("RAPPORT_MONGO")
    if not uri:
        raise TroubleError("No store is known here: start one with `rapport up`, or set RAPPORT_MONGO.")
    return uri


class Records:
    """Use as a context. Raises TroubleError where the store does not answer."""

    def __init__(self, uri: str) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            uri, serverSelectionTimeoutMS=_PATIENCE_MS, tz_aware=True
        )
        self._database = self._client[DATABASE]

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def now(self) -> Micros:
        """Under the stream clock how far all partitions have come; else the wall clock."""
        with explained():
            documents = self._database["partitions"].find({}, {"watermark": 1}).to_list()
        marks = [micros(mark) for document in documents if (mark := document.get("watermark")) is not None]
        return min(marks) if marks else micros(datetime.now(UTC))

    def __len__(self) -> int:
        """How many customers there are, about."""
        with explained():
            return self._database["customers"].estimated_document_count()

    def __iter__(self) -> Iterator[Customer]:
        with explained():
            for document in self._database["customers"].find({}, {"record": 1}, batch_size=_BATCH):
                yield decode(bytes(document["record"]))


@contextmanager
def explained() -> Iterator[None]:
    """Turn the driver's errors into a sentence, in which the store's address has no part: it may hold a
    password."""
    try:
        yield
    except PyMongoError as error:
        raise TroubleError(
            f"The store did not answer as needed ({type(error).__name__}): check that it runs "
            "(`rapport status`) and that RAPPORT_MONGO names it."
        ) from None
