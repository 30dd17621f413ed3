"""Customers who were erased: all that is kept of them goes in one write, and nothing told later counts.

The flush's transaction removes record and rows, writes the hash of the id and, into ``outbox``, that it is
done. A record is one document and its rows are found by indexes, so that nothing is left for later, as it is
in the services that have a journal (``shared.journal.eraser``). What the customer counted as stays counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.metrics.domain.rows import COLLECTIONS, OWED, owed_id, pack_names
from services.metrics.journal import SERVICE
from services.metrics.journal.looks import Looks, is_customer
from services.metrics.journal.outbox import Outbox
from services.metrics.journal.writes import Removal
from shared.facts.erased import ERASING, erased_hash
from shared.journal.unerased import Unerased
from shared.runtime.trail import AUDIT
from shared.schemas.customers import ErasureCompleted
from shared.schemas.event import Event
from shared.schemas.times import micros
from shared.worker.budget import Budget

OWNED = {one.name: one for one in (*COLLECTIONS, AUDIT) if one.owners and one.name != ERASING}
"""Those that have rows about customers, apart from what is still to be done about them."""

Result = Literal["applied", "duplicate", "erased"]
"""What came of an event."""
Rows = Mapping[str, tuple[str, ...]]
"""The ``_id`` of rows, by collection."""


class Erased:
    """The ids that were erased, of all partitions, as hashes. Of a worker."""

    def __init__(self, key: bytes, budget: Budget) -> None:
        self._key = key
        self._others = Unerased(budget)
        self._hashes: set[str] = set()

    def read(self, hashes: Iterable[str]) -> None:
        """As they stand in the store."""
        self._hashes = {*hashes}
        self._others.clear()

    def hash_of(self, customer: str) -> str:
        return erased_hash(self._key, customer)

    def __contains__(self, record: str) -> bool:
        if not self._hashes or record in self._others or not is_customer(record):
            return False
        if self.hash_of(record) in self._hashes:
            return True
        self._others.add((record,))
        return False

    def add(self, customer: str) -> str:
        """They are among them from now on. Returns the hash."""
        hash = self.hash_of(customer)
        self._hashes.add(hash)
        self._others.discard((customer,))
        return hash

    def discard(self, hash: str) -> None:
        self._hashes.discard(hash)


@dataclass(slots=True, eq=False)
class Erasing:
    """What goes of one partition with its next write. Nothing here does I/O."""

    erased: Erased
    found: dict[str, Rows] = field(default_factory=dict)
    """What the store has about those of whose erasure is heard: it goes with the next write, and the last of
    two erasures in it tells of it."""
    _rows: dict[str, set[str]] = field(default_factory=dict)
    _tombstones: dict[str, bool] = field(default_factory=dict)
    """By hash, whether it stands from then on."""

    def remove(self, rows: Rows) -> None:
        """These go."""
        for name, ids in rows.items():
            self._rows.setdefault(name, set()).update(ids)

    def erase(self, event: Event, outbox: Outbox, looks: Looks) -> None:
        """All that was found of the event's customer goes, and the hash stays; that is told, and nothing else
        of them."""
        customer = event.subject
        outbox.drop(customer, lambda name, row: name in OWNED and OWNED[name].is_about(row, customer))
        for version, left in looks.forget(customer).items():
            row = {"_id": owed_id(outbox.partition, version), "customers": pack_names(left)}
            outbox.put(OWED, row)
        rows = self.found[customer]
        self.remove(rows)
        hash = self.erased.add(customer)
        self._tombstones[hash] = True
        self.remove({ERASING: (hash,)})
        removed = {name: len(ids) for name, ids in rows.items() if ids}
        done = ErasureCompleted(service=SERVICE, removed=removed)
        outbox.tell(done, customer, micros(event.time), event.uid)

    def lift(self, customer: str) -> None:
        """They may come back."""
        hash = self.erased.hash_of(customer)
        self.erased.discard(hash)
        self._tombstones[hash] = False

    @property
    def removal(self) -> Removal:
        """As a write has it."""
        rows = {name: tuple(sorted(ids)) for name, ids in self._rows.items() if ids}
        return Removal(rows, dict(self._tombstones))

    def written(self) -> None:
        """It stands."""
        self.found, self._rows, self._tombstones = {}, {}, {}
