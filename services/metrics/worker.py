"""Metrics' worker: ``python -m services.metrics.worker``."""

from collections.abc import Sequence
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.accumulate import CONSUMES
from services.metrics.processor import SERVICE, CompactProcessor
from services.metrics.settings import MetricsSettings
from services.metrics.store import WorkerStore
from shared.runtime.host import run_processor
from shared.runtime.publisher import Publisher, Record
from shared.runtime.settings import load_settings


class DeadLetters:
    """Publishes dead letters. There are next to none here, so it connects for the first."""

    def __init__(self, settings: MetricsSettings) -> None:
        self._publisher = Publisher(settings.kafka)
        self._started = False

    async def publish(self, records: Sequence[Record]) -> None:
        """Raises ``BrokerAway``."""
        if not self._started:
            self._started = True
            await self._publisher.start()
        await self._publisher.connected()
        await self._publisher.publish(records)


def main() -> None:
    settings = load_settings(MetricsSettings)
    letters = DeadLetters(settings)

    def processor(
        database: AsyncDatabase[dict[str, Any]], client: AsyncMongoClient[dict[str, Any]]
    ) -> CompactProcessor:
        return CompactProcessor(
            WorkerStore(database, client),
            letters.publish,
            stream=settings.clock == "stream",
            flush_seconds=settings.metrics_flush_seconds,
            warm_customers=settings.metrics_warm_customers,
        )

    run_processor(settings, service=SERVICE, consumes=CONSUMES, processor_factory=processor)


if __name__ == "__main__":
    main()
