"""The process of a worker: a Faust App that supervises the record loop and serves its health.

Faust gives the service tree, signals, restarts and the web server; its own consumer and producer
are not started (see docs/adr), so the record loop is alone in reading.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import faust
import structlog
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from shared.domain import Collection, Handler, S
from shared.health import add_pages
from shared.journal.plan import Plan
from shared.journal.processor import JournalProcessor
from shared.journal.store import WorkerStore, prepare
from shared.kafka.brokers import Brokers
from shared.kafka.keys import partition_of
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.kafka.publisher import Publisher, Record
from shared.process import App, Worker, apart, within
from shared.runtime.crashes import tell_in_the_log
from shared.runtime.erasure_guard import keep_key
from shared.runtime.heap import settle_heap
from shared.runtime.mongo import Document, connect, until_let_in
from shared.runtime.refusal import end_process
from shared.runtime.settings import Settings
from shared.runtime.telemetry import configure_logging, tell_version
from shared.runtime.trail import AUDIT
from shared.schemas.base import Data
from shared.schemas.clock import ClockAdvanced
from shared.schemas.codec import encode
from shared.schemas.event import Event
from shared.schemas.topics import TOPICS
from shared.worker.budget import MIB, Budget
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Processor

log = structlog.get_logger(__name__)

STOP_SECONDS = 1.9
"""At a stop, the record loop and the service's own tasks have so long together."""
CLOSE_SECONDS = 0.3
ProcessorFactory = Callable[
    [AsyncDatabase[Document], AsyncMongoClient[Document], Publisher, Budget],
    Processor,
]


STORE_MS = 30_000
"""For one call of the store, its retries too."""


class Runtime:
    """What a worker's own background tasks may use."""

    def __init__(
        self,
        settings: Settings,
        database: AsyncDatabase[Document],
        publisher: Publisher,
        loop: RecordLoop,
        committed: asyncio.Event,
    ) -> None:
        self.settings = settings
        self.database = database
        self.stopping = asyncio.Event()
        self._publisher = publisher
        self._loop = loop
        self._committed = committed

    def owns(self, customer_id: str) -> bool:
        """Whether this worker serves the customer now."""
        count = self._loop.partitions
        return bool(count) and partition_of(customer_id.encode(), count) in self._loop.held

    def now(self, customer_id: str) -> datetime:
        """The wall clock, or the watermark of the customer's partition."""
        if self.settings.clock == "wall" or not self._loop.partitions:
            return datetime.now(UTC)
        return self._loop.watermark(partition_of(customer_id.encode(), self._loop.partitions))

    async def publish_events(self, events: Sequence[Event]) -> None:
        """Publish events on their topics and wait until all are acknowledged. Raises ``BrokerAwayError``;
        some may be published then."""
        records = []
        for event in events:
            value, headers = encode(event)
            records.append(Record(event.data.topic, event.subject.encode(), value, tuple(headers)))
        await self._publisher.publish(records)

    def stop(self) -> None:
        """Have the tasks end, those too that wait for a commit."""
        self.stopping.set()
        self._committed.set()

    async def wait_for_commit(self, seconds: float) -> None:
        """Until the worker has committed a batch, or so many seconds have passed, or it stops."""
        if self.stopping.is_set():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._committed.wait(), seconds)
        self._committed.clear()


Extra = Callable[[Runtime], Awaitable[None]]


def run_worker(
    settings: Settings,
    handler: Handler[S],
    *,
    extra: Sequence[Extra] = (),
    observe: Callable[[Plan[S]], None] | None = None,
) -> None:
    """Run a handler's worker until a signal stops it. Does not return.

    ``observe`` is called with each plan that took effect; it must not raise.
    """
    client = connect(settings, timeoutMS=STORE_MS)
    store = WorkerStore(client, handler, compact=settings.states == "compact")
    budget = _budget(settings)
    publisher = Publisher(Brokers.of(settings), queue_bytes=budget.send_limit)
    processor = JournalProcessor(
        handler,
        store,
        publisher,
        secret_key=settings.oldest_key,
        stream=settings.clock == "stream",
        erased_by=settings.erased_by,
        observe=observe,
        budget=budget,
    )
    intake = Intake(handler.service, handler.consumes, reads_everything=handler.reads_everything)
    topics = _topics(handler.consumes, handler.reads_everything, settings)
    loop = _loop(settings, handler.service, topics, intake, processor, budget)
    runtime = Runtime(settings, store.database, publisher, loop, processor.committed)
    _run(settings, handler.service, loop, publisher, client, store.prepare, runtime, extra)


def run_processor(
    settings: Settings,
    *,
    service: str,
    consumes: Sequence[type[Data]],
    processor_factory: ProcessorFactory,
    collections: Sequence[Collection],
) -> None:
    """Run a worker with a processor of its own until a signal stops it. Does not return.

    ``collections``: all that it writes.
    """
    client = connect(settings, timeoutMS=STORE_MS)
    database = client[f"rapport_{service}"]
    budget = _budget(settings)
    publisher = Publisher(Brokers.of(settings), queue_bytes=budget.send_limit)
    processor = processor_factory(database, client, publisher, budget)
    topics = _topics(consumes, False, settings)
    loop = _loop(settings, service, topics, Intake(service, consumes), processor, budget)
    runtime = Runtime(settings, database, publisher, loop, asyncio.Event())

    ready = partial(prepare, database, (*collections, AUDIT))
    _run(settings, service, loop, publisher, client, ready, runtime, ())


async def meet(
    prepare: Callable[[], Awaitable[None]], database: AsyncDatabase[Document], settings: Settings
) -> None:
    """Write to the store for the first time. Ends the process where its erased ids are of another key."""
    await prepare()
    if (refusal := await keep_key(database, settings.erased_by)) is not None:
        end_process(refusal)


def _budget(settings: Settings) -> Budget:
    """What the process may keep in memory, less what its Kafka clients may take of it."""
    budget = Budget(settings.memory_mib * MIB)
    budget.reserve()
    return budget


def _topics(consumes: Sequence[type[Data]], everything: bool, settings: Settings) -> set[str]:
    if everything:
        return set(TOPICS)
    topics = {c.topic for c in consumes if c.topic}
    return topics | {ClockAdvanced.topic} if settings.clock == "stream" else topics


def _loop(
    settings: Settings,
    service: str,
    topics: set[str],
    intake: Intake,
    processor: Processor,
    budget: Budget,
) -> RecordLoop:
    brokers = Brokers.of(settings)
    options = consumer_options(
        f"rapport-{service}",
        session_seconds=settings.session_timeout,
        poll_seconds=settings.poll_interval,
        fetch_bytes=budget.fetch_limit,
    )
    return RecordLoop(
        service=service,
        consumer=lambda: LibrdkafkaConsumer(brokers, options, topics),
        topics=topics,
        intake=intake,
        processor=processor,
        stream=settings.clock == "stream",
        batch_size=settings.batch_size,
        budget=budget,
    )


def _run(
    settings: Settings,
    service: str,
    loop: RecordLoop,
    publisher: Publisher,
    client: AsyncMongoClient[Document],
    prepare: Callable[[], Awaitable[None]],
    runtime: Runtime,
    extra: Sequence[Extra],
) -> None:
    configure_logging(settings, f"{service}-worker")
    tell_in_the_log()
    tell_version(service)
    app = App(
        f"rapport-{service}-host",
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        web_host=settings.host,
        web_bind=settings.host,
        web_port=settings.worker_port,
    )
    ended = asyncio.Event()
    ready = partial(meet, prepare, runtime.database, settings)

    @app.service
    class Records(faust.Service):
        """The record loop and the service's own tasks, under Faust's supervision."""

        @faust.Service.task
        async def records(self) -> None:
            await publisher.start()
            await apart(until_let_in(settings, ready), loop.note_progress)
            await loop.run()

        @faust.Service.task
        async def extras(self) -> None:
            try:
                await apart(asyncio.gather(*(task(runtime) for task in extra)))
                await runtime.stopping.wait()
            finally:
                ended.set()

        async def on_stop(self) -> None:
            runtime.stop()
            loop.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await loop.finished.wait()
                    await ended.wait()  # what they have to tell goes by the publisher
            await publisher.stop()
            await within(CLOSE_SECONDS, client.close())

    add_pages(app, loop, publisher, client)
    settle_heap()
    Worker(app, settings.log_level).execute_from_commandline()
