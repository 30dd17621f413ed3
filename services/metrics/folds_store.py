"""What each of a partition's last folds brought, as the API reads it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.rows import FOLDS, LAST_FOLDS, fold_id, unpack_tail
from services.metrics.domain.sums import ByPlace, by_place
from shared.runtime.mongo import Document

KEPT_FOLDS = 64
"""So many stay in memory, those read last: who reads other selections needs them too."""


class FoldsStore:
    """Its one query. PyMongo's errors pass through."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._kept: OrderedDict[str, ByPlace] = OrderedDict()

    async def since(self, before: Mapping[int, int], now: Mapping[int, int]) -> Sequence[ByPlace] | None:
        """What was folded since partitions had been folded ``before`` so often; None where that is not kept
        any more, or was too much to keep."""
        if any(count - before.get(one, 0) not in range(LAST_FOLDS + 1) for one, count in now.items()):
            return None
        ids = [fold_id(one, n + 1) for one, count in now.items() for n in range(before.get(one, 0), count)]
        missing = [id for id in ids if id not in self._kept]
        if missing:
            async for document in self._database[FOLDS].find({"_id": {"$in": missing}}):
                if document["packed"] is not None:
                    self._kept[document["_id"]] = by_place(unpack_tail(bytes(document["packed"])))
        found = [self._kept[id] for id in ids if id in self._kept]
        while len(self._kept) > KEPT_FOLDS:
            self._kept.popitem(last=False)
        return found if len(found) == len(ids) else None
