"""Metrics' database as the API reads it. What the collections hold: ``domain/rows.py``."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.cells import LEVELS, Cell, Delta, merged
from services.metrics.domain.places import ALL, Selection
from services.metrics.domain.rows import day_of_id, first_id, unpack_tail
from shared.runtime.mongo import Document


@dataclass(frozen=True, slots=True)
class Reading:
    """The cells of some days, summed over partitions and over what was asked for."""

    days: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Day -> field -> count."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """How each of ``LEVELS`` stands now."""


class MetricsStore:
    """Every query of the API. PyMongo's errors pass through."""

    READ_AGAIN = 5

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._db = database

    async def read(self, first: int, selected: Selection = ALL, *, gaps: bool = False) -> Reading:
        """The days from ``first`` on, of what is selected; ``gaps`` with the fields that a window needs which
        has ended."""
        chosen = selected.chooses()
        for _ in range(self.READ_AGAIN):
            partitions = await self._db["partitions"].find({}).to_list()
            cells = [_documents(await self._from(first, "days"))]
            if gaps:
                cells.append(_documents(await self._from(first, "gaps")))
            folds = await self._db["partitions"].find({}, {"folds": 1}).to_list()
            # A tail that was folded while we read would count twice, or not at all.
            if _folds(partitions) == _folds(folds):
                break
        tails = [unpack_tail(bytes(document.get("tail", b""))) for document in partitions]
        days: dict[int, dict[str, int]] = {}
        for (day, place, name), n in merged((*cells, *tails)).items():
            if day >= first and chosen(place):
                fields = days.setdefault(day, {})
                fields[name] = fields.get(name, 0) + n
        return Reading(days, _levels(partitions, tails, chosen))

    async def _from(self, first: int, collection: str) -> list[Document]:
        return await self._db[collection].find({"_id": {"$gte": first_id(first)}}).to_list()


def _levels(
    partitions: Iterable[Document], tails: Iterable[Delta], chosen: Callable[[str], bool]
) -> dict[str, int]:
    levels = dict.fromkeys(LEVELS, 0)
    for document in partitions:
        for level in LEVELS:
            levels[level] += sum(n for place, n in document.get(level, {}).items() if chosen(place))
    for tail in tails:
        for (_, place, name), n in tail.items():
            if name in levels and chosen(place):
                levels[name] += n
    return levels


def _folds(partitions: Iterable[Document]) -> dict[int, int]:
    return {document["_id"]: document.get("folds", 0) for document in partitions}


def _documents(documents: Iterable[Document]) -> dict[Cell, int]:
    cells: dict[Cell, int] = {}
    for document in documents:
        day = day_of_id(document["_id"])
        for place, fields in document["cells"].items():
            for name, n in fields.items():
                key = (day, place, name)
                cells[key] = cells.get(key, 0) + n
    return cells
