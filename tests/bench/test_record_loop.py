"""The worker's path without a store, beside a bare loop of the same client on the same topic."""

import asyncio
import cProfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer

from rapport.embedded.stack import start_kafka
from rapport.home import Home
from shared.kafka.brokers import Brokers
from shared.kafka.clients import Assigned, Revoked, TopicPartition
from shared.kafka.keys import partition_of
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.runtime.heap import settle_heap
from shared.schemas.purchases import PurchaseMade
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Batch
from tests.bench.events import purchases
from tests.bench.nothing import Nothing
from tests.bench.report import show_profile, show_ratio

pytestmark = pytest.mark.bench

EVENTS = 200_000
RUNS = 5
TOPIC = "purchases"


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("bench")
    with start_kafka(Home(root)) as kafka:
        _fill(kafka.address)
        yield kafka.address


def _fill(bootstrap: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "acks": "all"})
    headers = [("content-type", b"application/cloudevents+json")]
    partitions = len(producer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions)
    for number, (key, value) in enumerate(purchases(EVENTS, customers=5000)):
        producer.produce(TOPIC, value, key, partition_of(key, partitions), headers=headers)
        if number % 10_000 == 0:
            producer.flush()
    producer.flush()


def _member(bootstrap: str, group: str) -> LibrdkafkaConsumer:
    return LibrdkafkaConsumer(
        Brokers(bootstrap), consumer_options(group, session_seconds=10.0, poll_seconds=300.0), [TOPIC]
    )


class Counting(Nothing):
    """Says when all events have come."""

    def __init__(self) -> None:
        super().__init__()
        self.events = 0
        self.done = asyncio.Event()

    async def process(self, batch: Batch) -> None:
        self.events += len(batch.messages)
        await super().process(batch)
        if self.events >= EVENTS:
            self.done.set()


async def _worker(bootstrap: str, group: str) -> float:
    """Events per second through intake, merge, batches and a commit per round."""
    processor = Counting()
    loop = RecordLoop(
        service=group,
        consumer=lambda: _member(bootstrap, group),
        topics={TOPIC},
        intake=Intake("bench", (PurchaseMade,)),
        processor=processor,
        stream=False,
    )
    started = time.perf_counter()
    task = asyncio.create_task(loop.run())
    await processor.done.wait()
    seconds = time.perf_counter() - started
    loop.stop()
    await task
    assert processor.events == EVENTS
    return EVENTS / seconds


async def _bare(bootstrap: str, group: str) -> float:
    """The limit: the same client reads the same records, looks at none, and commits each round."""
    consumer = _member(bootstrap, group)
    started = time.perf_counter()
    seen = 0
    room: frozenset[TopicPartition] = frozenset()
    while seen < EVENTS:
        polled = await consumer.poll(0.2, 2000, room)
        if isinstance(polled, Assigned):
            await consumer.start(polled, {})
            room = polled.held
        elif isinstance(polled, Sequence):
            seen += len(polled)
            consumer.commit({(r.topic, r.partition): r.offset + 1 for r in polled})
        elif isinstance(polled, Revoked):
            consumer.release(polled, {})
    seconds = time.perf_counter() - started
    await consumer.close(2.0)
    return EVENTS / seconds


def test_the_record_loop_beside_a_bare_loop(bootstrap: str) -> None:
    settle_heap()  # as a worker's process does, for both
    ours, bare = [], []
    for run in range(RUNS):
        ours.append(asyncio.run(_worker(bootstrap, f"loop-{run}")))
        bare.append(asyncio.run(_bare(bootstrap, f"bare-{run}")))
    profile = cProfile.Profile()
    profile.enable()
    asyncio.run(_worker(bootstrap, "profiled"))
    profile.disable()
    show_ratio(
        f"Record loop without a store ({EVENTS:,} purchases, {RUNS} runs each, in turn)",
        ("Rapport: decode, merge, batch, commit", ours),
        ("the client's poll and commit alone", bare),
        aim=0.7,
    )
    show_profile("Where the record loop's time goes (own time)", profile)
