"""The customers of a partition that are in memory: those that may have changed, and those that are as the
store has them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.metrics.domain import state
from services.metrics.domain.merging.joined import tracked_of
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.worker.budget import Budget
from shared.worker.cache import Cache

CUSTOMERS, UNWRITTEN = "customers", "unwritten"
"""Kinds of memory: records that are as the store has them, and those that may have changed."""
CUSTOMER_BYTES, BYTES_A_BYTE = 500, 13
"""What a customer takes in memory: so many, and so many for each byte of the record (measured)."""
EVENT_BYTES = 1_000
"""What an event adds until it is written, about: to a record that is held, to ids and cells."""


@dataclass(slots=True)
class Holding:
    """Of one partition. Nothing here does I/O."""

    budget: Budget
    customers: Cache[Tracked] = field(init=False)
    """As the store has them: any may go at any time."""
    held: dict[str, tuple[Tracked, int]] = field(default_factory=dict, kw_only=True)
    """Those that events were read for since the last write, with their bytes."""
    grown: int = field(default=0, kw_only=True)
    """Bytes by which they grew since."""
    closed: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self.customers = Cache(self.budget, CUSTOMERS)

    def hold(self, subjects: Iterable[str]) -> list[str]:
        """Hold these customers until they are written. Returns those that must be read."""
        missing = []
        for subject in subjects:
            if subject in self.held:
                continue
            warm = self.customers.pop(subject)
            if warm is None:
                missing.append(subject)
            else:
                self._hold(subject, *warm)
        return missing

    def remember(self, subject: str, record: bytes | None) -> None:
        """Hold a customer as stored, or begin one."""
        self._hold(subject, *read_record(subject, record or b""))

    def grow(self, events: int) -> None:
        """So many events took effect on those that are held."""
        if not self.closed:
            self.grown += events * EVENT_BYTES
            self.budget.take(UNWRITTEN, events * EVENT_BYTES)

    def replace(self, subject: str, tracked: Tracked) -> None:
        """A customer's record, which is held, is another one from now on."""
        self.held[subject] = tracked, self.held[subject][1]

    def drop(self, subject: str) -> Tracked:
        """A customer who is held is no more."""
        tracked, size = self.held.pop(subject)
        self.budget.give(UNWRITTEN, size)
        return tracked

    def _hold(self, subject: str, tracked: Tracked, size: int) -> None:
        if self.closed:
            size = 0  # it is not noticed yet: nobody would give it back
        self.held[subject] = tracked, size
        self.budget.take(UNWRITTEN, size)

    def _release(self, records: Mapping[str, bytes]) -> None:
        """Nothing is held; ``records`` are those that were written."""
        held, self.held = self.held, {}
        self._give_all(held)
        self.customers.put(
            (subject, tracked, held_bytes(records[subject]) if subject in records else size)
            for subject, (tracked, size) in held.items()
        )

    def close(self) -> None:
        """The partition is let go. A batch that outlives this still has the customers that it works on."""
        self.closed = True
        self.customers.close()
        self._give_all(self.held)
        self.held = {subject: (tracked, 0) for subject, (tracked, _) in self.held.items()}

    def _give_all(self, held: Mapping[str, tuple[Tracked, int]]) -> None:
        self.budget.give(UNWRITTEN, sum(size for _, size in held.values()) + self.grown)
        self.grown = 0


def read_record(subject: str, record: bytes) -> tuple[Tracked, int]:
    """A record as the store has it, or of whom it has none, and its bytes in memory."""
    return tracked_of(subject, state.decode(record) if record else Customer()), held_bytes(record)


def held_bytes(record: bytes) -> int:
    """What a customer takes in memory, about."""
    return CUSTOMER_BYTES + BYTES_A_BYTE * len(record)
