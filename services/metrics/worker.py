"""Metrics' worker: ``python -m services.metrics.worker``."""

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.rows import COLLECTIONS
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.store import WorkerStore
from services.metrics.settings import MetricsSettings
from shared.host import run_processor
from shared.kafka.publisher import Publisher
from shared.runtime.mongo import Document
from shared.runtime.settings import load_settings
from shared.worker.budget import Budget


def main() -> None:
    settings = load_settings(MetricsSettings)

    def processor(
        database: AsyncDatabase[Document],
        client: AsyncMongoClient[Document],
        publisher: Publisher,
        budget: Budget,
    ) -> CompactProcessor:
        return CompactProcessor(
            WorkerStore(database, client),
            publisher.publish,
            stream=settings.clock == "stream",
            flush_seconds=settings.metrics_flush_seconds,
            recent_ids=settings.metrics_recent_ids,
            page_bytes=settings.metrics_id_page_bytes,
            budget=budget,
        )

    run_processor(
        settings, service="metrics", consumes=CONSUMES, collections=COLLECTIONS, processor_factory=processor
    )


if __name__ == "__main__":
    main()
