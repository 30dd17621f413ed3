"""One budget in bytes for what a worker's process keeps in memory, shared by all of its partitions.

What must be there is counted: records that wait, batches under way. What may go is in caches (``cache``),
and what was used longest ago goes first, whatever partition it is of. Sizes are estimates, made of lengths
that are known anyway: nothing is measured for it.
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Protocol

from shared.runtime import telemetry

MIB = 1024 * 1024
DEFAULT_BYTES = 256 * MIB
LARGEST_FETCH = 50 * MIB
LARGEST_SEND = 32 * MIB

FETCHING, SENDING, QUEUED, BATCH = "fetching", "sending", "queued", "batch"
STATES, RECENT = "states", "recent"
BATCH_COPIES = 4
"""A record that is being handled is there so many times: as it came, decoded, as documents, on the wire."""


class Evictable(Protocol):
    """What may go."""

    kind: str

    @property
    def oldest(self) -> int | None:
        """When that was used which was used longest ago (``Budget.now`` then); None if nothing is there."""

    def evict(self, excess: int) -> int:
        """Let go of what was used then, as much as it takes to have ``excess`` bytes back. Returns the bytes
        that it gave back, some at least."""


class Budget:
    """Bytes by kind, and the shares that queues and clients keep to. All of it is called in one thread."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self.limit = limit
        self.queue_limit = max(1, limit // 4)
        """Records that wait in memory, of all topics and partitions."""
        self.batch_limit = max(1, limit // (8 * BATCH_COPIES))
        """Records of a round's batches, as they came."""
        self.step_limit = max(1, limit // 8)
        """States that are read for one step."""
        self.fetch_limit = min(max(limit // 64, MIB), LARGEST_FETCH)
        """What the consumer holds ready, and a broker's answer to it."""
        self.send_limit = min(max(limit // 8, 4 * MIB), LARGEST_SEND)
        """Records that wait to be acknowledged."""
        self.used = 0
        self.kinds: Counter[str] = Counter()
        """What ``used`` is made of."""
        self.now = 0
        """Counts steps: a clock for what was used when."""
        self._most = {RECENT: limit // 8}
        self._caches: list[Evictable] = []
        self._asked: dict[str, Callable[[], int]] = {}

    def take(self, kind: str, size: int) -> None:
        """So many bytes more are in memory; caches make room for them, as far as they can."""
        self.kinds[kind] += size
        self.used += size
        most = self._most.get(kind)
        if most is not None and self.kinds[kind] > most:
            self._evict([c for c in self._caches if c.kind == kind], self.kinds[kind] - most)
        if self.used > self.limit:
            self._evict(self._caches, self.used - self.limit)

    def give(self, kind: str, size: int) -> None:
        """So many are there no more."""
        self.kinds[kind] -= size
        self.used -= size

    @staticmethod
    def _evict(caches: Collection[Evictable], excess: int) -> None:
        while excess > 0:
            filled = [(oldest, n, c) for n, c in enumerate(caches) if (oldest := c.oldest) is not None]
            if not filled:
                return
            excess -= min(filled)[2].evict(excess)

    def advance(self) -> None:
        """A step begins: what it uses is used later than all before."""
        self.now += 1

    def add(self, cache: Evictable) -> None:
        """It makes room from now on."""
        self._caches.append(cache)

    def remove(self, cache: Evictable) -> None:
        self._caches = [c for c in self._caches if c is not cache]

    def ask(self, kind: str, bytes_held: Callable[[], int]) -> None:
        """Count what tells its bytes when it is asked, about once a round, and gives none back: caches make
        room for it. Asked in place of whatever was asked under this kind before."""
        self._asked[kind] = bytes_held

    def look(self) -> None:
        """Ask those that are asked."""
        for kind, bytes_held in self._asked.items():
            self.take(kind, bytes_held() - self.kinds[kind])

    def reserve(self) -> None:
        """Count what a worker's Kafka clients may take; of three brokers each may answer at the same time."""
        self.take(FETCHING, 4 * self.fetch_limit)
        self.take(SENDING, self.send_limit)

    def show(self, service: str) -> None:
        """Set the gauges."""
        telemetry.MEMORY_LIMIT_BYTES.labels(service).set(self.limit)
        for kind, size in self.kinds.items():
            telemetry.MEMORY_BYTES.labels(service, kind).set(size)
