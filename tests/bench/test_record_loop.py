"""The worker's path without a store, beside a bare getmany loop on the same topic in the same run."""

import asyncio
import cProfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from rapport.embedded.stack import start_kafka
from rapport.home import Home
from shared.host import settle_heap
from shared.schemas.purchases import PurchaseMade
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Batch, TopicOffset
from tests.bench.events import purchases
from tests.bench.report import show_profile, show_ratio

pytestmark = pytest.mark.bench

EVENTS = 200_000
RUNS = 5
TOPIC = "purchases"


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("bench")
    with start_kafka(Home(root)) as kafka:
        asyncio.run(_fill(kafka.address))
        yield kafka.address


async def _fill(bootstrap: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=512 * 1024)
    await producer.start()
    headers = [("content-type", b"application/cloudevents+json")]
    try:
        sent = [
            await producer.send(TOPIC, value, key=key, headers=headers)
            for key, value in purchases(EVENTS, customers=5000)
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


class Counting:
    """A processor whose effect is nothing: what is left is the worker's own path."""

    def __init__(self) -> None:
        self.events = 0
        self.done = asyncio.Event()
        self._durable: dict[TopicOffset, int] = {}

    async def assigned(self, partitions: frozenset[int]) -> Mapping[TopicOffset, int]:
        return {}

    async def watermark(self, partition: int) -> None:
        return None

    async def process(self, batch: Batch) -> None:
        self.events += len(batch.messages)
        self._durable.update(batch.offsets)
        if self.events >= EVENTS:
            self.done.set()

    async def idle(self) -> None:
        return

    async def revoked(self, partitions: frozenset[int]) -> None:
        return

    def durable(self) -> Mapping[TopicOffset, int]:
        offsets, self._durable = self._durable, {}
        return offsets


async def _worker(bootstrap: str, group: str) -> float:
    """Events per second through intake, merge, batches and a commit per round."""
    processor = Counting()
    loop = RecordLoop(
        service=group,
        bootstrap=bootstrap,
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
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=2000,
    )
    started = time.perf_counter()
    await consumer.start()
    seen = 0
    try:
        while seen < EVENTS:
            offsets: dict[TopicPartition, OffsetAndMetadata] = {}
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                seen += len(records)
                offsets[tp] = records[-1].offset + 1
            if offsets:
                await consumer.commit(offsets)
        return EVENTS / (time.perf_counter() - started)
    finally:
        await consumer.stop()


def test_the_record_loop_beside_a_bare_getmany_loop(bootstrap: str) -> None:
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
        ("aiokafka getmany and commit alone", bare),
        aim=0.7,
    )
    show_profile("Where the record loop's time goes (own time)", profile)
