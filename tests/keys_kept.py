"""A database, as far as the erasure key's fingerprint is kept and looked at, for both of PyMongo's APIs."""

import copy
from typing import Any


class Rows:
    """A collection, as a blocking driver has it."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def find_one(self, query: dict[str, Any]) -> dict[str, Any] | None:
        if "_id" in query:
            return copy.copy(self.documents.get(query["_id"]))
        return next(iter(self.documents.values()), None)

    def update_one(self, query: dict[str, Any], change: dict[str, Any], upsert: bool = False) -> None:
        if query["_id"] in self.documents or upsert:
            self.documents.setdefault(query["_id"], dict(query)).update(change["$set"])


class Awaited:
    """The same, as the asynchronous driver has it."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            return getattr(self._rows, name)(*args, **options)

        return call


class Kept:
    """A service's database. ``awaited`` is the same one to whoever awaits it."""

    def __init__(self, name: str = "rapport_loyalty") -> None:
        self.name = name
        self.rows: dict[str, Rows] = {}

    def __getitem__(self, name: str) -> Any:
        return self.rows.setdefault(name, Rows())

    @property
    def awaited(self) -> Any:
        return _Awaited(self)


class _Awaited:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.name = kept.name

    def __getitem__(self, name: str) -> Awaited:
        return Awaited(self._kept[name])
