"""The customers of a partition that are in memory: those that may have changed, and those that are as the
store has them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.metrics.domain import state
from services.metrics.domain.merging.joined import tracked_of
from services.metrics.domain.orders import share
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from shared.schemas.base import Data
from shared.schemas.purchases import PurchaseMade
from shared.worker.budget import Budget
from shared.worker.cache import Cache

CUSTOMERS, UNWRITTEN = "customers", "unwritten"
"""Kinds of memory: records that are as the store has them, and those that may have changed."""
CUSTOMER_BYTES, ORDER_BYTES, BYTES_A_BYTE = 2_600, 300, 13
"""What a customer takes in memory: so many, so many for each order, and for each byte of the record's rest
(measured)."""
STORED_ORDER = 34
"""The least that an order is in the record, beside its id. Were it more than that, what others take would
not be counted."""
EVENT_BYTES, PURCHASE_BYTES = 1_000, 500
"""What an event adds until it is written, about: to a record that is held, to ids and cells. Most events are
purchases, which have most in common."""


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

    def grow(self, kinds: Iterable[type[Data]]) -> None:
        """Events of these kinds took effect on those that are held."""
        if not self.closed:
            size = sum(PURCHASE_BYTES if kind is PurchaseMade else EVENT_BYTES for kind in kinds)
            self.grown += size
            self.budget.take(UNWRITTEN, size)

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
            (subject, tracked, held_bytes(records[subject], tracked) if subject in records else size)
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
    tracked = tracked_of(subject, state.decode(record) if record else Customer())
    share(tracked.data.orders.values())
    return tracked, held_bytes(record, tracked)


def held_bytes(record: bytes, tracked: Tracked) -> int:
    """What a customer takes in memory, about, whose record this is."""
    orders = tracked.data.orders
    rest = len(record) - STORED_ORDER * len(orders) - sum(map(len, orders))
    return CUSTOMER_BYTES + ORDER_BYTES * len(orders) + BYTES_A_BYTE * max(0, rest)
