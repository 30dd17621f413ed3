"""Offsets on their way to the group: handed over, and acknowledged some time later. Nobody waits."""

from collections.abc import Mapping
from time import monotonic

from shared.kafka.clients import ConsumerClient
from shared.runtime import telemetry
from shared.worker import faults
from shared.worker.processing import TopicOffset

SAME_SECONDS = 1e-3


class Commits:
    """What is not acknowledged when its partitions go is committed no more: what is read again is known as
    handled."""

    def __init__(self, service: str) -> None:
        self._seconds = telemetry.BATCH_SECONDS.labels(service, "commit")
        self._since: float | None = None

    def hand_over(self, client: ConsumerClient, durable: Mapping[TopicOffset, int]) -> None:
        if durable:
            client.commit(durable)
            if self._since is None:
                self._since = monotonic()

    def look(self, client: ConsumerClient) -> None:
        """Note what has been acknowledged."""
        if self._since is None:
            return
        waits = client.uncommitted_for
        now = monotonic()
        if now - waits > self._since + SAME_SECONDS:  # the oldest is another one
            faults.point("after_commit")
            self._seconds.observe(now - self._since)
            self._since = now - waits if waits else None

    def forget(self) -> None:
        self._since = None
