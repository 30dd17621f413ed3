"""What the watch is to tell and to keep."""

from services.metrics.journal.partition import Partition
from shared.runtime.mongo import Document
from shared.schemas.base import Data
from shared.schemas.times import Micros


class Saying:
    """What is to be told and kept: all of it, once all of it is decided."""

    def __init__(self) -> None:
        self._told: list[tuple[Data, str, Micros, str]] = []
        self._rows: list[tuple[str, Document]] = []

    def tell(self, data: Data, subject: str, at: Micros, cause: str) -> None:
        self._told.append((data, subject, at, cause))

    def put(self, collection: str, document: Document) -> None:
        self._rows.append((collection, document))

    def into(self, part: Partition) -> None:
        for told in self._told:
            part.outbox.tell(*told)
        for row in self._rows:
            part.outbox.put(*row)
