"""Ids that were erased: how they are known again, and nobody can tell from a store whose they were; and what
is still to be done about each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import DeleteMany

from shared.domain import Collection
from shared.facts import erased
from shared.kafka.keys import key_hash
from shared.runtime.mongo import Document
from shared.schemas.event import key_of

ERASED_IDS = Collection(erased.ERASED_IDS, owner=None, personal=())
"""{_id: the hash of an erased id}"""
ERASING = Collection(erased.ERASING, owner="customer", personal=())
"""{_id: the hash of an erased id, and the fields of its ``Chore``}: the one place that has the id in clear,
until nothing else has."""

KEYS = Collection(erased.KEYS, owner=None, personal=())
"""{_id: ``erasure``, fingerprint: of the key that the hashes are made with}"""


@dataclass(frozen=True, slots=True)
class Chore:
    """What is still to be removed of somebody whose state is gone."""

    hash: str
    customer: str
    """The state's id: a customer's, most often."""
    uid: str | None
    """Of the event by which they were erased; None for somebody who came back, as with a backup, and whom the
    service is still to erase again."""
    at: datetime
    """When they were erased, to the millisecond."""
    removed: Mapping[str, int] = field(default_factory=dict)
    """How many documents have gone by now, by collection."""
    ended: datetime | None = None
    """When nothing was left; what ends is told after it."""

    def document(self) -> Document:
        """As it is stored."""
        return {
            "_id": self.hash,
            "customer": self.customer,
            "key_hash": key_hash(key_of(self.customer).encode()),
            "uid": self.uid,
            "at": self.at,
            "removed": dict(self.removed),
            "ended": self.ended,
        }

    @classmethod
    def read(cls, document: Document) -> "Chore":
        """From what is stored."""
        names = ("_id", "customer", "uid", "at", "removed", "ended")
        return cls(*(document[name] for name in names))

    @property
    def is_customers(self) -> bool:
        """Whether it is of a customer, and not of another kind of state."""
        return "/" not in self.customer


def nameless(mark: str) -> Document:
    """What a journal entry says of whom it is about once they are erased: the API tells by it whether a key
    is used again for somebody else."""
    return {"subject": None, "erased": mark}


def remaining(collection: Collection, ids: Sequence[str]) -> dict[str, Any]:
    """The query of the rows about any of these, and of others' that tell of them. Timers are found by their
    keys, which have an index."""
    if collection.name == "timers":
        found: list[dict[str, Any]] = [{"_id": _timer_keys(id), "subject": id} for id in ids]
    else:
        found = [{field: {"$in": list(ids)}} for field in (*collection.owners, *collection.names)]
    return found[0] if len(found) == 1 else {"$or": found}


def named_in(collection: Collection, row: Mapping[str, Any]) -> set[str]:
    """Of whom a row tells its owner."""
    found: set[str] = set()
    for name in collection.names:
        value: Any = row
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        found.update(value if isinstance(value, list | tuple) else [value] if value else ())
    return found


def timers_of(state_id: str) -> DeleteMany:
    """The removal of all timers that are set for a state. Their keys begin with its id; so may those of
    another one's, whose id goes on after a bar."""
    return DeleteMany({"_id": _timer_keys(state_id), "subject": state_id})


def _timer_keys(state_id: str) -> dict[str, str]:
    return {"$gte": f"{state_id}|", "$lt": f"{state_id}}}"}
