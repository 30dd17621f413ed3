"""A worker's processor, made of what its environment says."""

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.store import WorkerStore
from services.metrics.settings import MetricsSettings
from shared.kafka.publisher import Publisher
from shared.runtime.mongo import Document
from shared.worker.budget import Budget


def processor(
    settings: MetricsSettings,
    database: AsyncDatabase[Document],
    client: AsyncMongoClient[Document],
    publisher: Publisher,
    budget: Budget,
) -> CompactProcessor:
    """The processor; nothing connects before it is used."""
    return CompactProcessor(
        WorkerStore(database, client),
        publisher.publish,
        stream=settings.clock == "stream",
        flush_seconds=settings.metrics_flush_seconds,
        recent_ids=settings.metrics_recent_ids,
        page_bytes=settings.metrics_id_page_bytes,
        budget=budget,
    )
