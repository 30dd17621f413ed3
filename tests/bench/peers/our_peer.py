"""Rapport: the record loop with nothing behind it, or metrics' worker with its store."""

import argparse
import asyncio
from typing import Any

from pymongo import AsyncMongoClient

from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.state import decode
from services.metrics.journal.processor import CompactProcessor
from services.metrics.journal.store import WorkerStore
from shared.kafka.brokers import Brokers
from shared.kafka.librdkafka_consumer import LibrdkafkaConsumer, consumer_options
from shared.runtime.heap import settle_heap
from shared.worker.intake import Intake
from shared.worker.loop import RecordLoop
from shared.worker.processing import Batch
from tests.bench.nothing import Nothing
from tests.bench.peers.progress import Progress

TOPIC = "purchases"


async def _no_letters(records: Any) -> None:
    assert not records


async def run(bootstrap: str, group: str, wanted: int, uri: str | None) -> None:
    progress, finished = Progress(wanted), asyncio.Event()
    client: Any = AsyncMongoClient(uri, tz_aware=True, timeoutMS=30_000) if uri else None
    processor: Any = Nothing()
    if client is not None:
        store = WorkerStore(client["rapport_metrics"], client)
        processor = CompactProcessor(store, _no_letters, stream=False, erased_by=b"key")
    process = processor.process

    async def noting(batch: Batch) -> None:
        progress.begin()
        await process(batch)
        if batch.messages and progress.seen(len(batch.messages)):
            finished.set()

    processor.process = noting
    options = consumer_options(group, session_seconds=10.0, poll_seconds=300.0)
    loop = RecordLoop(
        service=group,
        consumer=lambda: LibrdkafkaConsumer(Brokers(bootstrap), options, [TOPIC]),
        topics={TOPIC},
        intake=Intake("metrics", CONSUMES),
        processor=processor,
        stream=False,
    )
    running = asyncio.create_task(loop.run())
    await asyncio.wait({asyncio.create_task(finished.wait()), running}, return_when=asyncio.FIRST_COMPLETED)
    while client is not None and any(part.dirty for part in processor._partitions.values()):
        processor._flushing.next_flush = 0.0  # its last write, without the rest that it would take
        await asyncio.sleep(0.02)
    progress.stands()
    loop.stop()
    await running
    if client is None:
        progress.show()
    else:
        await _show_stored(client, progress)


async def _show_stored(client: Any, progress: Progress) -> None:
    """What stands, counted from the customers' records."""
    stored = await client["rapport_metrics"]["customers"].find({}).to_list()
    await client.close()
    orders = [(d["_id"], o) for d in stored for o in decode(bytes(d["record"])).orders.values()]
    cells = {(customer, order.day) for customer, order in orders}
    progress.show(len(cells), sum(order.amount for _, order in orders))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap")
    parser.add_argument("group")
    parser.add_argument("wanted", type=int)
    parser.add_argument("--store", help="MongoDB's URI; none: nothing is behind the loop")
    args = parser.parse_args()
    settle_heap()
    asyncio.run(run(args.bootstrap, args.group, args.wanted, args.store))
