"""Metrics' records as the nightly job reads them: all of one database, a batch at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient

from rapport.store import explained
from services.metrics.domain.state import Customer, decode
from shared.runtime.transport import MongoSettings
from shared.schemas.times import Micros, micros

DATABASE = "rapport_metrics"
_BATCH = 1_000
_PATIENCE_MS = 10_000


class Records:
    """Use as a context. Raises TroubleError where the store does not answer."""

    def __init__(self, settings: MongoSettings) -> None:
        self._settings = settings
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            settings.mongo,
            connect=False,  # a name that DNS does not know is told of where it is read
            serverSelectionTimeoutMS=_PATIENCE_MS,
            tz_aware=True,
            **settings.mongo_tls,
        )
        self._database = self._client[DATABASE]

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def now(self) -> Micros:
        """Under the stream clock how far all partitions have come; else the wall clock."""
        with explained(self._settings):
            documents = self._database["partitions"].find({}, {"watermark": 1}).to_list()
        marks = [micros(mark) for document in documents if (mark := document.get("watermark")) is not None]
        return min(marks) if marks else micros(datetime.now(UTC))

    def __len__(self) -> int:
        """How many customers there are, about."""
        with explained(self._settings):
            return self._database["customers"].estimated_document_count()

    def __iter__(self) -> Iterator[Customer]:
        with explained(self._settings):
            for document in self._database["customers"].find({}, {"record": 1}, batch_size=_BATCH):
                yield decode(bytes(document["record"]))
