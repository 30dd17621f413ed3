"""How far a worker is behind: its gauges, which are there while it holds partitions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic

from shared.kafka.clients import BrokerAwayError, ConsumerClient
from shared.runtime import telemetry
from shared.worker.merge import Queues

LAG_SECONDS = 2.0


class Lag:
    """Measured every ``LAG_SECONDS``."""

    def __init__(self, service: str, wall_clock: Callable[[], datetime]) -> None:
        self._service = service
        self._wall_clock = wall_clock
        self._next = 0.0
        self._shown: set[tuple[str, str]] = set()

    async def measure(self, client: ConsumerClient, queues: Mapping[int, Queues]) -> None:
        """Records that have not taken effect, and the age of the oldest event waiting."""
        if monotonic() < self._next:
            return
        self._next = monotonic() + LAG_SECONDS
        try:
            unread = await client.lags([(t, p) for p, topics in queues.items() for t in topics])
        except BrokerAwayError:
            return
        now = oldest = self._wall_clock()
        for partition, topics in queues.items():
            for topic, queue in topics.items():
                lag = unread.get((topic, partition), 0) + len(queue)
                telemetry.LAG_RECORDS.labels(self._service, topic, str(partition)).set(lag)
                self._shown.add((topic, str(partition)))
                head = queue.head()
                if head is not None and head.at is not None:
                    oldest = min(oldest, head.at)
        telemetry.LAG_SECONDS.labels(self._service).set((now - oldest).total_seconds())

    def clear(self) -> None:
        """Whoever is assigned these partitions says how far behind they are."""
        for topic, partition in self._shown:
            telemetry.LAG_RECORDS.remove(self._service, topic, partition)
        if self._shown:
            telemetry.LAG_SECONDS.remove(self._service)
        self._shown.clear()
        self._next = 0.0
