"""A worker's processor, made of what its environment and its policy say."""

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from services.metrics.domain.fits import Parameters
from services.metrics.domain.health import Health, HealthPolicy, Models, health
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.state import Customer
from services.metrics.domain.themes import Matcher
from services.metrics.figures_store import FiguresStore
from services.metrics.journal.looking import Looking
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.store import WorkerStore
from services.metrics.journal.watching import Watching
from services.metrics.settings import MetricsSettings
from services.metrics.store import MetricsStore
from shared.kafka.publisher import Publisher
from shared.runtime.mongo import Document
from shared.schemas.times import Micros
from shared.worker.budget import Budget


def processor(
    settings: MetricsSettings,
    policy: MetricsPolicy,
    database: AsyncDatabase[Document],
    client: AsyncMongoClient[Document],
    publisher: Publisher,
    budget: Budget,
) -> CompactProcessor:
    """The processor; nothing connects before it is used."""
    stream = settings.clock == "stream"
    return CompactProcessor(
        WorkerStore(database, client),
        publisher.publish,
        stream=stream,
        erased_by=settings.erased_by,
        flush_seconds=settings.metrics_flush_seconds,
        recent_ids=settings.metrics_recent_ids,
        page_bytes=settings.metrics_id_page_bytes,
        budget=budget,
        looking=Looking(Judging(policy.health), policy.insights, policy.churn),
        watching=Watching(
            MetricsStore(database, policy.churn), FiguresStore(database), policy, stream=stream
        ),
        themes=Matcher(policy.themes),
    )


class Judging:
    """Judges customers' health by a policy; the models are made when their parameters change."""

    def __init__(self, policy: HealthPolicy) -> None:
        self._policy = policy
        self._parameters: Parameters = {}
        self._models = Models.of({})

    def __call__(self, customer: Customer, parameters: Parameters, at: Micros) -> Health:
        if parameters is not self._parameters:
            self._parameters, self._models = parameters, Models.of(parameters)
        return health(customer, self._models, self._policy, at)
